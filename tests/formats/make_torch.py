#!/usr/bin/python3
"""Writes the checkpoints of tests/formats/test_torch.c.

    /usr/bin/python3 tests/formats/make_torch.py        (Debian 12: python3-torch 1.13.1)

tests/formats/torch/ gets one object with every kind of tensor, saved by torch.save as
    zip.pt, zip4.pt         the zip form, pickle protocols 2 and 4
    legacy.pt, legacy4.pt   the form before 1.6
    lone.pt                 a single tensor
    foreign.pt              element types that Ingot has not
    code.pt                 a whole module: a class of somebody's own
and expected.safetensors: the tensors of that object under their dotted names, made contiguous by PyTorch and written here
with nothing but the standard library.
"""
import collections
import json
import pathlib
import struct

import torch

HERE = pathlib.Path(__file__).parent / "torch"
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"}


class Own(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(2))


def weights():
    base = torch.arange(24, dtype=torch.float32) / 7 - 1
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    state = net.state_dict()
    state["double"] = torch.tensor([1 / 3, -0.0, 1e300], dtype=torch.float64)
    state["half"] = torch.tensor([[1.0, -65504.0], [6e-8, 0.1]]).half()
    state["brain"] = torch.tensor([1.0, -2.0, 3e38]).bfloat16()
    state["long"] = torch.tensor([-2**63, -1, 2**63 - 1])
    state["int"] = torch.tensor([-2**31, 2**31 - 1], dtype=torch.int32)
    state["byte"] = torch.tensor([0, 7, 255], dtype=torch.uint8)
    state["bool"] = torch.tensor([True, False, True])
    state["scalar"] = torch.tensor(2.5)
    state["none"] = torch.zeros(3, 0, 2)
    state["whole"] = base.view(4, 6)
    state["turned"] = base.view(4, 6).t()
    state["part"] = base.view(4, 6)[1:3, ::2]
    state["permuted"] = base.view(2, 3, 4).permute(2, 0, 1)
    state["repeated"] = base[5:8].expand(4, 3)
    state["名字"] = base[23:]
    return net, state


def everything():
    net, state = weights()
    opt = torch.optim.AdamW(net.parameters(), lr=0.001)
    net(torch.ones(4, 3)).sum().backward()
    opt.step()
    return {
        "state_dict": state, "optimizer": opt.state_dict(), "epoch": 7, "big": 2**40, "best": 91.5, "done": True, "nothing": None,
        "arch": "net 网", "shape": torch.Size([2, 3]), "dtype": torch.float16, "device": torch.device("cpu"), "raw": b"\x00\xff",
        "tags": {"a"}, "pair": (torch.ones(1), [torch.zeros(2), -3]), "parameter": torch.nn.Parameter(torch.ones(2, 2)),
        "ordered": collections.OrderedDict([("x", 1)]),
    }


def flatten(value, name=""):
    if isinstance(value, torch.Tensor):
        yield name, value.detach()
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from flatten(v, f"{name}.{k}" if name else str(k))
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            yield from flatten(v, f"{name}.{i}")


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, t in tensors:
        raw = bytes(t.contiguous().clone().storage().untyped() if t.numel() else [])
        header[name] = {"dtype": TYPES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, ensure_ascii=False).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.manual_seed(1)
    HERE.mkdir(exist_ok=True)
    all_of_it = everything()
    torch.save(all_of_it, HERE / "zip.pt")
    torch.save(all_of_it, HERE / "zip4.pt", pickle_protocol=4)
    torch.save(all_of_it, HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(all_of_it, HERE / "legacy4.pt", pickle_protocol=4, _use_new_zipfile_serialization=False)
    torch.save(torch.arange(6.0).view(2, 3), HERE / "lone.pt")
    torch.save({"i8": torch.tensor([1], dtype=torch.int8), "i16": torch.tensor([1], dtype=torch.int16),
                "complex": torch.tensor([1 + 2j]), "w": torch.tensor([4.0])}, HERE / "foreign.pt")
    torch.save(Own(), HERE / "code.pt")
    write_safetensors(HERE / "expected.safetensors", list(flatten(all_of_it)))


if __name__ == "__main__":
    main()
