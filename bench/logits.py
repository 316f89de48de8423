#!/usr/bin/python3
"""How far quantised arithmetic strays: root mean square error of the logits, Ingot beside llama.cpp on the same files.

    bench/logits.py [--build build] [--only q4_K] [--tokens 32]

A Llama of 4 layers (dim 512, random weights) is written in each type.  What is right comes from the weights as
bench/gguf.py reads them out of the file, multiplied in f64 with nothing rounded in between; what Ingot and llama.cpp differ
by is therefore their rounding of activations to 8 bits, of f32 to f16, and of sums.  Tokens are read as one prompt and one by one, since both
programs compute the two differently.  Prints a table; writes bench/out/logits.json and bench/out/logits.md.
"""
import argparse
import os
import subprocess
import sys

import numpy as np

import gguf
import measure
import peers

SHAPE = dict(dim=512, layers=4, heads=8, kv=2, ff=1536)
KINDS = {"f16": "f16", "q8_0": "q8_0", "q4_0": "q4_0", "q4_K": "q4_k", "q6_K": None}  # None: the writer has no such type


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * weight


def rotate(x, base):
    """x [T,H,D]: neighbours 2i and 2i+1 turn by position · base^(-2i/D)   (Su et al. 2021)"""
    t, _, d = x.shape
    angle = (np.arange(t)[:, None] * base ** (-np.arange(0, d, 2) / d))[:, None]
    a, b, out = x[..., 0::2], x[..., 1::2], np.empty_like(x)
    out[..., 0::2], out[..., 1::2] = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)
    return out


def attend(x, w, heads, kv_heads, base):
    """x [T,C] → [T,C], causal, query heads in groups over kv_heads"""
    t = len(x)
    split = lambda name, n: (x @ w("attn_%s.weight" % name).T).reshape(t, n, -1)
    q, k, v = rotate(split("q", heads), base), rotate(split("k", kv_heads), base), split("v", kv_heads)
    k, v = (np.repeat(y, heads // kv_heads, axis=1) for y in (k, v))
    scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(q.shape[-1])
    scores[:, np.triu(np.ones((t, t), bool), 1)] = -np.inf
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return np.einsum("hts,shd->thd", p, v).reshape(t, -1) @ w("attn_output.weight").T


def reference(path, ids):
    """logits [T,V] in f64"""
    f = gguf.File(path)
    key = lambda name: f.fields["llama." + name]
    w = lambda name: f.get(name).astype(np.float64)
    epsilon, base = key("attention.layer_norm_rms_epsilon"), key("rope.freq_base")
    x = w("token_embd.weight")[ids]
    for i in range(key("block_count")):
        block = lambda name: w("blk.%d.%s" % (i, name))
        x = x + attend(norm(x, block("attn_norm.weight"), epsilon), block, key("attention.head_count"),
                       key("attention.head_count_kv"), base)
        y = norm(x, block("ffn_norm.weight"), epsilon)
        gate = y @ block("ffn_gate.weight").T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ block("ffn_up.weight").T)) @ block("ffn_down.weight").T
    head = "output.weight" if "output.weight" in f.tensors else "token_embd.weight"
    return norm(x, w("output_norm.weight"), epsilon) @ w(head).T


def logits_of(command, shape):
    target = os.path.join(measure.OUT, "logits.bin")
    done = subprocess.run(command + ["--out", target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=measure.environment("unset"))
    if done.returncode != 0:
        sys.exit("bench: %s failed:\n%s" % (" ".join(command), done.stderr.strip()[-2000:]))
    return np.fromfile(target, np.float32).reshape(shape)


def write_ids(tokens, vocab):
    ids = np.random.default_rng(7).integers(3, vocab, tokens)  # the first three are the tokenizer's own
    path = os.path.join(measure.OUT, "logits.ids")
    with open(path, "w") as f:
        f.write(" ".join(map(str, ids)) + "\n")
    return path, ids


def model(o, name):
    if KINDS[name]:
        return peers.make_model(o, "logits-" + name.lower(), KINDS[name], SHAPE)
    path = os.path.join(measure.OUT, "models", "logits-%s.gguf" % name.lower())
    source = None if os.path.exists(path) else peers.make_model(o, "logits-f32", "f32", SHAPE)
    if source:
        gguf.transcode(source, path)
    return path if os.path.exists(path) else None


def errors(o, path, llama):
    """{subject: {"prompt" | "one by one": error}} and the size of the logits"""
    vocab = gguf.File(path).fields["llama.vocab_size"]
    ids_path, ids = write_ids(o.tokens, vocab)
    right = reference(path, ids)
    folder = peers.import_model(o.build, path)
    commands = {}
    if folder:
        commands["Ingot"] = [os.path.join(o.build, "bench", "serve_step"), folder]
    if llama:
        commands["llama.cpp"] = [o.python, os.path.join(measure.HERE, "llama_peer.py"), llama, path]
    result = {}
    for name, command in commands.items():
        command = command + ["--threads", str(measure.threads()), "--logits", ids_path]
        result[name] = {"prompt": rms(logits_of(command, right.shape) - right),
                        "one by one": rms(logits_of(command + ["--single"], right.shape) - right)}
    return result, rms(right)


def line(name, how, result, size):
    values = [result[s][how] / size if s in result else None for s in ("Ingot", "llama.cpp")]
    text = ["%.2e" % v if v is not None else "–" for v in values]
    ratio = "%.2f" % (values[0] / values[1]) if None not in values else "–"
    return "| %s, %s | %.4f | %s | %s |" % (name, how, size, " | ".join(text), ratio)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers.options(a)
    a.add_argument("--tokens", type=int, default=32)
    a.add_argument("--only", choices=sorted(KINDS), action="append", help="this type; may be repeated")
    o = a.parse_args()
    llama = peers.llama_folder()
    lines = ["| weights, tokens read | RMS of the logits | Ingot: error relative to it | llama.cpp | Ingot / llama.cpp |",
             "| --- | ---: | ---: | ---: | ---: |"]
    data = {}
    for name in KINDS:
        path = model(o, name) if not o.only or name in o.only else None
        if not path:
            continue
        result, size = errors(o, path, llama)
        data[name] = {"rms": size, "errors": result}
        lines += [line(name, how, result, size) for how in ("prompt", "one by one")]
    measure.write("logits", data, "\n".join(lines) + "\n")


main()
