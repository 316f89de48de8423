"""ingot merge: W' = W + B·A·alpha/rank, computed here a second time from the files, and a model that answers as its parts do."""
import json
import struct
import unittest

import program

ADAPTER = """\
name: %s
seed: 2
model: {from: tiny}
lora: {rank: 4, alpha: 8, merge: false}
data: {kind: chat, train: rows.jsonl}
train: {steps: 6, batch: 2, context: 32, precision: f32}
optimiser: {name: adamw, lr: 5e-2}
"""


def tensors(path):
    """name: (shape, floats) of a safetensors file in f32."""
    raw = path.read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__":
            assert t["dtype"] == "F32", (name, t)
            a, b = t["data_offsets"]
            out[name] = t["shape"], struct.unpack(f"<{(b - a) // 4}f", raw[8 + n + a:8 + n + b])
    return out


class Merge(program.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.dir / "text.txt").write_text(program.TEXT + "ABCDEFGHIJKLMNOPQRSTUVWXYZ:\n", encoding="utf-8")
        row = json.dumps({"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "fox"}]})
        (cls.dir / "rows.jsonl").write_text((row + "\n") * 4)
        (cls.dir / "adapter.yaml").write_text(ADAPTER % "adapter")
        for args in (("init",), ("train", "tiny.yaml", "--quiet"), ("train", "adapter.yaml", "--quiet"), ("merge", "adapter", "whole")):
            r = cls.call(*args)
            assert r.code == 0, r.err

    def test_weights_are_the_base_and_the_product(self):
        models = self.dir / "models"
        base, whole = tensors(models / "tiny/model.safetensors"), tensors(models / "whole/model.safetensors")
        adapter = tensors(models / "adapter/adapter_model.safetensors")
        self.assertEqual({n: t[0] for n, t in base.items()}, {n: t[0] for n, t in whole.items()})
        changed = {n for n in base if base[n][1] != whole[n][1]}
        names = [n[:-len(".lora_A.weight")] for n in adapter if n.endswith(".lora_A.weight")]
        self.assertEqual(len(changed), len(names))
        for name in names:
            (rank, n_in), a = adapter[name + ".lora_A.weight"]
            (n_out, _), b = adapter[name + ".lora_B.weight"]
            key = next(k for k in changed if k == name[len("base_model.model."):] + ".weight" or name.endswith(k[:-len(".weight")]))
            self.assertEqual(base[key][0], [n_in, n_out])  # GPT-2 keeps its matrices transposed
            for i in range(0, n_in, 5):
                for o in range(0, n_out, 7):
                    delta = sum(b[o * rank + r] * a[r * n_in + i] for r in range(rank)) * 8 / rank
                    at = i * n_out + o
                    # one rounding of f32 for the sum, `rank` for the product
                    self.assertAlmostEqual(whole[key][1][at], base[key][1][at] + delta, delta=1e-6 * (1 + abs(base[key][1][at]) + abs(delta)))

    def test_it_answers_as_the_adapter_does(self):
        ask = ("the ", "--greedy", "--max-tokens", "8", "--json", "--logprobs", "3")
        parts, whole, base = (self.good("run", m, *ask).json for m in ("adapter", "whole", "tiny"))
        self.assertEqual(parts["ids"], whole["ids"])
        for a, b in zip(parts["logprobs"], whole["logprobs"]):
            self.assertAlmostEqual(a["logprob"], b["logprob"], delta=1e-4)
        self.assertNotEqual([x["logprob"] for x in base["logprobs"]], [x["logprob"] for x in whole["logprobs"]])

    def test_names_and_folders(self):
        r = self.good("merge", "adapter", "again", "--json")
        self.assertTrue(r.json["model"].endswith("models/again"))
        self.assertFalse((self.dir / "models/again/adapter_model.safetensors").exists())
        self.good("merge", "models/adapter", "./elsewhere")
        self.assertEqual((self.dir / "elsewhere/model.safetensors").read_bytes(), (self.dir / "models/whole/model.safetensors").read_bytes())

    def test_what_is_refused(self):
        self.bad(1, "merge", "adapter", "tiny", says="already")
        self.bad(1, "merge", "tiny", "other", says="whole model")
        self.bad(1, "merge", "nobody", "other", says="nobody")
        self.bad(1, "merge", "adapter", "", says="empty")
        self.bad(2, "merge", "adapter", says="NEWNAME")
        self.assertFalse((self.dir / "models/other").exists())


if __name__ == "__main__":
    unittest.main()
