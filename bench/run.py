#!/usr/bin/env python3
"""Ingot beside PyTorch, in one run on one machine: `make bench`.

Every configuration is measured as Ingot f32, Ingot bf16 (where the processor has it) and PyTorch in three settings, in
turn, several rounds, each in a fresh process; the best step of all rounds counts, so that a noisy minute hurts nobody.
Writes bench/out/bench.json and bench/out/bench.md.

The settings of PyTorch:
  as given   the environment as it is
  unset      without OPENBLAS_* (OpenBLAS then detects the processor)
  kept       unset, and malloc told to keep its memory: PyTorch at its best
"""
import argparse
import json
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = [
    ("GPT 4×128, T 64, B 12, V 65", dict(layers=4, width=128, heads=4, context=64, batch=12, vocab=65)),
    ("GPT 6×384, T 256, B 16, V 65", dict(layers=6, width=384, heads=6, context=256, batch=16, vocab=65)),
    ("GPT 6×384, T 256, B 4, V 50,257", dict(layers=6, width=384, heads=6, context=256, batch=4, vocab=50257)),
]
KEEP = {"MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_MMAP_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "500000000"}


def environment(setting):
    env = dict(os.environ)
    if setting != "as given":
        for name in [n for n in env if n.startswith("OPENBLAS_")]:
            del env[name]
    if setting == "kept":
        env.update(KEEP)
    return env


def run(command, env):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("bench: %s failed:\n%s" % (" ".join(command), done.stderr.strip()))
    return json.loads(done.stdout.strip().splitlines()[-1])


def subjects(build, shape, python):
    flags = [x for k, v in shape.items() for x in ("--" + k, str(v))]
    step = [os.path.join(build, "bench", "gpt_step")] + flags
    torch = [python, os.path.join(HERE, "torch_step.py")] + flags
    rows = [("Ingot f32", step, "as given")]
    if "avx512_bf16" in open("/proc/cpuinfo").read():
        rows.append(("Ingot bf16", step + ["--bf16"], "as given"))
    rows += [("PyTorch, " + s, torch, s) for s in ("as given", "unset", "kept")]
    return rows


def measure(build, shape, python, rounds, seconds):
    best = {}
    for _ in range(rounds):
        for name, command, setting in subjects(build, shape, python):
            r = run(command + ["--seconds", str(seconds)], environment(setting))
            print("  %-20s %9.2f ms  %7.0f MB" % (name, r["best_ms"], r["peak_mb"]), file=sys.stderr)
            if name not in best or r["best_ms"] < best[name]["best_ms"]:
                best[name] = r
    return best


def table(title, best):
    torch = min(r["best_ms"] for n, r in best.items() if n.startswith("PyTorch"))
    default_memory = best["PyTorch, as given"]["peak_mb"]
    lines = ["### " + title, "", "| | ms per step | steps/s | tokens/s | against PyTorch's best | peak memory MB | of PyTorch as given | share of peak |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name, r in best.items():
        share = "%.0f %%" % (100 * r["share"]) if "share" in r else ""
        lines.append("| %s | %.2f | %.2f | %.0f | %.2f× | %.0f | %.2f | %s |" % (
            name, r["best_ms"], 1e3 / r["best_ms"], r["tokens_per_s"], torch / r["best_ms"], r["peak_mb"], r["peak_mb"] / default_memory, share))
    return "\n".join(lines) + "\n"


def machine():
    model = [l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    blas = " ".join("%s=%s" % (k, v) for k, v in sorted(os.environ.items()) if k.startswith("OPENBLAS_")) or "no OPENBLAS_* set"
    return "%s, %d cores, %s; environment: %s" % (model[0] if model else platform.machine(), os.cpu_count(), platform.system(), blas)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default="build")
    a.add_argument("--python", default="/usr/bin/python3", help="the Python that has PyTorch")
    a.add_argument("--rounds", type=int, default=2)
    a.add_argument("--seconds", type=float, default=10)
    a.add_argument("--only", type=int, help="one configuration, 0 to %d" % (len(CONFIGS) - 1))
    o = a.parse_args()
    out = os.path.join(HERE, "out")
    os.makedirs(out, exist_ok=True)
    results, parts = {}, ["Machine: " + machine() + "\n"]
    for i, (title, shape) in enumerate(CONFIGS):
        if o.only is not None and i != o.only:
            continue
        print(title, file=sys.stderr)
        results[title] = measure(o.build, shape, o.python, o.rounds, o.seconds)
        parts.append(table(title, results[title]))
    with open(os.path.join(out, "bench.json"), "w") as f:
        json.dump({"machine": machine(), "results": results}, f, indent=1)
    text = "\n".join(parts)
    with open(os.path.join(out, "bench.md"), "w") as f:
        f.write(text)
    print(text)


main()
