#!/usr/bin/python3
"""The peer of serve_step: the same requests to llama.cpp, through its shared libraries; one JSON line like serve_step's.

    llama_peer.py FOLDER MODEL.gguf [--threads 2] [--prompt 512] [--start 16] [--generate 64] [--clients 16] [--repeats 3]
                  [--avx2]
    llama_peer.py FOLDER MODEL.gguf --logits IDS --out FILE [--single]

FOLDER holds libllama and libggml as npm's @node-llama-cpp/linux-x64 brings them, without headers: parameter structures are
taken as opaque words, larger than any version's, and passed on as the library filled them; only the first four words of a
context's (n_ctx, n_batch, n_ubatch, n_seq_max) are set.  Requests that run together are sequences of one context, and the
most likely token is found by numpy, which is quicker than the library's own sampler.  --avx2 loads the backend for processors
without AVX-512 (haswell) instead of the best one.
"""
import argparse
import ctypes as c
import glob
import json
import os
import resource
import time

import numpy as np


class Words(c.Structure):
    _fields_ = [("word", c.c_uint32 * 256)]


class Batch(c.Structure):
    _fields_ = [("n_tokens", c.c_int32), ("token", c.POINTER(c.c_int32)), ("embd", c.c_void_p),
                ("pos", c.POINTER(c.c_int32)), ("n_seq_id", c.POINTER(c.c_int32)),
                ("seq_id", c.POINTER(c.POINTER(c.c_int32))), ("logits", c.POINTER(c.c_int8))]


def declare(lib, name, result, *arguments):
    function = getattr(lib, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


SILENT = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)(lambda level, text, data: None)


class Llama:
    """A model and one context with room for `sequences` texts of `length` tokens each."""

    def __init__(self, folder, path, threads, sequences, length, avx2):
        one = lambda pattern: sorted(glob.glob(os.path.join(folder, pattern)))[0]
        ggml, lib = c.CDLL(one("libggml.*so*"), c.RTLD_GLOBAL), c.CDLL(one("libllama.*so*"))
        declare(lib, "llama_log_set", None, c.c_void_p, c.c_void_p)(c.cast(SILENT, c.c_void_p), None)
        if avx2:
            declare(ggml, "ggml_backend_load", c.c_void_p, c.c_char_p)(one("libggml-cpu-haswell.so").encode())
        else:
            declare(ggml, "ggml_backend_load_all_from_path", None, c.c_char_p)(folder.encode())
        begin = time.perf_counter()
        p = declare(lib, "llama_model_default_params", Words)()
        self.model = declare(lib, "llama_model_load_from_file", c.c_void_p, c.c_char_p, Words)(path.encode(), p)
        if not self.model:
            raise SystemExit("llama_peer: %s could not be loaded" % path)
        p = declare(lib, "llama_context_default_params", Words)()
        p.word[0], p.word[3] = sequences * (-length % 256 + length), sequences
        self.ctx = declare(lib, "llama_init_from_model", c.c_void_p, c.c_void_p, Words)(self.model, p)
        if not self.ctx:
            raise SystemExit("llama_peer: no context for %d sequences of %d tokens" % (sequences, length))
        declare(lib, "llama_set_n_threads", None, c.c_void_p, c.c_int32, c.c_int32)(self.ctx, threads, threads)
        self.load_s = time.perf_counter() - begin
        vocab = declare(lib, "llama_model_get_vocab", c.c_void_p, c.c_void_p)(self.model)
        self.vocab = declare(lib, "llama_vocab_n_tokens", c.c_int32, c.c_void_p)(vocab)
        self.memory = declare(lib, "llama_get_memory", c.c_void_p, c.c_void_p)(self.ctx)
        self.memory_clear = declare(lib, "llama_memory_clear", None, c.c_void_p, c.c_bool)
        self.decode_batch = declare(lib, "llama_decode", c.c_int32, c.c_void_p, Batch)
        self.logits_of = declare(lib, "llama_get_logits_ith", c.POINTER(c.c_float), c.c_void_p, c.c_int32)
        self.capacity = max(2048, sequences)
        self.batch = declare(lib, "llama_batch_init", Batch, c.c_int32, c.c_int32, c.c_int32)(self.capacity, 0, 1)

    def clear(self):
        self.memory_clear(self.memory, False)

    def decode(self, rows):
        """rows of (token, position, sequence, whether its logits are wanted), in pieces of what a batch holds"""
        for first in range(0, len(rows), self.capacity):
            part, b = rows[first:first + self.capacity], self.batch
            b.n_tokens = len(part)
            for i, (token, position, sequence, wanted) in enumerate(part):
                b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position, 1, wanted
                b.seq_id[i][0] = sequence
            status = self.decode_batch(self.ctx, b)
            if status != 0:
                raise SystemExit("llama_peer: llama_decode returned %d" % status)

    def logits(self, row):
        return np.ctypeslib.as_array(self.logits_of(self.ctx, row), (self.vocab,))


def time_prompt(llama, tokens):
    """(tokens per second, milliseconds until the first token is known)"""
    llama.clear()
    rows = [(t, i, 0, i == len(tokens) - 1) for i, t in enumerate(tokens)]
    begin = time.perf_counter()
    llama.decode(rows)
    read = time.perf_counter() - begin
    int(llama.logits(len(rows) - 1).argmax())
    return len(tokens) / read, (time.perf_counter() - begin) * 1e3


def time_generation(llama, prompts, generate):
    """tokens per second of all sequences together, reading their prompts included"""
    llama.clear()
    begin, n = time.perf_counter(), len(prompts[0])
    llama.decode([(t, i, s, i == n - 1) for s, p in enumerate(prompts) for i, t in enumerate(p)])
    rows = [s * n + n - 1 for s in range(len(prompts))]
    for step in range(generate):
        best = [int(llama.logits(r).argmax()) for r in rows]
        if step + 1 < generate:
            llama.decode([(t, n + step, s, True) for s, t in enumerate(best)])
            rows = range(len(prompts))
    return len(prompts) * generate / (time.perf_counter() - begin)


def measure(o):
    clients = [n for n in (1, 4, 16) if n <= o.clients]
    llama = Llama(o.folder, o.model, o.threads, clients[-1], max(o.prompt, o.start) + o.generate, o.avx2)
    rng = np.random.default_rng(1)
    text = lambda n: [int(t) for t in rng.integers(0, llama.vocab, n)]
    pairs = [time_prompt(llama, text(o.prompt)) for _ in range(o.repeats + 1)][1:]  # the first warms up
    r = {"load_s": [llama.load_s], "prompt_per_s": [p[0] for p in pairs], "first_token_ms": [p[1] for p in pairs]}
    for n in clients:
        rates = [time_generation(llama, [text(o.start) for _ in range(n)], o.generate) for _ in range(o.repeats + 1)]
        r["generated_%d_per_s" % n] = rates[1:]
    r["peak_mb"] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6]
    r["threads"] = o.threads
    print(json.dumps(r))


def write_logits(o):
    ids = [int(t) for t in open(o.logits).read().split()]
    llama = Llama(o.folder, o.model, o.threads, 1, len(ids), o.avx2)
    out = np.empty((len(ids), llama.vocab), np.float32)
    rows = [(t, i, 0, True) for i, t in enumerate(ids)]
    for first, part in enumerate([[r] for r in rows] if o.single else [rows]):
        llama.decode(part)
        for i in range(len(part)):
            out[first + i] = llama.logits(i)
    out.tofile(o.out)
    print("{}")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder")
    a.add_argument("model")
    for name, value in (("threads", 2), ("prompt", 512), ("start", 16), ("generate", 64), ("clients", 16), ("repeats", 3)):
        a.add_argument("--" + name, type=int, default=value)
    a.add_argument("--avx2", action="store_true")
    a.add_argument("--logits", metavar="IDS")
    a.add_argument("--out")
    a.add_argument("--single", action="store_true")
    o = a.parse_args()
    write_logits(o) if o.logits else measure(o)


main()
