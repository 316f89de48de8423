"""Writes tests/nn/schedule_torch.json: learning rates of torch.optim.lr_scheduler, for tests/nn/schedules.c.

    /usr/bin/python3 tests/nn/schedule_torch.py       (Debian's python3-torch)
"""
import json
import pathlib
import platform

import torch
from torch.optim import lr_scheduler as S

LR = 0.02


def rates(make, steps, losses=None):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    s, out = make(o), []
    for i in range(steps):
        out.append(o.param_groups[0]["lr"])
        o.step()
        s.step(losses[i]) if losses else s.step()
    return out


def warm(make, warmup):
    return lambda o: S.SequentialLR(o, [S.LinearLR(o, 1 / warmup, 1.0, warmup - 1), make(o)], [warmup])


def case(kind, fields, make, steps, losses=None):
    return {"kind": kind, "lr": LR, **fields, **({"losses": losses} if losses else {}), "rates": rates(make, steps, losses)}


def main():
    losses = [1.0, 0.9, 0.95, 0.92, 0.91, 0.90995, 0.8, 0.79999, 0.79998, 0.79997, 0.81, 0.82, 0.83, 0.84, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75]
    cases = [
        case("constant", {"warmup": 5}, warm(lambda o: S.ConstantLR(o, 1.0), 5), 20),
        case("step", {"step_size": 4, "gamma": 0.5}, lambda o: S.StepLR(o, 4, 0.5), 20),
        case("step", {"step_size": 6}, lambda o: S.StepLR(o, 6), 20),
        case("linear", {"min_lr": 0.002, "total": 16}, lambda o: S.LinearLR(o, 1.0, 0.1, 16), 20),
        case("cosine", {"min_lr": 0.001, "total": 16}, lambda o: S.CosineAnnealingLR(o, 16, 0.001), 17),
        case("cosine", {"warmup": 4, "total": 24}, warm(lambda o: S.CosineAnnealingLR(o, 20), 4), 25),
        case("one_cycle", {"total": 20}, lambda o: S.OneCycleLR(o, LR, total_steps=20), 20),
        case("one_cycle", {"total": 20, "warmup": 5, "min_lr": 1e-4}, lambda o: S.OneCycleLR(o, LR, total_steps=20, pct_start=0.25, final_div_factor=LR / 25 / 1e-4), 20),
        case("plateau", {"gamma": 0.5, "patience": 2, "min_lr": 0.003}, lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=2, min_lr=0.003), 20, losses),
        case("plateau", {"patience": 1}, lambda o: S.ReduceLROnPlateau(o, patience=1, eps=0), 20, losses),
    ]
    out = {"versions": {"torch": torch.__version__, "python": platform.python_version()}, "cases": cases}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out).replace('{"kind"', '\n{"kind"') + "\n")


main()
