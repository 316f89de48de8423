#!/usr/bin/env python3
"""Which model fits my machine: the tables of docs/MODELS.md and docs/MODELS.zh.md.

    tools/model_memory.py                 print them
    tools/model_memory.py --write         put them into the two pages
    tools/model_memory.py --check         exit 1 when a page says something else (a test does this)
    tools/model_memory.py --shape WIDTH LAYERS HEADS KV_HEADS FEED_FORWARD VOCABULARY TIED     one more shape: TIED is 0 or 1
    tools/model_memory.py --one TYPE TOKENS WIDTH …                                            its memory in bytes, for a comparison

Weights: every matrix in the type's blocks, which have the same size in the file and in memory; norms are f32 and too small to count.
In memory a matrix of 2 MiB or more takes whole huge pages (size_class in src/base/blocks.c), which the sums include.
Cache: keys and values of each layer for each position, f16 beside weights of 16 bits or fewer.
"""
import pathlib
import sys

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
BYTES = {"f16": 2, "q8_0": 34 / 32, "q6_K": 210 / 256, "q5_K": 176 / 256, "q4_K": 144 / 256}
LONG_BLOCKS = ("q6_K", "q5_K", "q4_K")
# name: width, layers, heads, heads of keys, feed-forward, vocabulary, tied, matrices of a feed-forward layer
SHAPES = {
    "0.1B (GPT-2)": (768, 12, 12, 12, 3072, 50257, True, 2),
    "0.5B (Qwen 2.5)": (896, 24, 14, 2, 4864, 151936, True, 3),
    "1.5B (Qwen 2.5)": (1536, 28, 12, 2, 8960, 151936, True, 3),
    "3B (Llama 3.2)": (3072, 28, 24, 8, 8192, 128256, True, 3),
    "7B (Qwen 2.5)": (3584, 28, 28, 4, 18944, 152064, False, 3),
    "8B (Llama 3.1)": (4096, 32, 32, 8, 14336, 128256, False, 3),
}
CONTEXT = 4096
WORK = 150e6  # program, tokenizer, what one chunk of 64 positions needs: docs/MODELS.md has what was measured


def matrices(width, layers, heads, kv, ff, vocab, tied, ff_matrices=3):
    """(how many, rows, length of a row)."""
    narrow = width // heads * kv
    return [(2 * layers, width, width), (2 * layers, narrow, width), ((ff_matrices - 1) * layers, ff, width), (layers, width, ff),
            (1 if tied else 2, vocab, width)]


def parameters(*shape):
    return sum(count * rows * length for count, rows, length in matrices(*shape))


def bytes_of(type_name, rows, length):
    """Rows that do not fill the blocks of 256 become q8_0 (src/models/model_rows.c)."""
    return rows * length * BYTES["q8_0" if type_name in LONG_BLOCKS and length % 256 else type_name]


def weight_bytes(shape, type_name):
    return sum(count * bytes_of(type_name, rows, length) for count, rows, length in matrices(*shape))


def size_class(size):
    huge, size = 2 << 20, int(size)
    if size < huge:
        return size
    step = huge if size <= 8 * huge else 1 << size.bit_length() - 1 - 3
    return -(-size // step) * step


def memory(shape, type_name, tokens):
    weights = sum(count * size_class(bytes_of(type_name, rows, length)) for count, rows, length in matrices(*shape))
    return weights + cache_bytes(*shape) * tokens + WORK


def cache_bytes(width, layers, heads, kv, *_):
    """Of one position."""
    return 2 * layers * kv * (width // heads) * 2


def gb(n):
    return f"{n / 1e9:.2f}" if n < 9.995e9 else f"{n / 1e9:.1f}"


def memory_rows(shapes):
    for name, s in shapes.items():
        n, cache = parameters(*s), cache_bytes(*s)
        context = min(CONTEXT, 1024) if name.startswith("0.1B") else CONTEXT
        yield f"| {name} | {n / 1e6:,.0f} M | " + " | ".join(gb(weight_bytes(s, t)) for t in BYTES) + f" | {cache / 1024:.0f} KiB | " + \
            " | ".join(gb(memory(s, t, context)) for t in ("q8_0", "q4_K")) + " |"


def speed_rows(shapes, bandwidths=(20e9, 40e9, 80e9)):
    for name, s in shapes.items():
        rates = [b / weight_bytes(s, t) for t in ("q8_0", "q4_K") for b in bandwidths]
        yield f"| {name} | " + " | ".join(f"{r:.0f}" if r >= 10 else f"{r:.1f}" for r in rates) + " |"


WORDS = {
    "MODELS.md": ("| shape | parameters | " + " | ".join(BYTES) + f" | cache per token | q8_0, {CONTEXT:,} tokens | q4_K, {CONTEXT:,} tokens |",
                  "| shape | q8_0, 20 GB/s | 40 GB/s | 80 GB/s | q4_K, 20 GB/s | 40 GB/s | 80 GB/s |"),
    "MODELS.zh.md": ("| 规模 | 参数 | " + " | ".join(BYTES) + f" | 每词元缓存 | q8_0，{CONTEXT:,} 词元 | q4_K，{CONTEXT:,} 词元 |",
                     "| 规模 | q8_0，20 GB/s | 40 GB/s | 80 GB/s | q4_K，20 GB/s | 40 GB/s | 80 GB/s |"),
}


def table(head, rows):
    return "\n".join([head, "| --- |" + " ---: |" * (head.count("|") - 2), *rows])


def parts(page, shapes=SHAPES):
    memory, speed = WORDS[page]
    return {"memory": table(memory, memory_rows(shapes)), "speed": table(speed, speed_rows(shapes))}


def with_tables(page, text):
    for name, rows in parts(page).items():
        begin, end = f"<!-- {name}: tools/model_memory.py -->\n", f"\n<!-- end of {name} -->"
        a, b = text.index(begin) + len(begin), text.index(end)
        text = text[:a] + rows + text[b:]
    return text


def main(args):
    if args[:1] == ["--shape"] and len(args) == 8:
        shapes = {"yours": tuple(map(int, args[1:7])) + (args[7] == "1", 3)}
        print("\n\n".join(parts("MODELS.md", shapes).values()))
    elif args[:1] == ["--one"] and len(args) == 10:
        print(int(memory(tuple(map(int, args[3:9])) + (args[9] == "1", 3), args[1], int(args[2]))))
    elif args in (["--write"], ["--check"]):
        for page in WORDS:
            text = (DOCS / page).read_text(encoding="utf-8")
            if args == ["--write"]:
                (DOCS / page).write_text(with_tables(page, text), encoding="utf-8")
            elif with_tables(page, text) != text:
                sys.exit(f"docs/{page} is not what tools/model_memory.py computes; run it with --write")
    elif not args:
        print("\n\n".join(parts("MODELS.md").values()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
