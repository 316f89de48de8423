"""ingot data check of tables: text, JSON and the page, in both languages; exit codes; what a file is taken for."""
import json
import random
import unittest

import program


class TableCheck(program.Case):
    def setUp(self):
        random.seed(4)
        rows = [[i + 1, round(random.gauss(40, 9), 1), random.choice(["Oslo", "Rome"]), random.choice(["yes", "no"])] for i in range(300)]
        self.write("good.csv", "id,age,city,label", rows)
        bad = [r[:] for r in rows]
        bad[10][1], bad[20][1], bad[30][2] = 4000, "?", "<b>\"&rome"
        for r in bad:
            r.append("A" if r[3] == "yes" else "B")
        self.write("bad.csv", "id,age,city,label,decision", bad + [bad[5], ["1", "2"]])

    def write(self, name, head, rows):
        (self.dir / name).write_text("\n".join([head] + [",".join(str(v) for v in r) for r in rows]) + "\n", encoding="utf-8")

    def found(self, *args, code):
        r = self.call("data", "check", *args, "--json")
        self.assertEqual(r.code, code, r.out + r.err)
        return r.json

    def test_a_good_table_passes(self):
        found = self.found("good.csv", code=0)
        self.assertEqual((found["kind"], found["rows"], found["label"], found["label_guessed"]), ("table", 300, "label", True))
        self.assertEqual([c["type"] for c in found["columns"]], ["id", "number", "category", "boolean"])
        self.assertEqual([f["kind"] for f in found["findings"]], ["id"])
        text = self.good("data", "check", "good.csv").out
        self.assertIn("300 rows, 4 columns", text)

    def test_every_flaw_is_told_with_its_lines(self):
        found = self.found("bad.csv", code=1)
        kinds = {f["kind"]: f for f in found["findings"]}
        self.assertEqual(kinds["leak"]["column"], "decision")
        self.assertEqual(kinds["outliers"]["lines"], [12])
        self.assertEqual(kinds["missing"]["lines"], [22])
        self.assertEqual(kinds["duplicates"]["lines"], [302])
        self.assertEqual((kinds["bad_row"]["count"], kinds["bad_row"]["lines"]), (1, [303]))
        self.assertIn("age: 1 ", self.call("data", "check", "bad.csv").out)

    def test_label_test_and_earlier_table(self):
        r = self.call("data", "check", "good.csv", "--label", "nothing")
        self.assertEqual(r.code, 1)
        self.assertIn('"id", "age", "city", "label"', r.err)
        self.assertIsNone(self.found("good.csv", "--label", "", code=0)["label"])
        found = self.found("good.csv", "--test", "good.csv", code=1)
        self.assertEqual([f["count"] for f in found["findings"] if f["kind"] == "in_test"], [300])
        older = [[i, random.gauss(60, 9), "Oslo", "yes" if i % 2 else "no"] for i in range(300)]
        self.write("old.csv", "id,age,city,label", older)
        found = self.found("good.csv", "--against", "old.csv", code=1)
        self.assertEqual([f["column"] for f in found["findings"] if f["kind"] == "drift"], ["age", "city"])

    def test_no_header_missing_words_and_full_stops(self):
        (self.dir / "bare.csv").write_text("1, 2.5, a.\n2, -, b\n3, 4.5, a\n" * 5, encoding="utf-8")
        found = self.found("bare.csv", "--no-header", "--missing", "-,x", "--drop-stop", "column 3", "--label", "", code=0)
        self.assertEqual([c["name"] for c in found["columns"]], ["column 1", "column 2", "column 3"])
        self.assertEqual((found["columns"][1]["type"], found["columns"][1]["missing"], found["columns"][2]["distinct"]), ("number", 5, 2))

    def test_the_page_stands_alone_in_both_languages(self):
        for lang, word in (("en", "To mend"), ("zh", "需要处理")):
            self.call("data", "check", "bad.csv", "--html", "page.html", "--lang", lang)
            page = (self.dir / "page.html").read_text(encoding="utf-8")
            self.assertIn(word, page)
            self.assertIn(f'lang="{lang}"', page)
            self.assertGreaterEqual(page.count("<svg"), 4)
            self.assertNotIn("<b>\"&rome", page)
            self.assertNotIn("<script", page)
            self.assertNotIn("http://", page)

    def test_json_is_a_table_or_conversations_by_its_keys(self):
        (self.dir / "t.jsonl").write_text("\n".join(json.dumps({"a": i, "b": "x"}) for i in range(4)), encoding="utf-8")
        self.assertEqual(self.found("t.jsonl", code=0)["kind"], "table")
        (self.dir / "c.jsonl").write_text(json.dumps({"prompt": "a", "completion": "b"}), encoding="utf-8")
        self.assertEqual(self.found("c.jsonl", code=0)["kind"], "chat")


if __name__ == "__main__":
    unittest.main()
