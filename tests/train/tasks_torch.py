"""Losses and gradients of the tasks over texts, computed by PyTorch in f64:   /usr/bin/python3 tests/train/tasks_torch.py

Writes tests/train/tasks_torch.json beside itself (PyTorch 1.13.1).  The network is written down here once more, with weights from a
formula that the test uses too; tokens follow from the rule of the vocabulary of whole words: special tokens, then words by how often
they occur, words that occur once are unknown.
"""
import collections
import json
import math
import pathlib

import torch

C, H, F, T = 8, 2, 12, 16
torch.set_default_dtype(torch.float64)


def weight(name, *shape):
    n = math.prod(shape)
    phase = sum(name.encode()) % 97
    w = torch.tensor([0.25 * math.sin(1.3 * k + phase) for k in range(n)]).reshape(shape)
    if len(shape) == 1 and name.endswith("weight"):
        w = w + 1
    return w.requires_grad_()


class Net:
    def __init__(self, vocab, root, labels=0, pooler=False):
        p = {}
        add = lambda name, *shape: p.__setitem__(name, weight(name, *shape))
        pair = lambda name, out, *rest: (add(name + ".weight", out, *rest), add(name + ".bias", out))
        for name, rows in ("word", vocab), ("position", T), ("token_type", 2):
            add(f"{root}embeddings.{name}_embeddings.weight", rows, C)
        pair(root + "embeddings.LayerNorm", C)
        b = root + "encoder.layer.0."
        for name in "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense":
            pair(b + name, C, C)
        pair(b + "attention.output.LayerNorm", C)
        pair(b + "intermediate.dense", F, C)
        pair(b + "output.dense", C, F)
        pair(b + "output.LayerNorm", C)
        if pooler:
            pair(root + "pooler.dense", C, C)
        if labels:
            pair("classifier", labels, C)
        self.p, self.root = p, root

    def linear(self, x, name):
        return x @ self.p[name + ".weight"].T + self.p[name + ".bias"]

    def norm(self, x, name):
        return torch.nn.functional.layer_norm(x, (C,), self.p[name + ".weight"], self.p[name + ".bias"], 1e-12)

    def hidden(self, ids, types):
        r, n = self.root, len(ids)
        e = lambda name: self.p[f"{r}embeddings.{name}_embeddings.weight"]
        x = self.norm(e("word")[ids] + e("position")[:n] + e("token_type")[types], r + "embeddings.LayerNorm")
        b = r + "encoder.layer.0."
        heads = lambda name: self.linear(x, b + "attention.self." + name).reshape(n, H, C // H).transpose(0, 1)
        q, k, v = heads("query"), heads("key"), heads("value")
        y = (torch.softmax(q @ k.transpose(1, 2) / math.sqrt(C // H), -1) @ v).transpose(0, 1).reshape(n, C)
        x = self.norm(x + self.linear(y, b + "attention.output.dense"), b + "attention.output.LayerNorm")
        y = self.linear(torch.nn.functional.gelu(self.linear(x, b + "intermediate.dense")), b + "output.dense")
        return self.norm(x + y, b + "output.LayerNorm")

    def classify(self, ids, types):
        first = self.hidden(ids, types)[0]
        return self.linear(torch.tanh(self.linear(first, self.root + "pooler.dense")), "classifier")


def vocabulary(texts):
    count = collections.Counter(w for t in texts for w in t.split())
    words = sorted((w for w in count if count[w] > 1), key=lambda w: (-count[w], w))
    return {w: 5 + i for i, w in enumerate(words)}


def encode(vocab, *texts):
    ids, types = [2], [0]
    for k, t in enumerate(texts):
        part = [vocab.get(w, 1) for w in t.split()] + [3]
        ids, types = ids + part, types + [k] * len(part)
    return torch.tensor(ids), torch.tensor(types)


def result(net, loss, data, extra):
    loss.backward()
    norms = {n: float(w.grad.norm()) for n, w in net.p.items() if w.grad is not None}
    return {"data": data, "overrides": extra, "loss": float(loss), "gradients": norms}


def labels():
    rows = [("red shoe", "A"), ("blue shoe big", "B"), ("red", "A"), ("old blue hat", "C")]
    v = vocabulary(t for t, _ in rows)
    net = Net(5 + len(v), "bert.", 3, True)
    logits = torch.stack([net.classify(*encode(v, t)) for t, _ in rows])
    are = torch.tensor([ord(y) - 65 for _, y in rows])
    w = len(rows) / (3 * torch.bincount(are).double())
    loss = torch.nn.functional.cross_entropy(logits, are, weight=w, label_smoothing=0.1)
    data = "text\tlabel\n" + "".join(f"{t}\t{y}\n" for t, y in rows)
    return result(net, loss, data, ["data={kind: labels, train: rows.tsv, validation: 0, class_weights: balanced}",
                                    "regularise.label_smoothing=0.1"])


def scores(kind):
    rows = [("red shoe", "the red shoe", 1.0), ("blue hat", "a red shoe", 0.0), ("blue hat", "the blue hat", 0.75)]
    v = vocabulary(t for r in rows for t in r[:2])
    net = Net(5 + len(v), "bert.", 1, True)
    z = torch.stack([net.classify(*encode(v, a, b))[0] for a, b, _ in rows])
    y = torch.tensor([s for _, _, s in rows])
    f = torch.nn.functional
    loss = f.binary_cross_entropy_with_logits(z, y) if kind == "bce" else f.mse_loss(z, y)
    data = "text\tpair\tscore\n" + "".join(f"{a}\t{b}\t{s}\n" for a, b, s in rows)
    return result(net, loss, data, ["data={kind: scores, train: rows.tsv, validation: 0}", f"scores.loss={kind}"])


def pairs():
    rows = [("red shoe", "the red shoe", "a blue hat"), ("blue hat", "a blue hat", "the red shoe"),
            ("red hat", "a red hat", "the red shoe"), ("old shoe", "the red shoe", "a red hat")]
    v = vocabulary(t for r in rows for t in r)
    net = Net(5 + len(v), "")
    unit = lambda t: torch.nn.functional.normalize(net.hidden(*encode(v, t)).mean(0), dim=0)
    a, b, n = (torch.stack([unit(r[k]) for r in rows]) for k in range(3))
    s = a @ torch.cat([b, n]).T / 0.2
    k = len(rows)
    mask = torch.zeros(k, 2 * k, dtype=torch.bool)
    for i in range(k):
        for j in range(k):
            mask[i, j] = i != j and (rows[i][1] == rows[j][1] or rows[i][0] == rows[j][0])
            mask[i, k + j] = rows[i][1] == rows[j][2]
    s = s.masked_fill(mask, -math.inf)
    are = torch.arange(k)
    ce = torch.nn.functional.cross_entropy
    data = "question\tanswer\twrong\n" + "".join("\t".join(r) + "\n" for r in rows)
    return result(net, (ce(s, are) + ce(s[:, :k].T, are)) / 2, data,
                  ["data={kind: pairs, train: rows.tsv, validation: 0, columns: {negative: wrong}}", "pairs.temperature=0.2"])


def tags():
    rows = [[("ann", "B-P"), ("sees", "O"), ("old", "B-L"), ("town", "I-L")], [("ann", "B-P"), ("lives", "O"), ("old", "O")]]
    names = sorted({y for r in rows for _, y in r})
    v = vocabulary(" ".join(w for w, _ in r) for r in rows)
    net = Net(5 + len(v), "bert.", len(names))
    logits, are = [], []
    for r in rows:
        h = net.hidden(*encode(v, " ".join(w for w, _ in r)))
        logits.append(net.linear(h[1:-1], "classifier"))
        are += [names.index(y) for _, y in r]
    loss = torch.nn.functional.cross_entropy(torch.cat(logits), torch.tensor(are))
    data = "\n".join("".join(f"{w}\t{y}\n" for w, y in r) for r in rows)
    return result(net, loss, data, ["data={kind: tags, train: rows.tsv, validation: 0}"])


if __name__ == "__main__":
    out = {"labels": labels(), "scores_bce": scores("bce"), "scores_mse": scores("mse"), "pairs": pairs(), "tags": tags()}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out, indent=1) + "\n")
