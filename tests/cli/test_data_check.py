"""ingot data check: every bad row by its line, in text and JSON, and the figures of good ones."""
import json
import unittest

import program

TEXT = program.TEXT + "ABCDEFGHIJKLMNOPQRSTUVWXYZ:\n"  # the plain form of a conversation has names
GOOD = {"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "fox"}]}


class DataCheck(program.Case):
    def setUp(self):
        (self.dir / "text.txt").write_text(TEXT, encoding="utf-8")

    def write(self, name, *rows):
        (self.dir / name).write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in rows))
        return name

    def problems(self, name, *options, code=1):
        r = self.call("data", "check", name, "--json", *options)
        self.assertEqual(r.code, code, r.out + r.err)
        return r.json

    def test_good_rows(self):
        name = self.write("good.jsonl", GOOD, {"prompt": "the", "completion": "fox"})
        found = self.problems(name, code=0)
        self.assertEqual((found["kind"], found["rows"], found["bad"], found["problems"]), ("chat", 2, 0, []))
        self.assertIn("good rows     2", self.good("data", "check", name).out)

    def test_every_bad_row_is_named_by_its_line(self):
        bad = [(b"{", None), (b"[]", None), ({}, None), ({"messages": []}, "messages is empty"), ({"messages": "x"}, "must be a list"),
               ({"messages": [7]}, "messages[0]"), ({"messages": [{"content": "x"}]}, "messages[0]"),
               ({"messages": [{"role": "robot", "content": "x"}]}, "robot"),
               ({"messages": [{"role": "user", "content": ""}, GOOD["messages"][1]]}, "messages[0] (user)"),
               ({"messages": [{"role": "user", "content": 3}, GOOD["messages"][1]]}, "must be text"),
               ({"messages": [GOOD["messages"][1]]}, "before any of a user"),
               ({"messages": [GOOD["messages"][0], {**GOOD["messages"][1], "weight": 2}]}, "weight"), ({"prompt": "x"}, "without completion"),
               (b'{"messages": "\xff"}', None)]
        rows = [r for pair in bad for r in (GOOD, pair[0])]
        name = self.write("bad.jsonl", *rows)
        found = self.problems(name)
        real = [p for p in found["problems"] if p["problem"] != "duplicate"]
        self.assertEqual([p["line"] for p in real], [2 * i + 2 for i in range(len(bad))])
        self.assertEqual(found["bad"], len(bad))
        for p, (_, detail) in zip(real, bad):
            self.assertTrue(p["message"])
            self.assertIn(detail or "", p["detail"])
        r = self.call("data", "check", name)
        self.assertEqual(r.code, 1)
        self.assertIn("bad.jsonl:2: ", r.out)
        self.assertIn(f"bad           {len(bad)}", r.out)

    def test_duplicates_are_told_and_do_no_harm(self):
        found = self.problems(self.write("twice.jsonl", GOOD, GOOD), code=0)
        self.assertEqual((found["bad"], found["harmless"]), (0, 1))
        self.assertEqual(found["problems"][0]["line"], 2)

    def test_preferences(self):
        good = {"prompt": "the", "chosen": "fox", "rejected": "dog"}
        found = self.problems(self.write("pairs.jsonl", good, {"prompt": "the", "chosen": "fox"}), "--kind", "preference")
        self.assertEqual((found["kind"], found["rows"], found["bad"], found["problems"][0]["line"]), ("preference", 1, 1, 2))
        self.assertIn("lacks rejected", found["problems"][0]["detail"])

    def test_text_with_bytes_that_are_none(self):
        found = self.problems("text.txt", code=0)
        self.assertEqual((found["kind"], found["rows"], found["bad"]), ("text", TEXT.count("\n"), 0))
        (self.dir / "broken.txt").write_bytes(b"good\nb\xffd\ngood\n")
        found = self.problems("broken.txt")
        self.assertEqual([p["line"] for p in found["problems"]], [2])

    def test_tokens_of_a_model_and_rows_that_are_too_long_for_it(self):
        self.good("init")
        self.good("train", "tiny.yaml", "--quiet")
        name = self.write("good.jsonl", GOOD)
        found = self.problems(name, "--model", "tiny", "--context", "1000", code=0)
        self.assertGreater(found["tokens"], found["learned"])
        self.assertGreaterEqual(found["learned"], 3)  # the letters of "fox", a token each
        self.assertEqual(found["longest"], found["tokens"])
        self.assertEqual(self.problems(name, "--model", "tiny", "--context", str(found["tokens"] - 1), code=0)["bad"], 0)
        self.assertEqual(self.problems(name, "--model", "tiny", "--context", str(found["tokens"] - 2))["bad"], 1)  # the last token is never read
        self.assertEqual(self.problems("text.txt", "--model", "tiny", code=0)["tokens"], len(TEXT))  # one for each character

    def test_wrong_usage_and_files_that_are_not_there(self):
        self.bad(2, "data", "check", says="FILE")
        self.bad(2, "data", "check", "text.txt", "--kind", "poem", says="poem")
        self.bad(1, "data", "check", "nothing.jsonl", says="nothing.jsonl")
        self.bad(1, "data", "check", "text.txt", "--model", "nobody", says="nobody")


if __name__ == "__main__":
    unittest.main()
