"""Help in both languages, exit codes, suggestions, and what happens on wrong input."""
import unittest

from program import Case, VERBS


class Usage(Case):
    def test_every_verb_has_help_in_both_languages(self):
        for verb in VERBS:
            en = self.good(*verb.split(), "--help").out
            zh = self.good(*verb.split(), "--help", "--lang", "zh").out
            self.assertIn(f"usage: ingot {verb}", en)
            self.assertIn(f"用法： ingot {verb}", zh)
            self.assertIn("examples:", en)
            self.assertIn("示例：", zh)
            self.assertNotRegex(en, "[\u4e00-\u9fff]", verb)

    def test_every_option_is_explained_in_both_languages(self):
        for verb in VERBS:
            for lang in ("en", "zh"):
                for line in self.good(*verb.split(), "--help", "--lang", lang).out.splitlines():
                    if line.startswith("  --"):
                        self.assertGreater(len(line.split(None, 1)[1].strip()), 1, line)
                        self.assertNotIn("(null)", line)

    def test_the_list_of_verbs(self):
        out = self.good("--help").out
        for verb in VERBS:
            self.assertIn(f"\n  {verb} ", out)
        self.assertEqual(self.call().code, 2)
        self.assertRegex(self.good("--version").out, r"^ingot \d+\.\d+\.\d+\n$")

    def test_the_language_comes_from_the_environment(self):
        self.assertIn("用法", self.good("--help", env=self.environment(LANG="zh_CN.UTF-8")).out)
        self.assertIn("usage", self.good("--help", env=self.environment(LANG="zh_CN.UTF-8", LC_ALL="C")).out)
        self.bad(2, "--lang", "fr", "ls", says="en | zh")

    def test_unknown_words_get_the_nearest(self):
        self.bad(2, "trian", says='did you mean "ingot train"?')
        self.bad(2, "evla", says='did you mean "ingot eval"?')
        self.bad(2, "xyzzy", says='unknown verb "xyzzy"')
        self.bad(2, "tokenizer", says=["tokenizer train", "tokenizer encode", "tokenizer decode"])
        self.bad(2, "tokenizer", "encod", says='did you mean "ingot tokenizer encode"?')
        self.bad(2, "run", "m", "--temprature", "1", says="did you mean --temperature?")
        self.bad(2, "run", "m", "--temprature", "1", "--lang", "zh", says="你是想用 --temperature 吗")

    def test_wrong_usage_is_exit_code_2(self):
        self.bad(2, "run", says="something is missing")
        self.bad(2, "train", "a", "b", says="too many arguments")
        self.bad(2, "run", "m", "--max-tokens", "many", says="whole number")
        self.bad(2, "run", "m", "--top-p", "1.5", says="between 0 and 1")
        self.bad(2, "run", "m", "--seed", says="needs a value")
        self.bad(2, "run", "m", "--greedy=1", says="takes no value")
        self.bad(2, "eval", "m", says="--data FILE is missing")
        self.bad(2, "train", "tiny.yaml", "--set", "nonsense", says="path=value")
        self.bad(2, "train", "tiny.yaml", "--resume", "--overwrite", says="exclude")
        self.bad(2, "tokenizer", "train", "text.txt", "--kind", "words", says="bpe | char")

    def test_missing_things_say_what_to_do(self):
        self.bad(1, "train", "none.yaml", says=["none.yaml", "ingot train RECIPE.yaml"])
        self.bad(1, "train", ".", says="is a folder")
        self.bad(1, "run", "none", "x", says=["none", "ingot ls"])
        self.bad(1, "eval", "./text.txt", "--data", "text.txt", says="is a file; a model is a folder")
        self.bad(1, "show", ".", says="is no model")
        self.bad(1, "tokenizer", "encode", "none.json", "x", says="none.json")
        self.bad(1, "tokenizer", "train", "none.txt", says="none.txt")
        self.bad(1, "tokenizer", "train", ".", says="is a folder")
        self.bad(1, "ls", says=["no workspace", "ingot init"])
        self.bad(1, "-C", "nowhere", "ls", says="nowhere")

    def test_errors_are_json_too(self):
        r = self.bad(1, "run", "none", "x", "--json")
        self.assertEqual(r.json["error"]["code"], "not found")
        self.assertIn("advice", r.json["error"])


if __name__ == "__main__":
    unittest.main()
