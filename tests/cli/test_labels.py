"""A model that learns labels from a table, on the command line: train, classify, eval."""
import json
import unittest

from program import Case

RECIPE = """
name: mood
model: {config: {model_type: bert, hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2}}
tokenizer: {kind: word, vocab_size: 60}
data: {kind: labels, train: train.tsv, validation: test.tsv}
train: {steps: 60, batch: 8, context: 16, precision: f32}
optimiser: {lr: 1e-2}
evaluate: {every: 30, metric: eval_accuracy}
"""


class Labels(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        good, bad, things = ("good", "fine", "lovely"), ("bad", "awful", "broken"), ("room", "shoe", "book", "phone")
        rows = [f"the {t} is {w}\t{label}" for label, words in (("praise", good), ("blame", bad)) for w in words for t in things]
        (cls.dir / "train.tsv").write_text("text\tlabel\n" + "\n".join(rows) + "\n")
        (cls.dir / "test.tsv").write_text("text\tlabel\n" + "\n".join(rows[::3]) + "\n")
        (cls.dir / "recipe.yaml").write_text(RECIPE)
        cls.call("train", "recipe.yaml", "--out", "mood")

    def test_labels_of_texts(self):
        lines = self.good("classify", "./mood", "the shoe is lovely", "the shoe is awful").out.splitlines()
        self.assertEqual([line.split("\t")[0] for line in lines], ["praise", "blame"])
        r = self.good("classify", "./mood", "--json", stdin="the book is good\nthe book is bad\n").json
        self.assertEqual([t["label"] for t in r["texts"]], ["praise", "blame"])
        self.assertAlmostEqual(sum(r["texts"][0]["probabilities"].values()), 1, places=5)
        self.bad(1, "run", "./mood", "hello", says="ingot classify")

    def test_measured_on_a_table(self):
        r = self.good("eval", "./mood", "--data", "test.tsv", "--json").json
        self.assertEqual((r["rows"], r["accuracy"], r["macro_f1"]), (8, 1, 1))
        self.assertIn("accuracy   1.0000", self.good("eval", "./mood", "--data", "test.tsv").out)
        (self.dir / "plain.csv").write_text("praise,the room is good\nblame,the room is good\npraise,the shoe is fine\n")
        r = self.good("eval", "./mood", "--data", "plain.csv", "--no-header", "--column", "text=2", "--column", "label=1", "--json").json
        self.assertAlmostEqual(r["accuracy"], 2 / 3, places=6)
        self.assertLess(r["accuracy_low"], r["accuracy"])
        (self.dir / "other.tsv").write_text("text\tlabel\nx\tpraise\ny\tanger\n")
        self.bad(1, "eval", "./mood", "--data", "other.tsv", says="other.tsv:3")
        self.bad(2, "eval", "./mood", "--data", "test.tsv", "--column", "mood=1", says="text=NAME")

    def test_tags_of_words(self):
        lines = [("Ann", "B-P"), ("sees", "O"), ("old", "B-L"), ("Leeds", "I-L")], [("old", "O"), ("Bob", "B-P"), ("sees", "O"), ("Ann", "B-P")]
        (self.dir / "names.txt").write_text("\n".join("".join(f"{w}\t{t}\n" for w, t in s) for s in lines * 8))
        (self.dir / "names.yaml").write_text(RECIPE.replace("{kind: labels, train: train.tsv, validation: test.tsv}", "{kind: tags, train: names.txt, validation: 0}")
                                             .replace("eval_accuracy", "eval_f1"))
        self.good("train", "names.yaml", "--out", "names")
        self.assertEqual(self.good("tag", "./names", "Ann sees old Leeds").out, "Ann\tB-P\nsees\tO\nold\tB-L\nLeeds\tI-L\n\n")
        r = self.good("tag", "./names", "--json", stdin="old Bob sees Ann\n").json
        self.assertEqual([w["tag"] for w in r["texts"][0]], ["O", "B-P", "O", "B-P"])
        self.assertEqual([line.split("\t")[0] for line in self.good("tag", "./names", "酒店Ann").out.splitlines()], ["酒", "店", "Ann", ""])
        self.bad(1, "tag", "./mood", "hello", says="no head that tags")

    def test_the_folder_says_its_labels(self):
        config = json.loads((self.dir / "mood/config.json").read_text())
        self.assertEqual((config["id2label"], config["label2id"]), ({"0": "blame", "1": "praise"}, {"blame": 0, "praise": 1}))
        self.assertEqual(config["architectures"], ["BertForSequenceClassification"])


if __name__ == "__main__":
    unittest.main()
