"""Writes tests/nn/optim_torch.json: what torch.optim does to two small parameters, for tests/nn/optimisers.c.

    /usr/bin/python3 tests/nn/optim_torch.py          (Debian's python3-torch)

Start values and gradients are f32 numbers, the same for all cases; torch computes in float64.  "w" decays, "b" does not.
The order of a step is Ingot's: clip by value, by norm, then penalties and update, then the moving average.
"""
import json
import pathlib
import platform

import torch

STEPS = 8
SHAPES = {"w": [3, 4], "b": [5]}
LRS = [0.05, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02, 0.01]

# name, constructor, its arguments, and what stands around it
CASES = [
    ("gd", "SGD", {}, {}),
    ("sgd", "SGD", {}, {}),
    ("sgd", "SGD", {"weight_decay": 0.1}, {}),
    ("sgd", "SGD", {"momentum": 0.9}, {}),
    ("sgd", "SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {}),
    ("rmsprop", "RMSprop", {}, {}),
    ("rmsprop", "RMSprop", {"alpha": 0.9, "eps": 1e-6, "momentum": 0.5, "weight_decay": 0.1}, {}),
    ("adagrad", "Adagrad", {}, {}),
    ("adagrad", "Adagrad", {"weight_decay": 0.1, "eps": 1e-6}, {}),
    ("adam", "Adam", {}, {}),
    ("adam", "Adam", {"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}, {}),
    ("adamw", "AdamW", {"weight_decay": 0.1}, {}),
    ("adamw", "AdamW", {"betas": (0.9, 0.95), "weight_decay": 0.5}, {"clip_norm": 1.0}),
    ("sgd", "SGD", {"momentum": 0.9}, {"clip_norm": 1.0}),
    ("sgd", "SGD", {}, {"clip_norm": 100.0}),
    ("sgd", "SGD", {}, {"clip_value": 0.5}),
    ("sgd", "SGD", {}, {"clip_value": 0.5, "clip_norm": 1.0}),
    ("sgd", "SGD", {"weight_decay": 0.01}, {"l1": 0.05}),
    ("adam", "Adam", {}, {"l1": 0.05, "clip_norm": 2.0}),
    ("adamw", "AdamW", {"weight_decay": 0.1}, {"grad_scale": 0.25, "clip_norm": 0.5, "clip_value": 0.2}),
    ("adamw", "AdamW", {"weight_decay": 0.1}, {"ema_decay": 0.9}),
    ("adam", "Adam", {"weight_decay": 0.1}, {"lr_scale": 0.5, "group_decay": 0.3}),
]


def flat(tensors):
    return [x for t in tensors for x in t.detach().double().flatten().tolist()]


def groups(params, optim, around):
    """"w" with the optimiser's decay and "b" without; or both in a group of the recipe that changes rate and decay."""
    decay = around.get("group_decay", optim.get("weight_decay", 0.0))
    return [{"params": [params[0]], "weight_decay": decay}, {"params": [params[1]], "weight_decay": 0.0}]


def clip(params, around):
    norm = torch.nn.utils.clip_grad_norm_(params, float("inf")).item()
    if "clip_value" in around:
        torch.nn.utils.clip_grad_value_(params, around["clip_value"])
    if "clip_norm" in around:
        torch.nn.utils.clip_grad_norm_(params, around["clip_norm"])
    return norm


def run(case, start, gradients):
    name, constructor, optim, around = case
    params = [t.double().clone().requires_grad_() for t in start]
    ema = [p.detach().clone() for p in params]
    o = getattr(torch.optim, constructor)(groups(params, optim, around), lr=1.0, **{k: v for k, v in optim.items() if k != "weight_decay"})
    weights, norms = [], []
    for step in range(STEPS):
        for p, g in zip(params, gradients[step]):
            p.grad = g.double() * around.get("grad_scale", 1.0)
        norms.append(clip(params, around))
        params[0].grad += around.get("l1", 0.0) * params[0].detach().sign()
        for g in o.param_groups:
            g["lr"] = LRS[step] * around.get("lr_scale", 1.0)
        o.step()
        decay = around.get("ema_decay", 0.0)
        ema = [decay * e + (1 - decay) * p.detach() for e, p in zip(ema, params)]
        weights.append(flat(params))
    optim = dict(optim)
    if "betas" in optim:
        optim["beta1"], optim["beta2"] = optim.pop("betas")
    return {"kind": name, **optim, **around, "weights": weights, "norms": norms, "ema": flat(ema)}


def main():
    torch.manual_seed(1)
    start = [torch.randn(s) for s in SHAPES.values()]
    gradients = [[torch.randn(s) for s in SHAPES.values()] for _ in range(STEPS)]
    out = {
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "lrs": LRS, "start": flat(start), "gradients": [flat(g) for g in gradients],
        "cases": [run(c, start, gradients) for c in CASES],
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out).replace('{"kind"', '\n{"kind"') + "\n")


main()
