#!/usr/bin/python3
"""Writes the reference for tests/models/test_deepfm.c: what PyTorch makes of small factorisation machines and networks.

    /usr/bin/python3 tests/models/deepfm_torch.py        (Debian 12: python3-torch 1.13.1)

Written from the papers, pair by pair, not by the formula that Ingot uses; computed in f64, the weights rounded to f32 first.
tests/models/deepfm_torch.json holds for each model: config, parameters (flat), numbers [B,D], indices [B,F], the weights of a loss,
the sum of the logits times `weights`, the logits [B], and the loss's gradients by parameter.
"""
import itertools
import json
import pathlib

import torch

SIZES, D, K, B = [3, 5, 2], 2, 4, 5
PARTS = {
    "deepfm": dict(linear=True, fm=True, deep=True),
    "fm": dict(linear=True, fm=True, deep=False),
    "wide": dict(linear=True, fm=False, deep=True),
    "plain": dict(linear=False, fm=False, deep=True),
    "logistic": dict(linear=True, fm=False, deep=False),
}


def flat(t):
    return [float(f"{x:.9g}") for x in t.detach().double().flatten().tolist()]


def build(parts):
    p = {}
    if parts["fm"] or parts["deep"]:
        p["embedding.table.weight"] = torch.randn(sum(SIZES), K)
        p["embedding.numbers.weight"] = torch.randn(D, K)
    if parts["linear"]:
        p["linear.table.weight"] = torch.randn(sum(SIZES), 1)
        p["linear.numbers.weight"] = torch.randn(1, D)
    p["bias"] = torch.randn(1)
    if parts["deep"]:
        widths = [(len(SIZES) + D) * K, 6, 3, 1]
        for i, (n, m) in enumerate(zip(widths, widths[1:])):
            p[f"deep.{i}.weight"] = torch.randn(m, n) * 0.5
            if m != 1:
                p[f"deep.{i}.bias"] = torch.randn(m) * 0.5
    return {n: t.float().double().requires_grad_() for n, t in p.items()}


def logits(p, parts, numbers, indices):
    offsets = torch.tensor([sum(SIZES[:i]) for i in range(len(SIZES))])
    out = []
    for x, places in zip(numbers, indices + offsets):
        y = p["bias"][0]
        if parts["linear"]:
            y = y + p["linear.table.weight"][places].sum() + (p["linear.numbers.weight"][0] * x).sum()
        if parts["fm"] or parts["deep"]:
            e = [p["embedding.table.weight"][i] for i in places] + [x[d] * p["embedding.numbers.weight"][d] for d in range(D)]
        if parts["fm"]:
            y = y + sum(torch.dot(a, b) for a, b in itertools.combinations(e, 2))
        if parts["deep"]:
            h = torch.cat(e)
            for i in range(2):
                h = torch.relu(p[f"deep.{i}.weight"] @ h + p[f"deep.{i}.bias"])
            y = y + (p["deep.2.weight"] @ h)[0]
        out.append(y)
    return torch.stack(out)


def reference(parts, seed):
    torch.manual_seed(seed)
    p = build(parts)
    numbers, weights = torch.randn(B, D).float().double(), torch.randn(B).float().double()
    indices = torch.stack([torch.randint(0, n, (B,)) for n in SIZES], 1)
    y = logits(p, parts, numbers, indices)
    (y * weights).sum().backward()
    config = dict(model_type="deepfm", num_numbers=D, field_sizes=SIZES, embedding_size=K, hidden_sizes=[6, 3], parts=parts)
    return dict(config=config, parameters={n: flat(t) for n, t in p.items()}, numbers=flat(numbers), indices=indices.flatten().tolist(),
                weights=flat(weights), logits=flat(y), gradients={n: flat(t.grad) for n, t in p.items()})


out = {name: reference(parts, i + 1) for i, (name, parts) in enumerate(PARTS.items())}
lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(r)}" for name, r in out.items())
pathlib.Path(__file__).with_name("deepfm_torch.json").write_text("{\n" + lines + "\n}\n")
