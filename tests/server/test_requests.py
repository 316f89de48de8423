"""Requests that no client sends: broken bodies, and every numeric field at and past its borders (docs/OPENAI.md lists them)."""
import http.client
import json
import pathlib
import re
import subprocess
import os
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else str(ROOT / "build/ingot")
RERANKER = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else None
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "LANG": "C"}
RECIPE = """\
name: tiny
model:
  config: {model_type: gpt2, n_embd: 16, n_layer: 1, n_head: 2, n_positions: 64}
tokenizer: {kind: bpe, vocab_size: 260}
data: {train: text.txt, validation: 0.1}
train: {steps: 2, batch: 2, context: 16, precision: f32}
optimiser: {name: adamw, lr: 1e-2}
evaluate: {every: 2}
"""
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "max_tokens": 2}
BASES = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "tiny", "prompt": "a", "max_tokens": 2},
    "/v1/responses": {"model": "tiny", "input": "a", "max_output_tokens": 2},
    "/v1/embeddings": {"model": "tiny", "input": "a"},
}


def numeric_fields():
    """(path, field, is whole, least, most) of every number in docs/OPENAI.md."""
    path = None
    for line in (ROOT / "docs/OPENAI.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## POST "):
            path = line[8:]
        row = re.match(r"\| `(\w+)`.*?\| (integer|number) \| (\S+) … (\S+) \|", line)
        if row and path in BASES:
            yield path, row[1], row[2] == "integer", float(row[3]), float(row[4])


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.temporary.name)
        (folder / "text.txt").write_text("the quick brown fox\n" * 50)
        (folder / "tiny.yaml").write_text(RECIPE)
        for command in (["init"], ["train", "tiny.yaml", "--quiet"]):
            subprocess.run([PROGRAM, *command], cwd=folder, env=ENV, check=True, capture_output=True)
        if RERANKER:
            subprocess.run([RERANKER, folder / "models/ranker"], env=ENV, check=True)
        cls.child = subprocess.Popen([PROGRAM, "serve", "--no-key", "--port", "0"], cwd=folder, env=ENV, stderr=subprocess.PIPE, text=True)
        line = cls.child.stderr.readline()
        cls.port = int(re.search(r":(\d+)/v1", line)[1])
        cls.log = open(folder / "log", "w")
        cls.reader = subprocess.Popen(["cat"], stdin=cls.child.stderr, stdout=cls.log)

    @classmethod
    def tearDownClass(cls):
        cls.child.terminate()
        code = cls.child.wait(30)
        cls.reader.wait(10)
        cls.log.close()
        cls.child.stderr.close()
        cls.temporary.cleanup()
        assert code == 0, code

    def post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, raw, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = json.loads(answer.read())
        connection.close()
        return answer.status, data

    def refused(self, path, body, param=None, status=400):
        code, data = self.post(path, body)
        self.assertEqual(code, status, data)
        self.assertEqual(set(data["error"]), {"message", "type", "param", "code"})
        if param:
            self.assertEqual(data["error"]["param"], param)
        return data["error"]

    def test_bodies_that_are_no_json_object(self):
        for body in (b"", b"{", b"[]", b"null", b'"x"', b'{"model": "\xff\xfe"}', b"[" * 1000 + b"]" * 1000,
                     b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"model":"tiny","model":"tiny"}'):
            for path in BASES:
                self.refused(path, body)

    def test_zero_bytes_and_wrong_types(self):
        self.refused("/v1/chat/completions", {**CHAT, "model": "ti\0ny"}, "model")
        self.refused("/v1/chat/completions", {**CHAT, "model": 3}, "model")
        self.refused("/v1/chat/completions", {**CHAT, "messages": "hello"}, "messages")
        self.refused("/v1/chat/completions", {**CHAT, "messages": []}, "messages")
        self.refused("/v1/chat/completions", {**CHAT, "messages": [7]}, "messages[0]")
        self.refused("/v1/chat/completions", {**CHAT, "stop": ["a"] * 5}, "stop")
        self.refused("/v1/chat/completions", {**CHAT, "stop": ""}, "stop")
        self.refused("/v1/chat/completions", {**CHAT, "logit_bias": {"x": 1}}, "logit_bias")
        self.refused("/v1/chat/completions", {**CHAT, "logit_bias": {"1": 101}}, "logit_bias")
        self.refused("/v1/completions", {"model": "tiny", "prompt": [1, "a"]}, "prompt")
        self.refused("/v1/completions", {"model": "tiny", "prompt": [260]}, "prompt")
        self.refused("/v1/embeddings", {"model": "tiny", "input": []}, "input")
        self.refused("/v1/embeddings", {"model": "tiny", "input": ["a"] * 2049}, "input")
        self.refused("/v1/rerank", {"model": "tiny", "query": "a", "documents": ["b"]}, "model")

    def test_null_is_as_good_as_nothing(self):
        code, _ = self.post("/v1/chat/completions", {**CHAT, "temperature": None, "tools": None, "stop": None, "audio": None})
        self.assertEqual(code, 200)

    def test_numbers_at_and_past_their_borders(self):
        fields = list(numeric_fields())
        self.assertGreater(len(fields), 25)
        for path, name, whole, least, most in fields:
            step = 1 if whole else 1e-3
            with self.subTest(path=path, field=name):
                base = {k: v for k, v in BASES[path].items() if not (name == "max_completion_tokens" and k == "max_tokens")}
                if name == "top_logprobs":
                    base["logprobs"] = True
                huge = abs(least) > 2**60
                values = [-(2**63), 2**63 - 1] if huge else [int(least) if whole else least, int(most) if whole else most]
                if name == "dimensions":
                    values = [1, 16]
                for value in values:
                    code, data = self.post(path, {**base, name: value})
                    self.assertEqual(code, 200, data)
                past = [-(2**64), 2**64] if huge else [least - step, most + step, -1e300, 1e300]
                for value in past:
                    self.refused(path, {**base, name: int(value) if whole and abs(value) < 2**70 else value}, name)
                self.refused(path, {**base, name: "1"}, name)
                self.refused(path, {**base, name: [1]}, name)
                if whole:
                    self.refused(path, {**base, name: least + 0.5 if not huge else 0.5}, name)

    def test_numbers_of_jobs_lists_and_reranking(self):
        job = {"model": "tiny", "training_file": "file-none"}
        for place in ("hyperparameters", "method.supervised.hyperparameters", "method.dpo.hyperparameters"):
            for name, least, most, step in (("n_epochs", 1, 50, 1), ("batch_size", 1, 256, 1), ("learning_rate_multiplier", 1e-3, 100, 1e-4)):
                for value, wrong in ((least, False), (most, False), ("auto", False), (least - step, True), (most + step, True), ("many", True), ([1], True)):
                    body = {**job, "hyperparameters": {name: value}} if place == "hyperparameters" else \
                        {**job, "method": {"type": place.split(".")[1], place.split(".")[1]: {"hyperparameters": {name: value}}}}
                    self.refused("/v1/fine_tuning/jobs", body, f"{place}.{name}" if wrong else "training_file")
        for value, wrong in ((0, False), (2**31 - 1, False), (-1, True), (2**31, True), (0.5, True)):
            self.refused("/v1/fine_tuning/jobs", {**job, "seed": value}, "seed" if wrong else "training_file")
        for path, most in (("/v1/files", 10000), ("/v1/fine_tuning/jobs", 100)):
            for value in (0, -1, most + 1, 10**30, "x", "", "1x"):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("GET", f"{path}?limit={value}")
                answer = connection.getresponse()
                self.assertEqual((answer.status, json.loads(answer.read())["error"]["param"]), (400, "limit"), (path, value))
                connection.close()
        for value in (0, 1025, -(2**63), 1.5):
            self.refused("/v1/rerank", {"model": "tiny", "query": "a", "documents": ["b"], "top_n": value}, "top_n")

    @unittest.skipUnless(RERANKER, "no write_reranker was given")
    def test_rerank_orders_by_score(self):
        ask = {"model": "ranker", "query": "how to return shoes", "documents": ["quick brown fox", {"text": "return shoes"}, "shoes shoes"]}
        code, whole = self.post("/v1/rerank", ask)
        self.assertEqual(code, 200, whole)
        scores = [r["relevance_score"] for r in whole["results"]]
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertEqual({r["index"] for r in whole["results"]}, {0, 1, 2})
        self.assertTrue(all(0 < s < 1 for s in scores))
        code, one = self.post("/v1/rerank", {**ask, "top_n": 1, "return_documents": True})
        best = one["results"][0]
        self.assertEqual((len(one["results"]), best["index"]), (1, whole["results"][0]["index"]))
        self.assertEqual(best["document"]["text"], ["quick brown fox", "return shoes", "shoes shoes"][best["index"]])
        self.refused("/v1/rerank", {**ask, "documents": [1]}, "documents")
        self.refused("/v1/chat/completions", {**CHAT, "model": "ranker"}, "model")

    @unittest.skipUnless(RERANKER, "no write_reranker was given")
    def test_classify_gives_labels_and_probabilities(self):
        ask = {"model": "ranker", "input": ["return shoes", "quick brown fox"]}
        code, answer = self.post("/v1/classify", ask)
        self.assertEqual(code, 200, answer)
        self.assertEqual([(r["index"], r["label"], r["num_classes"]) for r in answer["data"]], [(0, "LABEL_0", 1), (1, "LABEL_0", 1)])
        self.assertTrue(all(0 < r["probs"][0] < 1 for r in answer["data"]))
        self.assertGreater(answer["usage"]["total_tokens"], 6)
        code, one = self.post("/v1/classify", {**ask, "input": "return shoes"})
        self.assertAlmostEqual(one["data"][0]["probs"][0], answer["data"][0]["probs"][0], places=5)
        for wrong in ([], "", [7], [""], ["a"] * 2049, 7):
            self.refused("/v1/classify", {**ask, "input": wrong}, "input")
        self.refused("/v1/classify", {**ask, "input": "shoes " * 50}, "input")
        self.refused("/v1/classify", {**ask, "model": "tiny"}, "model")

    def test_routes_that_there_are_not(self):
        self.refused("/v1/nothing", {}, status=404)
        self.refused("/v1/models", {}, status=405)

    def test_a_public_address_needs_keys(self):
        run = lambda *o: subprocess.run([PROGRAM, "serve", *o], cwd=self.temporary.name, env=ENV, capture_output=True, text=True, timeout=30)
        p = run("--host", "0.0.0.0", "--no-key", "--port", "0")
        self.assertEqual(p.returncode, 1)
        self.assertIn("ingot key new", p.stderr)
        p = run("--host", "0.0.0.0", "--port", "0")
        self.assertEqual(p.returncode, 1)
        self.assertIn("ingot key new", p.stderr)


if __name__ == "__main__":
    unittest.main()
