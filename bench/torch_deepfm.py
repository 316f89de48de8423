#!/usr/bin/python3
"""The peer of deepfm_step: the same network and step in PyTorch, on the CPU; prints one JSON line like deepfm_step's.

Tables are nn.Embedding(sparse=True) with SparseAdam, the rest Adam; --dense gives the tables to Adam too.
"""
import argparse
import json
import resource
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class DeepFM(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.table = nn.Embedding(o.rows, o.embedding, sparse=not o.dense)
        self.first = nn.Embedding(o.rows, 1, sparse=not o.dense)
        sizes = [o.fields * o.embedding] + [o.width] * o.layers
        layers = []
        for n, m in zip(sizes, sizes[1:]):
            layers += [nn.Linear(n, m), nn.ReLU()]
        self.deep = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
        self.register_buffer("offsets", torch.arange(o.fields) * (o.rows // o.fields))

    def forward(self, indices):
        places = indices + self.offsets
        e = self.table(places)
        pairs = 0.5 * (e.sum(1).square() - e.square().sum(1)).sum(1)
        return self.first(places).sum((1, 2)) + pairs + self.deep(e.flatten(1)).squeeze(1)


def main():
    p = argparse.ArgumentParser()
    for name, value in dict(rows=100000, fields=10, embedding=10, width=400, layers=3, batch=512, threads=0).items():
        p.add_argument(f"--{name}", type=int, default=value)
    p.add_argument("--dense", action="store_true")
    p.add_argument("--seconds", type=float, default=5)
    o = p.parse_args()
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    net = DeepFM(o)
    nn.init.normal_(net.table.weight, 0, 0.01)
    nn.init.zeros_(net.first.weight)
    tables = [net.table.weight, net.first.weight]
    optimisers = [torch.optim.Adam(net.parameters())] if o.dense else [torch.optim.SparseAdam(tables), torch.optim.Adam(net.deep.parameters())]
    indices, target = torch.randint(0, o.rows // o.fields, (o.batch, o.fields)), torch.randint(0, 2, (o.batch,)).float()
    times, start = [], time.perf_counter()
    while len(times) < 4 or (len(times) < 4096 and time.perf_counter() - start < o.seconds):
        t = time.perf_counter()
        for q in optimisers:
            q.zero_grad(set_to_none=True)
        loss = F.binary_cross_entropy_with_logits(net(indices), target)
        loss.backward()
        for q in optimisers:
            q.step()
        times.append(time.perf_counter() - t)
    times = sorted(times[1:])
    print(json.dumps(dict(best_ms=round(times[0] * 1e3, 3), median_ms=round(times[len(times) // 2] * 1e3, 3), steps=len(times) + 1,
                          rows_per_s=round(o.batch / times[0]), peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
                          loss=round(loss.item(), 5), threads=torch.get_num_threads(), torch=torch.__version__)))


main()
