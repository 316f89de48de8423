"""Writes tests/nn/lora_torch.json: a linear layer with a low-rank change, its gradients and one step, for tests/nn/lora.c; and
the loss of direct preference optimisation over a table of logits, for tests/train/test_preference.c.

    /usr/bin/python3 tests/nn/lora_torch.py          (Debian's python3-torch)

All numbers are f32 numbers; torch computes in float64.
"""
import json
import pathlib

import torch

M, K, N, R = 5, 6, 4, 2
ALPHA, LR = 16, 0.01
V, T, B, BETA = 7, 4, 3, 0.3

torch.manual_seed(20)


def f32(*shape):
    return torch.randn(*shape).to(torch.float64)


def flat(t):
    return [float(v) for v in t.detach().flatten()]


def lora():
    x, w, a, b, dy = f32(M, K), f32(N, K), f32(R, K), f32(N, R), f32(M, N)
    x.requires_grad_(), a.requires_grad_(), b.requires_grad_()
    y = x @ w.T + (x @ a.T) @ b.T * (ALPHA / R)
    (y * dy).sum().backward()
    out = {"x": flat(x), "w": flat(w), "a": flat(a), "b": flat(b), "dy": flat(dy), "y": flat(y),
           "dx": flat(x.grad), "da": flat(a.grad), "db": flat(b.grad)}
    torch.optim.AdamW([a, b], lr=LR, weight_decay=0.1).step()
    return out | {"a_after": flat(a), "b_after": flat(b)}


def dpo():
    """Rows 0..B-1 are chosen, B..2B-1 rejected; the logits of a token are the row of a table."""
    table = f32(V, V).requires_grad_()
    tokens = torch.randint(0, V, (2 * B, T))
    targets = torch.randint(0, V, (2 * B, T))
    mask = torch.randint(0, 2, (2 * B, T)).to(torch.float64)
    prior = f32(B)
    logp = (torch.log_softmax(table[tokens], 2).gather(2, targets[..., None])[..., 0] * mask).sum(1)
    margin = BETA * (logp[:B] - logp[B:] - prior)
    loss = -torch.nn.functional.logsigmoid(margin).mean()
    loss.backward()
    return {"table": flat(table), "tokens": tokens.flatten().tolist(), "targets": targets.flatten().tolist(), "mask": flat(mask),
            "prior": flat(prior), "margin": flat(margin), "loss": [float(loss)], "dtable": flat(table.grad)}


def rows(name, numbers):
    return f' "{name}": {{\n' + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in numbers.items()) + "}"


path = pathlib.Path(__file__).with_name("lora_torch.json")
path.write_text(f'{{"torch": "{torch.__version__}",\n' + ",\n".join([rows("lora", lora()), rows("dpo", dpo())]) + "}\n")
