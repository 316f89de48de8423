#!/usr/bin/python3
"""Writes the reference for tests/models/test_bert_torch.c and tests/infer/test_embed.c: what PyTorch makes of small encoders.

    /usr/bin/python3 tests/models/bert_torch.py        (Debian 12: python3-torch 1.13.1, python3-numpy 1.24)

BERT and RoBERTa written here from their papers, in f64, with Hugging Face's parameter names.  The weights are rounded to f32
first, so that both sides start from the same numbers.  Every folder tests/models/torch/NAME gets
    config.json, model.safetensors   the model
    reference.safetensors            tokens, types and lengths of a batch of four texts, the last hidden states (zero in the
                                     padding), the logits of the head, and the weights of a loss: the sum of hidden states times `weights`,
                                     plus that of the logits times `head_weights`
    gradients.safetensors            of that loss
"""
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent / "torch"
V, T, LENGTHS = 41, 12, [12, 5, 1, 9]
SMALL = dict(vocab_size=V, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
             hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
BERT = dict(SMALL, model_type="bert", max_position_embeddings=16, type_vocab_size=2, layer_norm_eps=1e-12, pad_token_id=0,
            hidden_act="gelu")
ROBERTA = dict(SMALL, model_type="xlm-roberta", max_position_embeddings=18, type_vocab_size=1, layer_norm_eps=1e-5,
               pad_token_id=1, hidden_act="gelu")
MODELS = {
    "bert": dict(BERT, architectures=["BertModel"]),
    "bert-masked": dict(BERT, architectures=["BertForMaskedLM"], hidden_act="gelu_new"),
    "bert-classify": dict(BERT, architectures=["BertForSequenceClassification"], hidden_act="relu",
                          id2label={"0": "bad", "1": "fair", "2": "good"}),
    "xlm-roberta": dict(ROBERTA, architectures=["XLMRobertaModel"]),
    "roberta-masked": dict(ROBERTA, model_type="roberta", architectures=["RobertaForMaskedLM"]),
    "roberta-score": dict(ROBERTA, architectures=["XLMRobertaForSequenceClassification"], id2label={"0": "LABEL_0"}),
}
ACTIVATION = {"gelu": F.gelu, "relu": F.relu,
              "gelu_new": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))}


def head_of(c):
    name = c["architectures"][0]
    return "masked" if name.endswith("ForMaskedLM") else "classify" if name.endswith("Classification") else ""


def is_roberta(c):
    return c["model_type"] != "bert"


def root_of(c):
    return "" if not head_of(c) else "roberta." if is_roberta(c) else "bert."


def shapes(c):
    width, inner, root, s = c["hidden_size"], c["intermediate_size"], root_of(c), {}

    def linear(name, n, m):
        s[name + ".weight"], s[name + ".bias"] = (m, n), (m,)

    def norm(name):
        s[name + ".weight"], s[name + ".bias"] = (width,), (width,)

    for name, rows in (("word", V), ("position", c["max_position_embeddings"]), ("token_type", c["type_vocab_size"])):
        s[f"{root}embeddings.{name}_embeddings.weight"] = (rows, width)
    norm(root + "embeddings.LayerNorm")
    for i in range(c["num_hidden_layers"]):
        n = f"{root}encoder.layer.{i}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linear(n + part, width, width)
        linear(n + "intermediate.dense", width, inner)
        linear(n + "output.dense", inner, width)
        norm(n + "attention.output.LayerNorm")
        norm(n + "output.LayerNorm")
    head, labels = head_of(c), len(c.get("id2label", {}))
    if head == "masked":
        part, dense, layer_norm = ("lm_head.", "dense", "layer_norm") if is_roberta(c) else ("cls.predictions.", "transform.dense", "transform.LayerNorm")
        s[part + "bias"] = (V,)
        linear(part + dense, width, width)
        norm(part + layer_norm)
    elif head == "classify" and is_roberta(c):
        linear("classifier.dense", width, width)
        linear("classifier.out_proj", width, labels)
    else:
        linear(root + "pooler.dense", width, width)
        if head == "classify":
            linear("classifier", width, labels)
    return s


def start(c, seed):
    generator = torch.Generator().manual_seed(seed)
    p = {}
    for name, shape in shapes(c).items():
        x = torch.randn(shape, generator=generator, dtype=torch.float32) * (0.25 if len(shape) > 1 else 0.1)
        if "orm" in name and name.endswith("weight"):
            x = x + 1
        p[name] = x.double().requires_grad_()
    return p


def encoder(p, c, tokens, types, lengths):
    width, h, root = c["hidden_size"], c["num_attention_heads"], root_of(c)
    b, t = tokens.shape
    linear = lambda x, n: F.linear(x, p[root + n + ".weight"], p[root + n + ".bias"])
    norm = lambda x, n: F.layer_norm(x, (width,), p[root + n + ".weight"], p[root + n + ".bias"], c["layer_norm_eps"])
    split = lambda x: x.view(b, t, h, width // h).transpose(1, 2)
    first = c["pad_token_id"] + 1 if is_roberta(c) else 0
    table = lambda n: p[f"{root}embeddings.{n}_embeddings.weight"]
    x = norm(table("word")[tokens] + table("position")[first:first + t] + table("token_type")[types], "embeddings.LayerNorm")
    mask = torch.arange(t)[None] >= lengths[:, None]
    for i in range(c["num_hidden_layers"]):
        n = f"encoder.layer.{i}."
        q, k, v = (split(linear(x, n + "attention.self." + w)) for w in ("query", "key", "value"))
        scores = (q @ k.transpose(-1, -2) / math.sqrt(width // h)).masked_fill(mask[:, None, None], float("-inf"))
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, width)
        x = norm(x + linear(y, n + "attention.output.dense"), n + "attention.output.LayerNorm")
        y = linear(ACTIVATION[c["hidden_act"]](linear(x, n + "intermediate.dense")), n + "output.dense")
        x = norm(x + y, n + "output.LayerNorm")
    return x * ~mask[..., None]


def head_logits(p, c, x):
    linear = lambda x, n: F.linear(x, p[n + ".weight"], p[n + ".bias"])
    norm = lambda x, n: F.layer_norm(x, (c["hidden_size"],), p[n + ".weight"], p[n + ".bias"], c["layer_norm_eps"])
    head, root = head_of(c), root_of(c)
    if head == "classify":
        if is_roberta(c):
            return linear(torch.tanh(linear(x[:, 0], "classifier.dense")), "classifier.out_proj")
        return linear(torch.tanh(linear(x[:, 0], "bert.pooler.dense")), "classifier")
    words = p[root + "embeddings.word_embeddings.weight"]
    if is_roberta(c):
        return F.linear(norm(F.gelu(linear(x, "lm_head.dense")), "lm_head.layer_norm"), words, p["lm_head.bias"])
    y = ACTIVATION[c["hidden_act"]](linear(x, "cls.predictions.transform.dense"))
    return F.linear(norm(y, "cls.predictions.transform.LayerNorm"), words, p["cls.predictions.bias"])


def save(path, tensors):
    kinds = {torch.float32: "F32", torch.int64: "I64"}
    header, data = {}, b""
    for name, t in sorted(tensors.items(), key=lambda kv: (kv[1].dtype != torch.int64, kv[0])):
        raw = t.detach().contiguous().numpy().tobytes()
        header[name] = dict(dtype=kinds[t.dtype], shape=list(t.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write(name, c, seed):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    p = start(c, seed)
    generator = torch.Generator().manual_seed(seed + 100)
    tokens = torch.randint(0, V, (len(LENGTHS), T), generator=generator)
    types = torch.randint(0, c["type_vocab_size"], tokens.shape, generator=generator)
    lengths = torch.tensor(LENGTHS)
    hidden = encoder(p, c, tokens, types, lengths)
    valid = (torch.arange(T)[None] < lengths[:, None])[..., None]
    weights = torch.randn(hidden.shape, generator=generator).float() * valid
    reference = dict(tokens=tokens, types=types, lengths=lengths, weights=weights, hidden=hidden.float())
    loss = (hidden * weights.double()).sum()
    if head_of(c):
        logits = head_logits(p, c, hidden)
        head_weights = torch.randn(logits.shape, generator=generator).float()
        if head_of(c) == "masked":
            logits, head_weights = logits * valid, head_weights * valid
        loss = loss + (logits * head_weights.double()).sum()
        reference.update(logits=logits.float(), head_weights=head_weights)
    loss.backward()
    (folder / "config.json").write_text(json.dumps(c, indent=1) + "\n")
    save(folder / "model.safetensors", {n: x.float() for n, x in p.items()})
    save(folder / "reference.safetensors", reference)
    save(folder / "gradients.safetensors", {n: x.grad.float() for n, x in p.items() if x.grad is not None})


torch.set_num_threads(1)
for i, (name, config) in enumerate(MODELS.items()):
    write(name, config, i + 1)
