#!/usr/bin/env python3
"""An independent reader of safetensors (Python's standard library only), for files that Ingot wrote.

    read_safetensors.py FILE

Checks what the format's README says a reader may rely on, and prints
    metadata KEY VALUE
    NAME DTYPE SHAPE CRC32       a line per tensor in the order of the header; crc32 as zlib computes it
or a line "error: …" with exit code 1.
"""
import json
import struct
import sys
import zlib

SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "U8": 1, "BOOL": 1}


def no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def read(path):
    data = open(path, "rb").read()
    (n,) = struct.unpack("<Q", data[:8])
    if n % 8 or data[8:9] != b"{":
        raise ValueError("the header is not aligned or does not begin with {")
    header = json.loads(data[8:8 + n].decode("utf-8"), object_pairs_hook=no_duplicates)
    body = data[8 + n:]
    lines = [f"metadata {k} {v}" for k, v in header.pop("__metadata__", {}).items()]
    at = 0
    for name, t in header.items():
        begin, end = t["data_offsets"]
        count = 1
        for size in t["shape"]:
            count *= size
        if begin != at or end - begin != count * SIZES[t["dtype"]] or begin % SIZES[t["dtype"]]:
            raise ValueError(f"{name}: offsets {begin} {end}, {at} before")
        at = end
        shape = ",".join(map(str, t["shape"]))
        lines.append(f"{name} {t['dtype']} [{shape}] {zlib.crc32(body[begin:end]):08x}")
    if at != len(body):
        raise ValueError("bytes after the last tensor")
    return lines


if __name__ == "__main__":
    try:
        print("\n".join(read(sys.argv[1])))
    except (ValueError, KeyError, OSError, struct.error) as problem:
        print("error:", problem)
        sys.exit(1)
