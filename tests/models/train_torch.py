#!/usr/bin/python3
"""Writes the reference for tests/models/test_train_torch.c: what PyTorch makes of the same training.

    /usr/bin/python3 tests/models/train_torch.py        (Debian 12: python3-torch 1.13.1, python3-numpy 1.24)

Two small networks written here from their papers, GPT-2 and Llama, with Hugging Face's parameter names.  For each of them
the folder tests/models/torch/NAME gets
    config.json, model.safetensors   the start
    gradients.safetensors            of the first step, before clipping
    train.json                       the tokens of every step, the settings, and the loss of every step
Training is plain f32 on one thread: AdamW (decay on matrices only), gradients clipped to norm 1, no dropout.
"""
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent / "torch"
STEPS, B, T, V = 20, 4, 16, 65
LR, BETAS, EPS, DECAY, CLIP = 3e-3, (0.9, 0.95), 1e-8, 0.1, 1.0

GPT2 = dict(model_type="gpt2", vocab_size=V, n_positions=T, n_embd=32, n_layer=2, n_head=4, n_inner=64,
            activation_function="gelu_new", layer_norm_epsilon=1e-5, embd_pdrop=0.0, resid_pdrop=0.0, attn_pdrop=0.0)
LLAMA = dict(model_type="llama", vocab_size=V, max_position_embeddings=T, hidden_size=32, intermediate_size=48,
             num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_act="silu", rms_norm_eps=1e-5,
             rope_theta=10000.0, tie_word_embeddings=False)


def attention(q, k, v):
    """q [B,H,T,D], k and v [B,G,T,D] -> [B,T,H*D], causal"""
    b, h, t, d = q.shape
    k, v = (x.repeat_interleave(h // k.shape[1], dim=1) for x in (k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(d)
    mask = torch.ones(t, t, dtype=torch.bool).triu(1)
    return (scores.masked_fill(mask, float("-inf")).softmax(-1) @ v).transpose(1, 2).reshape(b, t, h * d)


def heads(x, n):
    b, t, c = x.shape
    return x.view(b, t, n, c // n).transpose(1, 2)


def gpt2(p, c, tokens):
    eps, width = c["layer_norm_epsilon"], c["n_embd"]
    norm = lambda x, n: F.layer_norm(x, (width,), p[n + ".weight"], p[n + ".bias"], eps)
    linear = lambda x, n: x @ p[n + ".weight"] + p[n + ".bias"]
    x = p["transformer.wte.weight"][tokens] + p["transformer.wpe.weight"][:tokens.shape[1]]
    for i in range(c["n_layer"]):
        n = f"transformer.h.{i}."
        q, k, v = linear(norm(x, n + "ln_1"), n + "attn.c_attn").split(width, dim=2)
        x = x + linear(attention(*(heads(y, c["n_head"]) for y in (q, k, v))), n + "attn.c_proj")
        h = linear(norm(x, n + "ln_2"), n + "mlp.c_fc")
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h ** 3)))
        x = x + linear(h, n + "mlp.c_proj")
    return norm(x, "transformer.ln_f") @ p["transformer.wte.weight"].T


def rotate(x, theta):
    """pairs (i, i + D/2), angle position * theta^(-2i/D)"""
    t, d = x.shape[2:]
    angle = torch.arange(t, dtype=torch.float32)[:, None] * theta ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    cos, sin = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
    return x * cos + torch.cat([-x[..., d // 2:], x[..., :d // 2]], -1) * sin


def llama(p, c, tokens):
    norm = lambda x, n: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c["rms_norm_eps"]) * p[n + ".weight"]
    linear = lambda x, n: x @ p[n + ".weight"].T
    x = p["model.embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        n = f"model.layers.{i}."
        y = norm(x, n + "input_layernorm")
        q = rotate(heads(linear(y, n + "self_attn.q_proj"), c["num_attention_heads"]), c["rope_theta"])
        k = rotate(heads(linear(y, n + "self_attn.k_proj"), c["num_key_value_heads"]), c["rope_theta"])
        v = heads(linear(y, n + "self_attn.v_proj"), c["num_key_value_heads"])
        x = x + linear(attention(q, k, v), n + "self_attn.o_proj")
        y = norm(x, n + "post_attention_layernorm")
        x = x + linear(F.silu(linear(y, n + "mlp.gate_proj")) * linear(y, n + "mlp.up_proj"), n + "mlp.down_proj")
    return linear(norm(x, "model.norm"), "lm_head")


def shapes_gpt2(c):
    w, f = c["n_embd"], c["n_inner"]
    yield "transformer.wte.weight", (c["vocab_size"], w)
    yield "transformer.wpe.weight", (c["n_positions"], w)
    for i in range(c["n_layer"]):
        for name, shape in [("ln_1", (w,)), ("attn.c_attn", (w, 3 * w)), ("attn.c_proj", (w, w)), ("ln_2", (w,)),
                            ("mlp.c_fc", (w, f)), ("mlp.c_proj", (f, w))]:
            yield f"transformer.h.{i}.{name}.weight", shape
            yield f"transformer.h.{i}.{name}.bias", shape[-1:]
    yield "transformer.ln_f.weight", (w,)
    yield "transformer.ln_f.bias", (w,)


def shapes_llama(c):
    w, f = c["hidden_size"], c["intermediate_size"]
    kv = w // c["num_attention_heads"] * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], w)
    for i in range(c["num_hidden_layers"]):
        for name, shape in [("input_layernorm", (w,)), ("self_attn.q_proj", (w, w)), ("self_attn.k_proj", (kv, w)),
                            ("self_attn.v_proj", (kv, w)), ("self_attn.o_proj", (w, w)), ("post_attention_layernorm", (w,)),
                            ("mlp.gate_proj", (f, w)), ("mlp.up_proj", (f, w)), ("mlp.down_proj", (w, f))]:
            yield f"model.layers.{i}.{name}.weight", shape
    yield "model.norm.weight", (w,)
    yield "lm_head.weight", (c["vocab_size"], w)


def start(shapes):
    """Larger than a real start, so that attention is far from even and every gradient has something to say."""
    p = {}
    for name, shape in shapes:
        norm = len(shape) == 1 and name.endswith("weight")
        p[name] = (torch.randn(shape) * 0.15 + (1.0 if norm else 0.0)).requires_grad_()
    return p


def save(path, tensors):
    """safetensors: u64 length, JSON header, data"""
    header, at, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for name, t in sorted(tensors.items()):
        blob = t.detach().contiguous().numpy().tobytes()
        header[name] = dict(dtype="F32", shape=list(t.shape), data_offsets=[at, at + len(blob)])
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def sequences():
    """Each token follows from the one before it, up to one coin: something that can be learned."""
    data = torch.randint(0, V, (STEPS, B, T + 1))
    coin = torch.randint(0, 2, data.shape)
    for t in range(T):
        data[:, :, t + 1] = (3 * data[:, :, t] + coin[:, :, t]) % V
    return data


def train(name, config, shapes, logits_of):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    p = start(shapes(config))
    data = sequences()
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save(folder / "model.safetensors", p)
    groups = [dict(params=[t for t in p.values() if t.dim() > 1], weight_decay=DECAY),
              dict(params=[t for t in p.values() if t.dim() == 1], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=BETAS, eps=EPS)
    losses, norms = [], []
    for step in range(STEPS):
        logits = logits_of(p, config, data[step, :, :-1])
        loss = F.cross_entropy(logits.reshape(-1, V), data[step, :, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            save(folder / "gradients.safetensors", {k: t.grad for k, t in p.items()})
        norms.append(float(torch.nn.utils.clip_grad_norm_(p.values(), CLIP)))
        optimizer.step()
        losses.append(float(loss))
    out = dict(torch=torch.__version__, steps=STEPS, batch=B, time=T, lr=LR, beta1=BETAS[0], beta2=BETAS[1], eps=EPS,
               weight_decay=DECAY, clip_norm=CLIP, losses=losses, norms=norms, data=data.reshape(-1).tolist())
    (folder / "train.json").write_text(json.dumps(out) + "\n")
    print(name, [round(x, 4) for x in losses], [round(x, 3) for x in norms[:3]])


torch.set_num_threads(1)
train("gpt2", GPT2, shapes_gpt2, gpt2)
train("llama", LLAMA, shapes_llama, llama)
