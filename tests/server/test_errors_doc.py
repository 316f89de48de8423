"""docs/ERRORS.md and docs/ERRORS.zh.md have every code that src/server can send, and no other.      test_errors_doc.py"""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANGES = {f"{what}_{end}_value" for what in ("integer", "decimal", "array") for end in ("below_min", "above_max")}  # fields.c makes them


def codes_of_source():
    for path in sorted((ROOT / "src/server").rglob("*.c")):
        text = path.read_text(encoding="utf-8")
        for call in re.finditer(r"call_fail\(\s*[\w>-]+,\s*[^,]+,\s*[^,]+,\s*([^,]+),", text):
            if call[1].startswith("const char"):
                continue  # its definition
            if call[1].startswith('"'):
                yield call[1].strip('"'), path.name
            elif call[1] != "code" or path.name != "fields.c":
                yield f"{call[1]} (not a literal)", path.name
        if path.name == "reply.c":  # the codes of errors that have none of their own
            part = text[text.index("static const char *code_of("):text.index("/* What concerns the machine alone")]
            yield from ((code, path.name) for code in re.findall(r'"([a-z_]+)"', part))
        for code in re.findall(r'snprintf\(c->code, sizeof c->code, "([a-z_]+)"\)', text):
            yield code, path.name


class ErrorsDoc(unittest.TestCase):
    def test_every_code_is_there_and_no_other(self):
        source = {code: place for code, place in codes_of_source()} | {code: "fields.c" for code in RANGES}
        self.assertGreater(len(source), 30)
        for name in ("ERRORS.md", "ERRORS.zh.md"):
            text = (ROOT / "docs" / name).read_text(encoding="utf-8")
            rows = [re.match(r"\| [\d, ]+ \| ((?:`\w+` ?)+)\| (.+) \| (.+) \|$", line) for line in text.splitlines()]
            told = {code for row in rows if row for code in re.findall(r"`(\w+)`", row[1])}
            self.assertEqual({c: p for c, p in source.items() if c not in told}, {}, f"add these codes to docs/{name}")
            self.assertEqual(told - set(source), set(), f"docs/{name} has codes that nothing sends")


if __name__ == "__main__":
    unittest.main()
