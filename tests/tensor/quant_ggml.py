#!/usr/bin/env python3
"""Blocks made by ggml and the numbers that ggml reads from them, for tests/tensor/test_quant_blocks.c.

    tests/tensor/quant_ggml.py LIBGGML_BASE.so > tests/tensor/quant_ggml.json

Made with libggml-base.so of the npm package @node-llama-cpp/linux-x64 3.22.1.  Values are gaussian, n = 512 (seed 5), then
256 with an outlier and 256 that are all zero.  "error" is ggml's own root of the mean squared error over 65,536 gaussian
values, which are not stored: Ingot makes its own.
"""
import base64
import ctypes
import json
import random
import struct
import sys

lib = ctypes.CDLL(sys.argv[1])
TYPES = {"q8_0": (32, 34), "q4_0": (32, 18), "q5_0": (32, 22), "q4_K": (256, 144), "q5_K": (256, 176), "q6_K": (256, 210)}


def quantise(name, x):
    size, bytes_per_block = TYPES[name]
    n = len(x)
    src = (ctypes.c_float * n)(*x)
    out = ctypes.create_string_buffer(n // size * bytes_per_block)
    f = getattr(lib, "quantize_" + name)
    f.restype = ctypes.c_size_t
    f(src, out, ctypes.c_int64(1), ctypes.c_int64(n), None)
    back = (ctypes.c_float * n)()
    getattr(lib, "dequantize_row_" + name)(out, back, ctypes.c_int64(n))
    return out.raw, list(back)


def as_text(raw):
    return base64.b16encode(raw).decode().lower()


rng = random.Random(5)
sample = [rng.gauss(0, 1) for _ in range(512)] + [rng.gauss(0, 0.1) for _ in range(255)] + [40.0] + [0.0] * 256
many = [rng.gauss(0, 1) for _ in range(65536)]
result = {}
for name in TYPES:
    blocks, values = quantise(name, sample)
    _, back = quantise(name, many)
    exact = struct.unpack("%df" % len(many), struct.pack("%df" % len(many), *many))
    error = (sum((a - b) ** 2 for a, b in zip(exact, back)) / len(many)) ** 0.5
    result[name] = {"blocks": as_text(blocks), "values": as_text(struct.pack("<%df" % len(values), *values)), "error": error}
print(json.dumps(result, indent=1))
