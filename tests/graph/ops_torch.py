"""Writes ops_torch.json: results and gradients of PyTorch, which ops_torch.c compares with Ingot's.

    /usr/bin/python3 tests/graph/ops_torch.py > tests/graph/ops_torch.json      (Debian's python3-torch, 1.13)

Computed in double on inputs that f32 holds exactly, so that the reference is exact for an f32 comparison.
"""
import json
import math

import torch
import torch.nn.functional as F

torch.manual_seed(1)


def real(*shape, positive=False):
    x = torch.rand(shape, dtype=torch.float64) + 0.25 if positive else torch.randn(shape, dtype=torch.float64)
    return ((x * 1024).round() / 1024).requires_grad_()


def integers(values):
    return torch.tensor(values, dtype=torch.int64)


def array(t):
    values = [int(v) if t.dtype == torch.int64 else float("%.9g" % v) for v in t.detach().reshape(-1).tolist()]
    return {"dtype": "i64" if t.dtype == torch.int64 else "f32", "shape": list(t.shape), "values": values}


def case(op, inputs, fn, **attrs):
    y = fn(*inputs)
    dy = real(*y.shape).detach()
    wanted = [x for x in inputs if x.requires_grad]
    grads = torch.autograd.grad(y, wanted, dy, allow_unused=True)
    return {"op": op, "attrs": attrs, "inputs": [array(x) for x in inputs], "dy": array(dy), "y": array(y),
            "gradients": [array(d) for d in grads]}


def attention(q, k, v, causal):
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if causal:
        T, S = scores.shape[-2:]
        scores = scores.masked_fill(torch.ones(T, S).tril(S - T) == 0, -math.inf)
    return scores.softmax(-1) @ v


def rope_half(x, positions, theta):
    """transformers' apply_rotary_pos_emb, in double."""
    D = x.shape[-1]
    angle = positions[:, None] * theta ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    c, s = (torch.cat((f(angle), f(angle)), -1) for f in (torch.cos, torch.sin))
    turned = torch.cat((-x[..., D // 2:], x[..., :D // 2]), -1)
    return x * c + turned * s


def rope_pairs(x, positions, theta):
    """The complex product of Su et al., as GPT-J lays the pairs out."""
    D = x.shape[-1]
    angle = positions[:, None] * theta ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    turned = torch.view_as_complex(x.reshape(*x.shape[:-1], D // 2, 2)) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).reshape(x.shape)


def rms_norm(x, w, eps):
    return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * w


def conv(op, shape, kernel, bias=True, before=(0, 0), after=(0, 0), **attrs):
    """Pictures as Ingot has them, channels last; padding on the two sides apart; `shape` with N first, C last."""
    one = len(shape) == 3
    fn = getattr(F, op)
    settings = {k: v[0] if one and isinstance(v, list) else v for k, v in attrs.items()}
    channels = kernel[1 if "transpose" in op else 0] * (attrs.get("groups", 1) if "transpose" in op else 1)

    def run(x, w, *b):
        x = x.movedim(-1, 1)
        if "transpose" in op:
            y = fn(x, w, *b, **settings)
            for axis, (low, high) in enumerate(zip(before, after)):
                y = y.narrow(2 + axis, low, y.shape[2 + axis] - low - high) if 2 + axis < y.dim() else y
        else:
            pad = (before[0], after[0]) if one else (before[1], after[1], before[0], after[0])
            y = fn(F.pad(x, pad), w, *b, **settings)
        return y.movedim(1, -1)

    inputs = [real(*shape), real(*kernel)] + ([real(channels)] if bias else [])
    return case(op, inputs, run, before=list(before), after=list(after), **attrs)


x35, x352 = real(3, 5), real(3, 5, 2)
targets = integers([3, 0, 4, 1, 2, 4])
cases = [
    case("softmax", [x352], lambda x: x.softmax(-1), axis=-1),
    case("softmax", [x352], lambda x: x.softmax(1), axis=1),
    case("log_softmax", [x352], lambda x: x.log_softmax(0), axis=0),
    case("cross_entropy", [real(6, 5), targets], F.cross_entropy),
    case("cross_entropy", [real(6, 5), targets], lambda x, t: F.cross_entropy(x, t, ignore_index=4), ignore=4),
    case("cross_entropy", [real(6, 5), targets], lambda x, t: F.cross_entropy(x, t, ignore_index=4, label_smoothing=0.1), ignore=4, smoothing=0.1),
    case("layer_norm", [real(4, 7), real(7), real(7)], lambda x, w, b: F.layer_norm(x, (7,), w, b, 1e-5), eps=1e-5),
    case("rms_norm", [real(4, 7), real(7)], lambda x, w: rms_norm(x, w, 1e-6), eps=1e-6),
    case("attention", [real(2, 2, 3, 4), real(2, 2, 5, 4), real(2, 2, 5, 4)], lambda q, k, v: attention(q, k, v, False), causal=False),
    case("attention", [real(1, 4, 5, 4), real(1, 2, 5, 4), real(1, 2, 5, 4)], lambda q, k, v: attention(q, k, v, True), causal=True),
    case("attention", [real(1, 2, 3, 8), real(1, 1, 5, 8), real(1, 1, 5, 8)], lambda q, k, v: attention(q, k, v, True), causal=True),
    case("rope", [real(2, 3, 8), integers([0, 7, 100])], lambda x, p: rope_half(x, p, 10000.0), theta=10000.0, half=True),
    case("rope", [real(2, 3, 8), integers([0, 7, 100])], lambda x, p: rope_pairs(x, p, 10000.0), theta=10000.0, half=False),
    case("embedding", [real(7, 3), integers([[3, 0, 3], [6, 1, 3]])], lambda w, i: F.embedding(i, w)),
    case("gather", [x35, integers([[4, 0, 4], [1, 1, 2]])], lambda x, i: x.gather(1, i), axis=1),
    case("scatter_add", [x35, integers([[2, 0, 2, 1, 0], [2, 2, 2, 0, 1]]), real(2, 5)], lambda x, i, s: x.scatter_add(0, i, s), axis=0),
    case("scatter_rows", [real(7, 3), integers([3, 0, 3, 6]), real(4, 3)], lambda x, i, s: x.index_add(0, i, s)),
    case("cumsum", [x352], lambda x: x.cumsum(1), axis=1),
    case("cumsum", [x352], lambda x: x.flip(1).cumsum(1).flip(1), axis=1, reverse=True),
    case("sum", [x352], lambda x: x.sum((0, 2)), axes=5),
    case("mean", [x352], lambda x: x.mean((0, 1), keepdim=True), axes=3, keepdim=True),
    case("max", [integers([[1, 3, 3], [2, 2, 2]]).double().requires_grad_()], lambda x: x.amax(1), axes=2),
    case("minimum", [x35, real(5)], torch.minimum), case("maximum", [x35, real(3, 1)], torch.maximum),
    case("gelu", [x35], F.gelu), case("gelu_tanh", [x35], lambda x: F.gelu(x, approximate="tanh")), case("silu", [x35], F.silu),
    case("sigmoid", [x35], torch.sigmoid), case("tanh", [x35], torch.tanh), case("relu", [x35], F.relu), case("abs", [x35], torch.abs),
    case("exp", [x35], torch.exp), case("log", [real(3, 5, positive=True)], torch.log), case("log1p", [real(3, 5, positive=True)], torch.log1p),
    case("sqrt", [real(3, 5, positive=True)], torch.sqrt), case("rsqrt", [real(3, 5, positive=True)], torch.rsqrt),
    case("leaky_relu", [x35], lambda x: F.leaky_relu(x, 0.125), slope=0.125), case("clamp", [x35], lambda x: x.clamp(-0.5, 0.75), lo=-0.5, hi=0.75),
    case("pow", [real(3, 5, positive=True), real(5)], torch.pow), case("div", [x35, real(3, 1, positive=True)], torch.div),
    case("matmul", [real(2, 1, 3, 5), real(4, 5, 2)], torch.matmul), case("linear", [real(2, 3, 5), real(5, 4), real(4)], lambda a, b, c: a @ b + c),
    case("concat", [real(3, 2), real(3, 4)], lambda a, b: torch.cat((a, b), 1), axis=1),
    conv("conv2d", (2, 5, 6, 3), (4, 3, 3, 3), before=(1, 1), after=(1, 1)),
    conv("conv2d", (1, 7, 6, 2), (3, 2, 3, 2), bias=False, stride=[2, 3], before=(0, 1), after=(1, 0)),
    conv("conv2d", (1, 7, 8, 4), (6, 2, 3, 3), stride=[1, 1], dilation=[2, 1], groups=2, before=(2, 0), after=(1, 2)),
    conv("conv2d", (2, 6, 6, 16), (16, 1, 3, 3), groups=16, before=(1, 1), after=(1, 1), stride=[2, 2]),
    conv("conv2d", (1, 4, 4, 8), (5, 8, 1, 1)),
    conv("conv1d", (2, 9, 3), (4, 3, 4), stride=[2, 1], dilation=[2, 1], before=(3, 0), after=(1, 0)),
    conv("conv_transpose2d", (1, 4, 3, 2), (2, 3, 3, 4), stride=[2, 3], before=(1, 0), after=(0, 1)),
    conv("conv_transpose2d", (1, 3, 3, 4), (4, 2, 2, 3), bias=False, stride=[2, 2], dilation=[1, 2], groups=2, output_padding=[1, 0]),
    conv("conv_transpose1d", (2, 5, 3), (3, 2, 4), stride=[2, 1], output_padding=[1, 0], before=(1, 0), after=(1, 0)),
    case("global_norm", [x35, real(7)], lambda a, b: torch.cat((a.reshape(-1), b)).norm()),
]
print("{\"torch\": %s, \"cases\": [" % json.dumps(torch.__version__))
print(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
print("]}")
