#!/usr/bin/python3
"""The peer of lstm_step: the same recurrent language model and training step in PyTorch, on the CPU.

Prints one JSON line like lstm_step's.  Truncated back-propagation as in PyTorch's own example (word_language_model): the state
is detached and carried, gradients are clipped to 0.25, plain SGD; dropout is 0 as in Ingot's run.
"""
import argparse
import json
import resource
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Network(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.encoder = nn.Embedding(o.vocab, o.width)
        self.rnn = (nn.GRU if o.gru else nn.LSTM)(o.width, o.width, o.layers)
        self.decoder = nn.Linear(o.width, o.vocab)

    def forward(self, tokens, targets, state):
        y, state = self.rnn(self.encoder(tokens), state)
        logits = self.decoder(y)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1)), state


def main():
    a = argparse.ArgumentParser()
    for name, value in (("layers", 2), ("width", 650), ("context", 35), ("batch", 20), ("vocab", 10000), ("threads", 2)):
        a.add_argument("--" + name, type=int, default=value)
    a.add_argument("--gru", action="store_true")
    a.add_argument("--seconds", type=float, default=10)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    model = Network(o)
    optim = torch.optim.SGD(model.parameters(), lr=1e-4)
    tokens, targets = (torch.randint(0, o.vocab, (o.context, o.batch)) for _ in range(2))
    first = torch.zeros(o.layers, o.batch, o.width)
    state, times, start = first if o.gru else (first, first), [], time.perf_counter()
    while len(times) < 4 or time.perf_counter() - start < o.seconds:
        t = time.perf_counter()
        state = state.detach() if o.gru else tuple(s.detach() for s in state)
        loss, state = model(tokens, targets, state)
        optim.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optim.step()
        times.append(time.perf_counter() - t)
    warm = sorted(times[1:])
    print(json.dumps({"best_ms": warm[0] * 1e3, "median_ms": warm[len(warm) // 2] * 1e3, "steps": len(times),
                      "tokens_per_s": o.batch * o.context / warm[0],
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, "loss": loss.item(),
                      "torch": torch.__version__, "threads": torch.get_num_threads()}))


main()
