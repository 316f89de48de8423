"""The verbs of features, through ingot_table: the real program with one tiny kind (table_kind.c)."""
import json
import unittest

from program import Case

TABLE = "how long does a refund take,three days\nhow much is shipping,five euros\n退款多久到账,三天\n"


class Loop(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.call("init")
        (cls.dir / "faq.csv").write_text(TABLE, encoding="utf-8")
        made = cls.call("new", "table", "desk", "--table", "faq.csv", "--sign-off", "!")
        assert made.code == 0, made.err

    def ask(self, text, *more):
        r = self.call("ask", "desk", text, "--json", *more)
        self.assertEqual(r.code, 0, r.err)
        return r.json

    def test_options_come_from_the_kind_in_both_languages(self):
        english, chinese = self.call("new", "table", "x", "--help"), self.call("new", "table", "x", "--help", "--lang", "zh")
        self.assertIn("--first-line N", english.out)
        self.assertIn("a table of question and answer", english.out)
        self.assertIn("问题与回答的表格", chinese.out)
        self.assertIn("--sign-off", self.call("set", "desk", "--help").out)
        self.assertIn("--question", self.call("ask", "desk", "--help").out)

    def test_wrong_usage_is_told(self):
        for args, code, says in [
            (["new", "tabel", "x"], 1, 'did you mean "table"'),
            (["new", "table"], 2, "KIND NAME"),
            (["new", "table", "x", "--tabel", "faq.csv"], 2, "did you mean --table"),
            (["new", "table", "x", "--first-line", "one", "faq.csv"], 2, "whole number"),
            (["new", "table", "x", "nowhere.csv"], 1, "nowhere.csv"),
            (["new", "table", "a/b", "faq.csv"], 1, "slash"),
            (["ask", "nobody", "what"], 1, "nobody"),
            (["ask", "desk"], 1, "question"),
            (["add", "desk"], 1, "nothing to add"),
            (["set", "desk"], 1, "nothing to set"),
            (["compare", "desk", "one", "2"], 2, "number of a version"),
            (["share", "desk", "1", "200%"], 2, "between 0 and 100"),
            (["explain", "desk", "int-none"], 1, ""),
            (["feedback", "desk", "int-none", "like"], 1, ""),
        ]:
            r = self.call(*args)
            self.assertEqual(r.code, code, (args, r.err))
            self.assertIn(says, r.err, args)
        self.assertNotIn("desk2", self.call("ls").out)

    def test_an_answer_its_reason_and_feedback(self):
        a = self.ask("退款多久到账", "--user", "ann")
        self.assertEqual((a["outcome"], a["answer"]["text"]), ("answered", "三天!"))
        shown = self.call("ask", "desk", "how much is shipping")
        self.assertEqual(shown.out.splitlines()[0], "five euros!")
        self.assertIn("sources:", shown.out)
        self.assertIn("version", shown.err)
        self.assertIn("matched: ", self.call("explain", "desk", a["id"]).out)
        self.assertEqual(self.call("feedback", "desk", a["id"], "like", "--user", "ann").code, 0)
        self.assertEqual(self.call("feedback", "desk", a["id"], "love").code, 1)
        corrected = self.call("feedback", "desk", a["id"], "correction", "四天")
        self.assertEqual(corrected.code, 0, corrected.err)
        self.assertEqual(self.ask("what is the meaning of it")["outcome"], "unknown")
        again = self.ask("how much is shipping", "--conversation", a["conversation"])
        self.assertEqual(again["conversation"], a["conversation"])

    def test_content_is_live_at_once_and_withdrawn_for_good(self):
        (self.dir / "more.csv").write_text("do you ship abroad,yes\nbroken row\n")
        r = self.call("add", "desk", "more.csv", "--force")
        self.assertEqual(r.code, 0, r.err)
        a = self.ask("do you ship abroad")
        self.assertEqual(a["answer"]["text"], "yes!")
        item = a["answer"]["sources"][0]["item"]
        self.assertEqual(self.call("withdraw", "desk", "q-none").code, 1)
        self.assertEqual(self.call("withdraw", "desk", item).code, 0)
        self.assertEqual(self.ask("do you ship abroad")["outcome"], "unknown")

    def test_rows_as_json_and_lines_to_leave_out(self):
        r = self.call("new", "table", "second", "--rows", '[{"question": "a", "text": "b"}]')
        self.assertEqual(r.code, 0, r.err)
        (self.dir / "head.csv").write_text("question,answer\nc,d\n")
        self.assertEqual(self.call("add", "second", "head.csv", "--first-line", "2").code, 0)
        self.assertEqual(self.call("ask", "second", "c").out.splitlines()[0], "d")
        self.assertNotEqual(self.call("ask", "second", "question").out.splitlines()[:1], ["answer"])
        self.assertEqual(self.call("rm", "second", "--yes").code, 0)
        self.assertNotIn("second", self.call("ls").out)

    def test_settings(self):
        r = self.call("set", "desk", "--sign-off", "!")
        self.assertEqual(r.code, 0, r.err)

    def test_lists_and_shows_features_beside_models(self):
        self.assertIn("desk", self.call("ls").out)
        listed = self.call("ls", "--json").json
        self.assertIn("desk", [f["name"] for f in listed["features"]])
        self.assertEqual(listed["models"], [])
        shown = self.call("show", "desk")
        self.assertIn("version 1", shown.out)
        self.assertEqual(self.call("show", "desk", "--json").json["name"], "desk")

    def test_one_namespace_with_models(self):
        (self.dir / "models" / "taken").mkdir(parents=True, exist_ok=True)
        r = self.call("new", "table", "taken", "--table", "faq.csv")
        self.assertEqual((r.code, "share their names" in r.err), (1, True))
        (self.dir / "models" / "taken").rmdir()
        recipe = (self.dir / "tiny.yaml").read_text(encoding="utf-8").replace("name: tiny", "name: desk")
        (self.dir / "desk.yaml").write_text(recipe, encoding="utf-8")
        r = self.call("train", "desk.yaml")
        self.assertEqual((r.code, "share their names" in r.err), (1, True), r.err)
        self.assertEqual(self.call("new", "table", "desk", "--table", "faq.csv").code, 1)

    def test_learning_the_gate_and_the_way_back(self):
        r = self.call("new", "table", "learner", "--table", "faq.csv")
        self.assertEqual(r.code, 0, r.err)
        a = self.call("ask", "learner", "how much is shipping", "--json").json
        self.assertEqual(self.call("feedback", "learner", a["id"], "correction", "six euros").code, 0)
        improved = self.call("improve", "learner", "--json")
        self.assertEqual(improved.code, 0, improved.err)
        compared = self.call("compare", "learner", "1", "2")
        self.assertEqual(compared.code, 0, compared.err)
        self.assertIn("version 2 beside 1", compared.out)
        self.assertIn("对比", self.call("compare", "learner", "1", "2", "--lang", "zh").out)
        self.assertEqual(json.loads(self.call("compare", "learner", "1", "2", "--json").out)["to"], 2)
        self.assertEqual(self.call("compare", "learner", "1", "9").code, 1)
        self.assertEqual(self.call("share", "learner", "2", "10%").code, 0)
        self.assertEqual(self.call("promote", "learner", "2", "--force").code, 0)
        self.assertEqual(self.call("show", "learner", "--json").json["live"], 2)
        self.assertEqual(self.call("rollback", "learner").code, 0)
        self.assertEqual(self.call("show", "learner", "--json").json["live"], 1)
        self.assertIn("asked", self.call("report", "learner").out)
        self.assertIn("提问", self.call("report", "learner", "--lang", "zh").out)
        self.assertEqual(self.call("gc", "learner").code, 0)

    def test_public_keys_name_a_feature(self):
        self.assertEqual(self.call("key", "new", "--role", "public").code, 1)
        r = self.call("key", "new", "--role", "public", "--feature", "desk", "--origin", "https://shop.example")
        self.assertEqual((r.code, r.out[:3]), (0, "ig-"), r.err)
        self.assertEqual(self.call("key", "new", "--role", "public", "--feature", "nobody", "--origin", "*").code, 1)

    def test_a_link_for_the_console_needs_an_admin(self):
        r = self.call("console")
        if r.code:
            self.assertIn("ingot key new --role admin", r.err)
        self.call("key", "new", "--role", "admin", "--name", "me")
        self.assertIn("http://127.0.0.1:8080/console/#link=", self.call("console").out)

    def test_folder_option_counts_before_the_options_of_a_kind(self):
        r = self.call("ask", "desk", "--question", "how much is shipping", "-C", str(self.dir), cwd="/")
        self.assertEqual(r.out.splitlines()[:1], ["five euros!"], r.err)


if __name__ == "__main__":
    unittest.main()
