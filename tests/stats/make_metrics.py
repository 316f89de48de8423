#!/usr/bin/python3
"""Reference values of the metrics, from their definitions:   tests/stats/make_metrics.py > tests/stats/metrics.json

Plain Python: pairs for AUC, one list per query for rankings; nothing of Ingot's way of computing is used.
Made with Python 3.11.
"""
import json
import math
import random

random.seed(7)


def rounded(xs, digits):
    return [round(x, digits) for x in xs]


def binary():
    y = [int(random.random() < 0.35) for _ in range(80)]
    p = rounded([min(1, max(0, random.gauss(0.3 + 0.3 * t, 0.2))) for t in y], 1)  # one digit: many ties
    pairs = [(a > b) + 0.5 * (a == b) for a, t in zip(p, y) if t for b, u in zip(p, y) if not u]
    bins = [[(a, t) for a, t in zip(p, y) if min(14, int(a * 15)) == b] for b in range(15)]
    expected = {
        "auc": sum(pairs) / len(pairs),
        "log_loss": -sum(math.log(max(1e-15, a if t else 1 - a)) for a, t in zip(p, y)) / len(y),
        "brier": sum((a - t) ** 2 for a, t in zip(p, y)) / len(y),
        "ece": sum(abs(sum(a - t for a, t in b)) for b in bins) / len(y),
    }
    return {"classes": 2, "target": y, "predicted": p, "expected": expected}


def many():
    n, k = 60, 4
    y = [random.choice([0, 0, 0, 1, 1, 2, 3]) for _ in range(n)]
    p = []
    for t in y:
        w = [random.random() + (1.2 if c == t else 0) for c in range(k)]
        p.append([a / sum(w) for a in w])
    best = [q.index(max(q)) for q in p]
    conf = [max(q) for q in p]
    bins = [[(c, b == t) for c, b, t in zip(conf, best, y) if min(14, int(c * 15)) == i] for i in range(15)]
    expected = {
        "log_loss": -sum(math.log(q[t]) for q, t in zip(p, y)) / n,
        "brier": sum((q[c] - (c == t)) ** 2 for q, t in zip(p, y) for c in range(k)) / n,
        "ece": sum(abs(sum(c - r for c, r in b)) for b in bins) / n,
    }
    return {"classes": k, "target": y, "predicted": [a for q in p for a in q], "expected": expected}


def classes():
    k = 5  # the last class never occurs
    y = [random.randrange(4) for _ in range(70)]
    p = [t if random.random() < 0.6 else random.randrange(4) for t in y]
    prec, rec, f1 = [], [], []
    for c in sorted(set(y) | set(p)):
        tp = sum(a == c == b for a, b in zip(y, p))
        pred, true = p.count(c), y.count(c)
        a, b = (tp / pred if pred else 0), (tp / true if true else 0)
        prec.append(a), rec.append(b), f1.append(2 * a * b / (a + b) if a + b else 0)
    tp = sum(a == b == 1 for a, b in zip(y, p))
    a, b = tp / p.count(1), tp / y.count(1)
    right = sum(a == b for a, b in zip(y, p)) / len(y)
    expected = {"accuracy": right, "f1_micro": right, "precision_macro": sum(prec) / len(prec), "recall_macro": sum(rec) / len(rec),
                "f1_macro": sum(f1) / len(f1), "precision": a, "recall": b, "f1": 2 * a * b / (a + b)}
    return {"classes": k, "target": y, "predicted": p, "expected": expected}


def numbers():
    y = [random.gauss(10, 4) for _ in range(50)]
    p = [a + random.gauss(0.5, 1) for a in y]
    d = [a - b for a, b in zip(p, y)]
    return {"classes": 0, "target": y, "predicted": p,
            "expected": {"rmse": math.sqrt(sum(a * a for a in d) / 50), "mae": sum(map(abs, d)) / 50}}


def ranking(k):
    random.seed(11)
    target, predicted, group, values = [], [], [], {m: [] for m in ("ndcg", "map", "mrr", "recall_at_k", "precision_at_k")}
    for q in range(15):
        n = random.randrange(1, 14)
        gains = [0] * n if q == 4 else [random.choice([0, 0, 0, 1, 2, 3]) for _ in range(n)]
        scores = rounded([random.gauss(0.2 * g, 1) for g in gains], 1)
        target += gains
        predicted += scores
        group += [q] * n
        if not any(gains):
            continue
        shown = [g for _, _, g in sorted((-s, i, g) for i, (s, g) in enumerate(zip(scores, gains)))]
        top = shown[:k] if k else shown
        dcg = sum((2 ** g - 1) / math.log2(i + 2) for i, g in enumerate(top))
        ideal = sum((2 ** g - 1) / math.log2(i + 2) for i, g in enumerate(sorted(gains, reverse=True)[:len(top)]))
        hits = [i for i, g in enumerate(top) if g]
        relevant = sum(g > 0 for g in gains)
        values["ndcg"].append(dcg / ideal)
        values["map"].append(sum((j + 1) / (i + 1) for j, i in enumerate(hits)) / (min(k, relevant) if k else relevant))
        values["mrr"].append(1 / (hits[0] + 1) if hits else 0)
        values["recall_at_k"].append(len(hits) / relevant)
        values["precision_at_k"].append(len(hits) / (k or n))
    return {"classes": 0, "k": k, "target": target, "predicted": predicted, "group": group, "groups": 15,
            "expected": {m: sum(v) / len(v) for m, v in values.items()}}


print(json.dumps([binary(), many(), classes(), numbers(), ranking(0), ranking(3), ranking(10)]))
