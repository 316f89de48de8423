#!/usr/bin/env python3
"""Ingot beside PyTorch, in one run on one machine: `make bench`.

Every configuration is measured as Ingot f32, Ingot bf16 (where the processor has it) and PyTorch, in several settings, in
turn, several rounds, each in a fresh process; the best step of all rounds counts, so that a noisy minute hurts nobody.  Then
the growth of the cost (growth.py).  Writes bench/out/bench.json, bench/out/bench.md and docs/cost.svg (with --quick
bench/out/cost.svg).

The settings:
  as given   the environment as it is
  unset      without OPENBLAS_* (OpenBLAS then detects the processor)
  kept       unset, and malloc told to keep its memory: PyTorch at its best
  AVX2       kept, and everybody told that the processor has no AVX-512; compared among themselves
"""
import argparse
import os
import sys

import growth
import measure

CONFIGS = [
    ("GPT 4×128, T 64, B 12, V 65", dict(layers=4, width=128, heads=4, context=64, batch=12, vocab=65)),
    ("GPT 6×384, T 256, B 16, V 65", dict(layers=6, width=384, heads=6, context=256, batch=16, vocab=65)),
    ("GPT 6×384, T 256, B 4, V 50,257", dict(layers=6, width=384, heads=6, context=256, batch=4, vocab=50257)),
]
QUICK_CONFIGS = 2
HEAD = ["", "ms per step", "steps/s", "tokens/s", "against PyTorch's best", "peak memory MB", "of PyTorch as given",
        "share of peak"]
AVX2_NAMES = ("Ingot f32, AVX2", "PyTorch, AVX2")


def subjects(o, shape):
    """(name, command, setting) of each; the quick ones are those that the marks are about"""
    flags = [x for k, v in dict(shape, threads=measure.threads()).items() for x in ("--" + k, str(v))]
    step = [os.path.join(o.build, "bench", "gpt_step")] + flags
    torch = [o.python, os.path.join(measure.HERE, "torch_step.py")] + flags
    rows = [("Ingot f32", step, "as given")]
    if not o.quick:
        rows.append(("Ingot f32, unset", step, "unset"))
    if measure.has_cpu("avx512_bf16"):
        rows.append(("Ingot bf16", step + ["--bf16"], "as given"))
    rows += [("PyTorch, " + s, torch, s) for s in (("kept",) if o.quick else ("as given", "unset", "kept"))]
    if measure.has_cpu("avx512f"):
        rows += [(AVX2_NAMES[0], step, "avx2"), (AVX2_NAMES[1], torch, "avx2")]
    return rows


def measure_steps(o, shape):
    best = {}
    for _ in range(o.rounds):
        for name, command, setting in subjects(o, shape):
            r = measure.run(command + ["--seconds", str(o.seconds)], measure.environment(setting))
            print("  %-20s %9.2f ms  %7.0f MB" % (name, r["best_ms"], r["peak_mb"]), file=sys.stderr)
            if name not in best or r["best_ms"] < best[name]["best_ms"]:
                best[name] = r
    return best


def peer_ms(best, name):
    """PyTorch's best step under the conditions of this subject"""
    avx2 = name in AVX2_NAMES
    return min(r["best_ms"] for n, r in best.items() if n.startswith("PyTorch") and (n in AVX2_NAMES) == avx2)


def table(title, best):
    default = best.get("PyTorch, as given")
    lines = ["### " + title, "", "| " + " | ".join(HEAD) + " |", "| --- |" + " ---: |" * (len(HEAD) - 1)]
    for name, r in best.items():
        cells = [name, "%.2f" % r["best_ms"], "%.2f" % (1e3 / r["best_ms"]), "%.0f" % r["tokens_per_s"],
                 "%.2f×" % (peer_ms(best, name) / r["best_ms"]), "%.0f" % r["peak_mb"],
                 "%.2f" % (r["peak_mb"] / default["peak_mb"]) if default else "",
                 "%.0f %%" % (100 * r["share"]) if "share" in r else ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def parse():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default="build")
    a.add_argument("--python", default="/usr/bin/python3", help="the Python that has PyTorch")
    a.add_argument("--rounds", type=int, default=2)
    a.add_argument("--seconds", type=float, default=10)
    a.add_argument("--only", type=int, choices=range(len(CONFIGS)), help="one configuration, and no growth")
    a.add_argument("--no-growth", action="store_true")
    a.add_argument("--quick", action="store_true", help="about three minutes: one round, the smaller models, fewer settings")
    o = a.parse_args()
    o.configs = [CONFIGS[o.only]] if o.only is not None else CONFIGS[:QUICK_CONFIGS] if o.quick else CONFIGS
    o.growth = not o.no_growth and o.only is None
    if o.quick:
        o.rounds, o.seconds = 1, min(o.seconds, 2)
    return o


def main():
    o = parse()
    data, parts = {"machine": measure.machine(), "results": {}}, ["Machine: " + measure.machine() + "\n"]
    for title, shape in o.configs:
        print(title, file=sys.stderr)
        data["results"][title] = measure_steps(o, shape)
        parts.append(table(title, data["results"][title]))
    if o.growth:
        print("growth", file=sys.stderr)
        svg = os.path.join(measure.OUT if o.quick else os.path.join(os.path.dirname(measure.HERE), "docs"), "cost.svg")
        data["growth"], text = growth.run(o.build, o.rounds, o.seconds / 4, svg)
        parts.append(text)
    measure.write("bench", data, "\n".join(parts))


main()
