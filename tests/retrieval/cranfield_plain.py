#!/usr/bin/env python3
"""BM25 over Cranfield, written out plainly (k1 1.2, b 0.75, words of letters and digits, no stems), to compare the index with:
tests/retrieval/cranfield_plain.py FOLDER   prints MAP, P@10 and MRR."""
import collections, math, re, sys

folder = sys.argv[1] + "/"


def records(name, only):
    out, field = [], None
    for line in open(folder + name, encoding="latin-1").read().split("\n"):
        line = line.rstrip("\r ")
        if re.match(r"\.I \d", line): out.append([]); field = "I"
        elif re.fullmatch(r"\.[A-Z]", line): field = line[1]
        elif field in only: out[-1] += re.findall(r"[a-z0-9]+", line.lower())
    return out


docs, queries = records("cran.all.1400", "TABW"), records("cran.qry", "W")
good = collections.defaultdict(set)
for line in open(folder + "cranqrel"):
    q, d = line.split()[:2]
    good[int(q)].add(int(d))
tf = [collections.Counter(d) for d in docs]
df = collections.Counter(w for t in tf for w in t)
average = sum(map(len, docs)) / len(docs)
ap = p10 = rr = 0
for i, query in enumerate(queries, 1):
    score = [sum(math.log(1 + (len(docs) - df[w] + .5) / (df[w] + .5)) * t[w] * 2.2 / (t[w] + 1.2 * (.25 + .75 * len(d) / average))
                 for w in query if w in t) for t, d in zip(tf, docs)]
    hits = [d + 1 in good[i] for d in sorted(range(len(docs)), key=lambda d: (-score[d], d)) if score[d] > 0]
    ranks = [r for r, h in enumerate(hits, 1) if h]
    ap += sum(n / r for n, r in enumerate(ranks, 1)) / len(good[i])
    p10 += sum(hits[:10]) / 10
    rr += 1 / ranks[0] if ranks else 0
print("MAP %.4f  P@10 %.4f  MRR %.4f" % tuple(x / len(queries) for x in (ap, p10, rr)))
