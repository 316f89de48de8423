#!/usr/bin/python3
"""The peer of gpt_step: the same GPT-2 training step in PyTorch, on the CPU, in one process per setting.

Prints one JSON line like gpt_step's.  The model is written with torch.nn parts the way that nanoGPT writes it (PyTorch 1.13
has no fused attention for training on the CPU, so scores are materialised); dropout is 0 as in Ingot's run.
"""
import argparse
import json
import math
import resource
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.mlp_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.register_buffer("mask", torch.tril(torch.ones(context, context)).view(1, 1, context, context), persistent=False)

    def attend(self, x):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in self.c_attn(x).split(c, dim=2))
        a = (q @ k.transpose(-2, -1)) / math.sqrt(c // self.heads)
        a = a.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf")).softmax(-1)
        return self.c_proj((a @ v).transpose(1, 2).contiguous().view(b, t, c))

    def forward(self, x):
        x = x + self.attend(self.ln_1(x))
        u = self.c_fc(self.ln_2(x))
        u = 0.5 * u * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (u + 0.044715 * u * u * u))) if not hasattr(torch.nn.functional, "gelu") \
            else F.gelu(u, approximate="tanh")
        return x + self.mlp_proj(u)


class GPT(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(o.vocab, o.width), nn.Embedding(o.context, o.width)
        self.h = nn.ModuleList(Block(o.width, o.heads, o.context) for _ in range(o.layers))
        self.ln_f = nn.LayerNorm(o.width)
        for p in self.parameters():
            if p.ndim > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        logits = self.ln_f(x) @ self.wte.weight.t()
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def main():
    a = argparse.ArgumentParser()
    for name, value in (("layers", 4), ("width", 128), ("heads", 4), ("context", 64), ("batch", 12), ("vocab", 65), ("threads", 2)):
        a.add_argument("--" + name, type=int, default=value)
    a.add_argument("--seconds", type=float, default=10)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    model = GPT(o)
    optim = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1)
    tokens, targets = (torch.randint(0, o.vocab, (o.batch, o.context)) for _ in range(2))
    times, start = [], time.perf_counter()
    while len(times) < 4 or time.perf_counter() - start < o.seconds:
        t = time.perf_counter()
        loss = model(tokens, targets)
        optim.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optim.step()
        times.append(time.perf_counter() - t)
    warm = sorted(times[1:])
    best, median = warm[0], warm[len(warm) // 2]
    print(json.dumps({"best_ms": best * 1e3, "median_ms": median * 1e3, "steps": len(times),
                      "tokens_per_s": o.batch * o.context / best,
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, "loss": loss.item(),
                      "torch": torch.__version__, "threads": torch.get_num_threads()}))


main()
