"""ingot tokenizer: what is learned encodes and decodes without loss."""
import json
import unittest

from program import Case, TEXT


class Tokenizer(Case):
    def test_bpe_round_trip(self):
        r = self.good("tokenizer", "train", "text.txt", "--vocab-size", 300, "--out", "bpe.json", "--json").json
        self.assertEqual((r["kind"], r["path"]), ("bpe", "bpe.json"))
        self.assertLessEqual(r["tokens"], 300)
        self.assertEqual(r["bytes"], len(TEXT.encode()))
        text = "the fox 春眠 é\n\t!"
        ids = self.good("tokenizer", "encode", "bpe.json", text).out
        self.assertEqual(self.good("tokenizer", "decode", "bpe.json", *ids.split()).raw, text.encode() + b"\n")
        self.assertEqual(self.good("tokenizer", "decode", "bpe.json", stdin=ids).raw, text.encode() + b"\n")

    def test_char_and_special_tokens(self):
        self.good("tokenizer", "train", "text.txt", "--kind", "char", "--special", "<|end|>", "--out", "char.json")
        plain = self.call("tokenizer", "encode", "char.json", "<|end|>")
        self.assertEqual(plain.code, 1)  # < is not in the vocabulary, and what a user types is never special by itself
        r = self.good("tokenizer", "encode", "char.json", "<|end|>春", "--special", "--json").json
        self.assertEqual(r["ids"][0], 0)
        self.assertEqual(r["count"], 2)
        self.assertEqual(r["tokens"], ["<|end|>", "春"])

    def test_a_pipe_is_read(self):
        self.good("tokenizer", "train", "text.txt", "--kind", "char", "--out", "pipe.json")
        a = self.good("tokenizer", "encode", "pipe.json", "the dog\n").out
        self.assertEqual(self.good("tokenizer", "encode", "pipe.json", stdin="the dog\n").out, a)
        ids = json.loads(self.good("tokenizer", "encode", "pipe.json", "dog", "--json").out)["ids"]
        self.assertEqual(self.good("tokenizer", "decode", "pipe.json", str(ids), "--json").json, {"text": "dog"})

    def test_wrong_ids(self):
        self.good("tokenizer", "train", "text.txt", "--kind", "char", "--out", "ids.json")
        self.bad(1, "tokenizer", "decode", "ids.json", "1", "99999", says="99999")
        self.bad(1, "tokenizer", "decode", "ids.json", "one", says="one")

    def test_a_damaged_tokenizer_is_refused(self):
        (self.dir / "broken.json").write_text('{"model": 3}')
        self.bad(1, "tokenizer", "encode", "broken.json", "x", says="broken.json")


if __name__ == "__main__":
    unittest.main()
