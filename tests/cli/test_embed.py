"""ingot embed: one vector a line, from arguments and from a pipe, as the folder says."""
import json
import math
import pathlib
import shutil
import unittest

from program import Case

MODEL = pathlib.Path(__file__).parent.parent / "models/torch/bert"
ALPHABET = "abcdefghijklmnopqrstuvwxyz .,?!\n"


class Embed(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copytree(MODEL, cls.dir / "bert", copy_function=shutil.copyfile)
        (cls.dir / "abc.txt").write_text(ALPHABET)
        cls.call("tokenizer", "train", "abc.txt", "--kind", "char", "--special", "[PAD]", "--special", "[CLS]", "--special", "[SEP]",
                 "--out", "bert/tokenizer.json")

    def vectors(self, *args, **more):
        return [json.loads(line) for line in self.good("embed", "./bert", *args, **more).out.splitlines()]

    def test_arguments_and_lines_give_the_same(self):
        texts = ["where is it?", "a", "no"]
        a = self.vectors(*texts)
        self.assertEqual([len(v) for v in a], [24] * 3)
        for v in a:
            self.assertAlmostEqual(sum(x * x for x in v), 1, places=6)
        self.assertEqual(self.vectors(stdin="\n".join(texts)), a)
        self.assertEqual(self.vectors(stdin="\r\n".join(texts) + "\r\n"), a)
        self.assertEqual(len(self.vectors(stdin="a\n" * 600)), 600)
        self.assertEqual(self.vectors(stdin=""), [])

    def test_options(self):
        whole, raw = self.vectors("hello"), self.vectors("hello", "--raw")
        cut = self.vectors("hello", "--dimensions", 5)[0]
        norm = math.sqrt(sum(x * x for x in whole[0][:5]))
        self.assertEqual(len(cut), 5)
        for x, y in zip(cut, whole[0]):
            self.assertAlmostEqual(x, y / norm, places=6)
        self.assertNotEqual(raw, whole)
        self.assertNotEqual(self.vectors("hello", "--pooling", "cls"), whole)
        self.assertEqual(self.vectors("hello", "--pooling", "mean"), whole)

    def test_json_tells_tokens_and_what_was_cut(self):
        r = self.good("embed", "./bert", "abc", "abcdefghijklm", "--max-tokens", 8, "--json")
        self.assertEqual((r.json["dimensions"], r.json["pooling"], r.json["tokens"]), (24, "mean", 13))
        self.assertEqual([(t["tokens"], t["truncated"]) for t in r.json["texts"]], [(5, False), (8, True)])
        self.assertEqual(r.json["texts"][0]["embedding"], self.vectors("abc")[0])
        self.assertIn("1 of 2 texts", r.err)
        self.assertIn("2 个文本", self.good("embed", "./bert", "abc", "abcdefghijklm", "--max-tokens", 8, env=self.environment(LANG="zh_CN.UTF-8")).err)

    def test_refused(self):
        self.bad(2, "embed", "./bert", "a", "--pooling", "max", says="mean, cls or last")
        self.bad(1, "embed", "./bert", "a", "--dimensions", 25, says="1 to 24")
        self.bad(1, "embed", "./bert", "a", "--max-tokens", 2, says="leaves no room")
        self.bad(1, "embed", "./bert", "A", says="offset")
        self.bad(1, "embed", "./bert", stdin=b"a\0b\n", says="zero byte")
        self.bad(1, "run", "./bert", "a", says="bert")
        self.bad(1, "eval", "./bert", "--data", "abc.txt", says="do not predict")
        self.assertEqual(self.good("show", "./bert", "--json").json["context"], 16)


if __name__ == "__main__":
    unittest.main()
