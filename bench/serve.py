#!/usr/bin/env python3
"""Ingot beside llama.cpp, in one run on one machine: `make bench-serve`.

Both get the same GGUF files with random weights, the same threads and the same requests (bench/serve_step.c,
bench/llama_peer.py).  Processes take turns, Ingot, llama.cpp, Ingot, llama.cpp …; best and median of all figures of all
rounds are compared.  Ratios above 1 are in Ingot's favour, also those of times and memory.
Writes bench/out/serve.json and bench/out/serve.md.
"""
import argparse
import os
import sys

import measure
import peers

SMALL = dict(dim=896, layers=24, heads=14, kv=2, ff=4864)   # 415 million weights
BLOCKS = dict(dim=1024, layers=22, heads=16, kv=4, ff=4864)  # 452 million; rows are multiples of 256
TINY = dict(dim=256, layers=2, heads=4, kv=2, ff=512)
MODELS = {"q8_0": ("q8_0", SMALL), "q4_0": ("q4_0", SMALL), "q4_K": ("q4_k", BLOCKS), "f16": ("f16", SMALL)}
ROWS = [("prompt_per_s", "prompt, tokens/s", 1), ("first_token_ms", "first token of that prompt, ms", -1),
        ("generated_1_per_s", "generated, 1 request, tokens/s", 1), ("generated_4_per_s", "generated, 4 at once, tokens/s", 1),
        ("generated_16_per_s", "generated, 16 at once, tokens/s", 1), ("peak_mb", "peak memory, MB", -1),
        ("load_s", "loading, s", -1)]


def subjects(o, name, path, folder, llama, threads, avx2):
    """{subject: (command, environment)} of those that are there"""
    flags = ["--threads", str(threads)]
    for option in ("prompt", "generate", "clients", "repeats"):
        flags += ["--" + option, str(getattr(o, option))]
    env = measure.environment("avx2" if avx2 else "unset", threads)
    rows = {}
    if folder:
        rows["Ingot"] = ([os.path.join(o.build, "bench", "serve_step"), folder] + flags + (["--bf16"] if o.bf16 else []), env)
    if llama:
        peer = [o.python, os.path.join(measure.HERE, "llama_peer.py"), llama, path] + flags
        rows["llama.cpp"] = (peer + (["--avx2"] if avx2 else []), env)
    return rows


def measure_pairs(rows, rounds):
    """{subject: {figure: [values of all rounds]}}"""
    figures = {name: {} for name in rows}
    for _ in range(rounds):
        for name, (command, env) in rows.items():
            r = measure.run(command, env)
            for key, value in r.items():
                if isinstance(value, list):
                    figures[name].setdefault(key, []).extend(value)
            rates = r["prompt_per_s"][0], r["generated_1_per_s"][0]
            peers.note("  %-10s prompt %8.1f  generated %7.1f tokens/s" % ((name,) + rates))
    return figures


def cell(values, direction):
    return (max(values) if direction > 0 else min(values)), measure.median(values)


def table(title, figures):
    lines = ["### " + title, "", "| | Ingot best | median | llama.cpp best | median | ratio of bests | of medians |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for key, label, direction in ROWS:
        pairs = [cell(figures[s][key], direction) if key in figures.get(s, {}) else None for s in ("Ingot", "llama.cpp")]
        if pairs == [None, None]:
            continue
        text = [x for p in pairs for x in (["%.4g" % v for v in p] if p else ["–", "–"])]
        ratio = ["%.2f×" % ((a / b) ** direction) for a, b in zip(*pairs)] if all(pairs) else ["–", "–"]
        lines.append("| %s | %s |" % (label, " | ".join(text + ratio)))
    return "\n".join(lines) + "\n"


def settings(o):
    """(threads, only AVX2) of the comparisons of one model"""
    all_threads = measure.threads()
    rows = [(all_threads, False)]
    if not o.quick and all_threads > 1:
        rows.append((1, False))
    if o.avx2:
        rows.append((all_threads, True))
    return rows


def parse():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers.options(a)
    for name, value in (("rounds", 3), ("repeats", 3), ("prompt", 512), ("generate", 64), ("clients", 16)):
        a.add_argument("--" + name, type=int, default=value)
    a.add_argument("--only", choices=sorted(MODELS), action="append", help="this type; may be repeated")
    a.add_argument("--quick", action="store_true", help="one round of one repeat, all threads only")
    a.add_argument("--avx2", action="store_true", help="also without AVX-512 on both sides")
    a.add_argument("--bf16", action="store_true", help="Ingot's prompts in bf16 where weights are not quantised")
    a.add_argument("--tiny", action="store_true", help="two small layers: shows that everything runs, measures nothing")
    o = a.parse_args()
    if o.quick:
        o.rounds = o.repeats = 1
    return o


def main():
    o = parse()
    llama = peers.llama_folder()
    results, parts = {}, ["Machine: %s; prompt of %d tokens, %d tokens generated for each request\n" % (
        measure.machine(), o.prompt, o.generate)]
    for name, (kind, shape) in MODELS.items():
        if o.only and name not in o.only:
            continue
        path = peers.make_model(o, ("tiny-" if o.tiny else "llama-") + name.lower(), kind, TINY if o.tiny else shape)
        folder = peers.import_model(o.build, path) if path else None
        for threads, avx2 in settings(o) if path else []:
            title = "Llama in %s, %d threads%s" % (name, threads, ", AVX2 only" if avx2 else "")
            peers.note(title)
            rows = subjects(o, name, path, folder, llama, threads, avx2)
            results[title] = measure_pairs(rows, o.rounds)
            parts.append(table(title, results[title]))
    if not results:
        sys.exit("bench: nothing could be measured")
    measure.write("serve", {"machine": measure.machine(), "results": results}, "\n".join(parts))


main()
