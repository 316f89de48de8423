#!/usr/bin/env python3
"""Rows that numpy solves, for tests/models/test_als.c:   python3 tests/models/als_numpy.py > tests/models/als_numpy.json

Numbers of items are drawn; a new user's history is folded in by the formulas of the papers, in double; the scores of all
items are what the model must say.  Made with numpy 1.24.
"""
import json

import numpy as np

USERS, ITEMS, K = 7, 9, 5
rng = np.random.default_rng(3)


def numbers(*shape):
    return np.round(rng.normal(size=shape) * 0.5, 4)


def history():
    items = sorted(rng.choice(ITEMS, 4, replace=False).tolist())
    return items, rng.integers(1, 6, size=4).tolist()


def implicit(log):
    """Hu, Koren & Volinsky 2008, equation 4."""
    alpha, lam, y = 3.0, 0.7, numbers(ITEMS, K)
    items, values = history()
    c = np.ones(ITEMS)
    p = np.zeros(ITEMS)
    c[items] += alpha * (np.log1p(values) if log else np.array(values))
    p[items] = 1
    x = np.linalg.solve(y.T @ np.diag(c) @ y + lam * np.eye(K), y.T @ (c * p))
    config = dict(objective="implicit", rank=K, alpha=alpha, regularization=lam, confidence="log" if log else "linear", sweeps=1)
    return dict(config=config, params=dict(item_factors=y.ravel().tolist()), items=items, values=values, scores=(y @ x).tolist())


def explicit(weighted):
    """Zhou et al. 2008, section 3.1, with biases: a user's bias is the factor of a constant 1."""
    lam, mean, y, b = 0.3, 3.1, numbers(ITEMS, K), numbers(ITEMS)
    items, values = history()
    g = np.hstack([np.ones((ITEMS, 1)), y])
    t = np.array(values) - mean - b[items]
    r = lam * (len(items) if weighted else 1)
    x = np.linalg.solve(g[items].T @ g[items] + r * np.eye(K + 1), g[items].T @ t)
    config = dict(objective="explicit", rank=K, regularization=lam, weighted_regularization=weighted, sweeps=1)
    params = dict(item_factors=y.ravel().tolist(), item_bias=b.tolist(), mean=[mean])
    return dict(config=config, params=params, items=items, values=values, scores=(mean + b + g @ x).tolist())


def bayesian():
    """The mean of a row given its prior (Salakhutdinov & Mnih 2008, equation 12), over two parts, with a link."""
    D, parts, mean = K + 1, 2, 3.2
    y, b = numbers(ITEMS, parts, K), numbers(ITEMS, parts)
    prior, link, noise = numbers(parts, D), numbers(ITEMS, parts, D), [1.5, 2.5]
    root = numbers(parts, D, D)
    precision = np.round(root @ root.transpose(0, 2, 1) + np.eye(D), 4)
    items, values = history()
    scores = np.zeros(ITEMS)
    for p in range(parts):
        g = np.hstack([np.ones((ITEMS, 1)), y[:, p]])
        m = prior[p] + link[items, p].sum(0) / np.sqrt(len(items))
        t = np.array(values) - mean - b[items, p]
        a = precision[p] + noise[p] * g[items].T @ g[items]
        x = np.linalg.solve(a, precision[p] @ m + noise[p] * g[items].T @ t)
        scores += (mean + b[:, p] + g @ x) / parts
    config = dict(objective="explicit", bayesian=True, rank=K, samples=parts, burn_in=0, thin=1, user_history=True)
    params = dict(item_factors=y.ravel().tolist(), item_bias=b.ravel().tolist(), mean=[mean], noise=noise,
                  user_prior=prior.ravel().tolist(), user_precision=precision.ravel().tolist(), user_link=link.ravel().tolist())
    return dict(config=config, params=params, items=items, values=values, scores=scores.tolist())


cases = [implicit(False), implicit(True), explicit(False), explicit(True), bayesian()]
print(json.dumps(dict(users=USERS, items=ITEMS, cases=cases)))
