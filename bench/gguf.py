"""A small reader of GGUF files in numpy, for the benchmark's reference: f32, f16, q8_0, q4_0, q4_K, q6_K.

Written from the format's description and the block layouts alone, and shares nothing with src/formats and src/tensor, so
that an error there is not repeated here.  encode_q6_k and transcode make the one type of file that the model writer cannot.

    header   "GGUF", u32 version, u64 tensors, u64 keys
    keys     u64 length, name, u32 type, value            strings: u64 length, bytes;  arrays: u32 type, u64 count, values
    tensors  u64 length, name, u32 dimensions, u64 each (the shortest stride first), u32 type, u64 offset
    data     from the next multiple of 32 bytes on
"""
import struct

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
ALIGNMENT = 32


def half(raw):
    """two bytes a row → f32 [rows,1]"""
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def decode_q8_0(b):
    """34 bytes, 32 values: f16 scale, 32 int8"""
    return half(b[:, :2]) * b[:, 2:].view(np.int8)


def decode_q4_0(b):
    """18 bytes, 32 values: f16 scale; 16 bytes with values 0-15 in the low, 16-31 in the high nibbles, 8 is zero"""
    q = np.concatenate([b[:, 2:] & 15, b[:, 2:] >> 4], axis=1)
    return half(b[:, :2]) * (q.astype(np.float32) - 8)


def decode_q4_k(b):
    """144 bytes, 256 values: f16 scale, f16 minimum, 12 bytes with eight 6-bit pairs, 4 runs of 32 bytes for 64 values each"""
    p = b[:, 4:16]
    scale = np.concatenate([p[:, 0:4] & 63, (p[:, 8:12] & 15) | ((p[:, 0:4] >> 6) << 4)], axis=1)
    least = np.concatenate([p[:, 4:8] & 63, (p[:, 8:12] >> 4) | ((p[:, 4:8] >> 6) << 4)], axis=1)
    run = b[:, 16:].reshape(-1, 4, 1, 32)
    q = np.concatenate([run & 15, run >> 4], axis=2).reshape(-1, 8, 32)
    return ((half(b[:, 0:2]) * scale)[:, :, None] * q - (half(b[:, 2:4]) * least)[:, :, None]).reshape(-1, 256)


def decode_q6_k(b):
    """210 bytes, 256 values: 128 bytes of low nibbles, 64 of high pairs, 16 int8 scales, f16 scale; 32 is zero"""
    low, high = b[:, :128].reshape(-1, 2, 2, 32), b[:, 128:192].reshape(-1, 2, 1, 32)
    low = np.stack([low[:, :, 0] & 15, low[:, :, 1] & 15, low[:, :, 0] >> 4, low[:, :, 1] >> 4], axis=2)
    high = np.concatenate([high >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)
    q = (low | high << 4).astype(np.float32).reshape(-1, 16, 16) - 32
    return (half(b[:, 208:210])[:, :, None] * b[:, 192:208].view(np.int8)[:, :, None] * q).reshape(-1, 256)


def encode_q6_k(x):
    """f32, a multiple of 256 values → bytes; the largest of 16 values becomes 31 steps"""
    x = x.reshape(-1, 16, 16)
    step = np.abs(x).max(2) / 31
    d = (step.max(1, keepdims=True) / 127).astype(np.float16)
    scale = np.clip(np.ceil(step / np.maximum(d.astype(np.float32), 1e-30)), 1, 127)
    q = np.rint(x / np.maximum(scale * d.astype(np.float32), 1e-30)[:, :, None])
    q = (np.clip(q, -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.stack([(q[:, :, 0] & 15) | (q[:, :, 2] & 15) << 4, (q[:, :, 1] & 15) | (q[:, :, 3] & 15) << 4], axis=2)
    high = q[:, :, 0] >> 4 | (q[:, :, 1] >> 4) << 2 | (q[:, :, 2] >> 4) << 4 | (q[:, :, 3] >> 4) << 6
    parts = [low.reshape(-1, 128), high.reshape(-1, 64), scale.astype(np.int8).view(np.uint8), d.view(np.uint8)]
    return np.concatenate(parts, axis=1)


# number in the file: name, values and bytes of a block, its decoder
TYPES = {0: ("f32", 1, 4, lambda b: b.view(np.float32)), 1: ("f16", 1, 2, half), 2: ("q4_0", 32, 18, decode_q4_0),
         8: ("q8_0", 32, 34, decode_q8_0), 12: ("q4_K", 256, 144, decode_q4_k), 14: ("q6_K", 256, 210, decode_q6_k)}


class File:
    """fields: {key: value}; tensors: {name: (shape with the longest stride first, type, first byte)}"""

    def __init__(self, path):
        self.bytes, self.at = np.memmap(path, np.uint8, "r"), 4
        if bytes(self.bytes[:4]) != b"GGUF":
            raise SystemExit("%s is not a GGUF file" % path)
        version, tensors, keys = self.scalars("<IQQ")
        self.fields, self.tensors = {}, {}
        for _ in range(keys):
            key = self.string().decode()
            self.fields[key] = self.value(self.scalars("<I")[0])
        self.keys_end = self.at
        for _ in range(tensors):
            name = self.string().decode()
            shape = self.scalars("<%dQ" % self.scalars("<I")[0])
            kind, offset = self.scalars("<IQ")
            self.tensors[name] = (tuple(reversed(shape)), kind, offset)
        self.data = self.at + -self.at % ALIGNMENT

    def scalars(self, form):
        size = struct.calcsize(form)
        self.at += size
        return struct.unpack(form, bytes(self.bytes[self.at - size:self.at]))

    def string(self):
        return self.scalars("<%ds" % self.scalars("<Q")[0])[0]

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind != 9:
            return self.scalars("<" + SCALARS[kind])[0]
        inner, count = self.scalars("<IQ")
        if inner in SCALARS:
            return self.scalars("<%d%s" % (count, SCALARS[inner]))
        return [self.value(inner) for _ in range(count)]

    def get(self, name):
        """f32, in the tensor's shape"""
        shape, kind, offset = self.tensors[name]
        label, values, size, decode = TYPES[kind]
        blocks = int(np.prod(shape, dtype=np.int64)) // values
        raw = np.array(self.bytes[self.data + offset:self.data + offset + blocks * size]).reshape(blocks, size)
        return decode(raw).reshape(shape).astype(np.float32, copy=False)


def transcode(source, target):
    """The same model with its matrices in q6_K."""
    f = File(source)
    infos, data = [], []
    offset = 0
    for name, (shape, kind, _) in f.tensors.items():
        matrix = len(shape) == 2
        x = encode_q6_k(f.get(name)) if matrix else f.get(name).view(np.uint8)
        reverse = tuple(reversed(shape))
        infos.append(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I%dQ" % len(shape), len(shape), *reverse)
                     + struct.pack("<IQ", 14 if matrix else 0, offset))
        data.append(x.tobytes() + bytes(-x.nbytes % ALIGNMENT))
        offset += len(data[-1])
    head = bytes(f.bytes[:f.keys_end]) + b"".join(infos)
    with open(target, "wb") as out:
        out.write(head + bytes(-len(head) % ALIGNMENT) + b"".join(data))
