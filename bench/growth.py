#!/usr/bin/env python3
"""How the cost of a training step grows with width, depth, context and batch; a part of `make bench`.

    bench/growth.py [--build build] [--seconds 3] [--rounds 2] [--svg docs/cost.svg]

One size at a time leaves a middle point, the others stay.  Each step runs in a process of its own, which measures the
machine's f32 peak too (bench/peak.c), so the share holds for that minute; the best step of all rounds counts.  Writes a
picture of four panels, bench/out/growth.json and bench/out/growth.md.
"""
import argparse
import math
import os
import sys

import chart
import measure

MIDDLE = dict(layers=4, width=256, context=256, batch=8)
VOCAB, HEAD = 65, 64
# size: title, values, and the power that the products alone would grow with
AXES = {"width": ("Width", [64, 128, 256, 384, 512, 768], ("square of the width", 2)),
        "layers": ("Depth", [1, 2, 4, 6, 8, 12], ("proportional", 1)),
        "context": ("Context", [64, 128, 256, 512, 1024], ("proportional", 1)),
        "batch": ("Batch", [1, 2, 4, 8, 16, 32], ("proportional", 1))}


def kinds():
    return [("f32", [])] + ([("bf16", ["--bf16"])] if measure.has_cpu("avx512_bf16") else [])


def shapes():
    """every point once, although the middle lies on all four axes"""
    points = [tuple(sorted(dict(MIDDLE, **{axis: v}).items())) for axis, (_, values, _) in AXES.items() for v in values]
    return sorted(set(points))


def step(build, shape, flags, seconds):
    sizes = dict(shape, heads=max(1, dict(shape)["width"] // HEAD), vocab=VOCAB, threads=measure.threads())
    command = [os.path.join(build, "bench", "gpt_step"), "--seconds", str(seconds)] + flags
    command += [x for k, v in sizes.items() for x in ("--" + k, str(v))]
    return measure.run(command, measure.environment("as given"))


def measure_all(build, rounds, seconds):
    """{(shape, kind): the run with the best step}"""
    best = {}
    for _ in range(rounds):
        for shape in shapes():
            for kind, flags in kinds():
                r = step(build, shape, flags, seconds)
                if (shape, kind) not in best or r["best_ms"] < best[shape, kind]["best_ms"]:
                    best[shape, kind] = r
                print("  %s %s: %.2f ms" % (kind, " ".join("%s %d" % s for s in shape), r["best_ms"]), file=sys.stderr)
    return best


def along(best):
    """{axis: {kind: [(value, run)]}}"""
    at = lambda axis, v: tuple(sorted(dict(MIDDLE, **{axis: v}).items()))
    return {axis: {kind: [(v, best[at(axis, v), kind]) for v in values] for kind, _ in kinds()}
            for axis, (_, values, _) in AXES.items()}


def picture(results):
    panels = []
    for axis, lines in results.items():
        title, _, rule = AXES[axis]
        series = {"Ingot %s" % kind: [(v, r["best_ms"], "%.0f %%" % (100 * r["share"])) for v, r in line]
                  for kind, line in lines.items()}
        middle = dict(lines["f32"])[MIDDLE[axis]]["best_ms"]
        panels.append(dict(title=title, x=axis, rule=rule, anchor=(MIDDLE[axis], middle), series=series))
    note = "milliseconds per training step; at each point its share of the f32 peak measured in the same process; middle: " + \
        ", ".join("%s %d" % s for s in MIDDLE.items())
    return chart.draw(panels, "ms", note)


def exponent(previous, now):
    if not previous:
        return ""
    return "%.2f" % (math.log(now[1]["best_ms"] / previous[1]["best_ms"]) / math.log(now[0] / previous[0]))


def table(results):
    middle = ", ".join("%s %d" % s for s in MIDDLE.items())
    lines = ["### How the cost grows", "", "Around %s; head size %d, vocabulary %d; exponent: log of the ratio of times over "
             "log of the ratio of sizes, from one row to the next." % (middle, HEAD, VOCAB), "",
             "| | ms per step | tokens/s | share of peak | exponent | peak memory MB |",
             "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for axis, series in results.items():
        for kind, points in series.items():
            for previous, (v, r) in zip([None] + points, points):
                lines.append("| %s %d, %s | %.2f | %.0f | %.0f %% | %s | %.0f |" % (
                    axis, v, kind, r["best_ms"], r["tokens_per_s"], 100 * r["share"], exponent(previous, (v, r)), r["peak_mb"]))
    return "\n".join(lines) + "\n"


def run(build, rounds, seconds, svg):
    """Measures, draws, and returns (figures for JSON, the table)."""
    results = along(measure_all(build, rounds, seconds))
    os.makedirs(os.path.dirname(os.path.abspath(svg)), exist_ok=True)
    with open(svg, "w") as f:
        f.write(picture(results))
    return results, table(results)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default="build")
    a.add_argument("--rounds", type=int, default=2)
    a.add_argument("--seconds", type=float, default=3)
    a.add_argument("--svg", default=os.path.join(os.path.dirname(measure.HERE), "docs", "cost.svg"))
    o = a.parse_args()
    results, text = run(o.build, o.rounds, o.seconds, o.svg)
    measure.write("growth", {"machine": measure.machine(), "results": results}, "Machine: %s\n\n%s" % (measure.machine(), text))


if __name__ == "__main__":
    main()
