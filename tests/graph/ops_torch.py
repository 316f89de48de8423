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


def nchw(fn):
    """fn over [N,C,H,W], as a function over [N,H,W,C]."""
    return lambda x, *more: fn(x.movedim(-1, 1), *more).movedim(1, -1)


def batch_norm_twice(x, w, b):
    """One training pass from fresh running statistics, then inference."""
    mean, var = torch.zeros(x.shape[-1], dtype=x.dtype), torch.ones(x.shape[-1], dtype=x.dtype)
    nchw(lambda v: F.batch_norm(v, mean, var, w, b, True, 0.25, 1e-3))(x)
    return nchw(lambda v: F.batch_norm(v, mean, var, w, b, False, 0.25, 1e-3))(x)


def pool(fn, kernel, stride, pad, **more):
    return nchw(lambda x: fn(x, kernel, stride, pad, **more))


p7653, p4 = real(2, 7, 6, 3), real(1, 4, 5, 2)
w3, b3 = real(3), real(3)
w6, b6 = real(6), real(6)
cases += [
    case("batch_norm", [p7653, w3, b3], lambda x, w, b: nchw(lambda v: F.batch_norm(v, None, None, w, b, True, 0, 1e-3))(x), eps=1e-3),
    case("batch_norm", [real(3, 4, 3), w3, b3, real(3, 4, 3)],
         lambda x, w, b, r: F.relu(nchw(lambda v: F.batch_norm(v, None, None, w, b, True, 0, 1e-3))(x) + r), eps=1e-3, relu=True),
    case("batch_norm_twice", [p7653, w3, b3], batch_norm_twice, eps=1e-3, momentum=0.25),
    case("group_norm", [real(2, 3, 5, 6), w6, b6], lambda x, w, b: nchw(lambda v: F.group_norm(v, 2, w, b, 1e-3))(x), eps=1e-3, groups=2),
    case("group_norm", [p7653, w3, b3], lambda x, w, b: nchw(lambda v: F.instance_norm(v, None, None, w, b, True, 0, 1e-3))(x), eps=1e-3, groups=3),
    case("local_response_norm", [real(2, 3, 7)], nchw(lambda x: F.local_response_norm(x, 5, 0.5, 0.75, 2.0)), size=5, alpha=0.5, beta=0.75, k=2.0),
    case("local_response_norm", [real(1, 2, 6)], nchw(lambda x: F.local_response_norm(x, 4, 0.5, 0.5, 1.0)), size=4, alpha=0.5, beta=0.5, k=1.0),
    case("max_pool2d", [p7653], pool(F.max_pool2d, 3, 2, 1), kernel=3, stride=2, pad=1),
    case("max_pool2d", [p7653], pool(F.max_pool2d, 3, 2, 0, ceil_mode=True), kernel=3, stride=2, pad=0, ceil=True),
    case("max_pool2d", [p4], pool(F.max_pool2d, 2, 3, 1, ceil_mode=True), kernel=2, stride=3, pad=1, ceil=True),
    case("avg_pool2d", [p7653], pool(F.avg_pool2d, 3, 2, 1, count_include_pad=False), kernel=3, stride=2, pad=1),
    case("avg_pool2d", [p7653], pool(F.avg_pool2d, 3, 2, 1, ceil_mode=True, count_include_pad=True), kernel=3, stride=2, pad=1, ceil=True, include=True),
    case("avg_pool2d", [p4], pool(F.avg_pool2d, 2, 2, 0, ceil_mode=True), kernel=2, stride=2, pad=0, ceil=True, include=True),
    case("adaptive_avg_pool2d", [p7653], nchw(lambda x: F.adaptive_avg_pool2d(x, (3, 4))), h=3, w=4),
    case("adaptive_max_pool2d", [p7653], nchw(lambda x: F.adaptive_max_pool2d(x, (2, 5))), h=2, w=5),
    case("max_pool1d", [real(2, 9, 3)], nchw(lambda x: F.max_pool1d(x, 3, 2, 1)), kernel=3, stride=2, pad=1),
    case("avg_pool1d", [real(2, 9, 3)], nchw(lambda x: F.avg_pool1d(x, 3, 2, 1, count_include_pad=False)), kernel=3, stride=2, pad=1),
    case("max_over_time", [real(2, 5, 3), integers([2, 5])], lambda x, n: torch.stack([x[i, :k].amax(0) for i, k in enumerate(n.tolist())])),
    case("pad", [p4], nchw(lambda x: F.pad(x, (1, 2, 3, 0), value=0.5)), mode=0),
    case("pad", [p4], nchw(lambda x: F.pad(x, (1, 2, 3, 0), mode="reflect")), mode=1),
    case("pad", [p4], nchw(lambda x: F.pad(x, (1, 2, 3, 0), mode="replicate")), mode=2),
    case("interpolate", [p4], nchw(lambda x: F.interpolate(x, (7, 3))), h=7, w=3, mode=0),
    case("interpolate", [p4], nchw(lambda x: F.interpolate(x, (7, 3), mode="bilinear", align_corners=False)), h=7, w=3, mode=1),
    case("interpolate", [p4], nchw(lambda x: F.interpolate(x, (7, 3), mode="bilinear", align_corners=True)), h=7, w=3, mode=1, align=True),
    case("relu6", [real(9)], lambda x: F.relu6(x * 8)), case("hard_sigmoid", [real(9)], lambda x: F.hardsigmoid(x * 4)),
    case("hard_swish", [real(9)], lambda x: F.hardswish(x * 4)),
]
print("{\"torch\": %s, \"cases\": [" % json.dumps(torch.__version__))
print(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
print("]}")
