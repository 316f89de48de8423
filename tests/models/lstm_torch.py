#!/usr/bin/python3
"""Writes the reference for tests/models/test_lstm_torch.c: what torch.nn.LSTM and torch.nn.GRU make of small networks.

    /usr/bin/python3 tests/models/lstm_torch.py        (Debian 12: python3-torch 1.13.1, python3-numpy 1.24)

Computed in f64; the weights are rounded to f32 first, so that both sides start from the same numbers.  Every folder
tests/models/torch/NAME gets
    config.json, model.safetensors   the model
    reference.safetensors            tokens [B,T], lengths, the logits (zero in the padding) and the weights of a loss, the sum of the
                                     logits times `weights`.  A language model starts from the states first_0, first_1 … and leaves
                                     last_0, last_1 … behind: h (and c) of each layer in turn
    gradients.safetensors            of that loss
Padded texts go through pack_padded_sequence, which starts the reverse direction at each text's own end.
"""
import json
import pathlib
import struct

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = pathlib.Path(__file__).parent / "torch"
V, T, LENGTHS = 23, 7, [7, 3, 1, 5]
SMALL = dict(vocab_size=V, hidden_size=17, embedding_size=6, num_hidden_layers=2)
LABELS = {"0": "bad", "1": "fair", "2": "good"}
MODELS = {
    "lstm": dict(SMALL, model_type="lstm", architectures=["LstmForCausalLM"]),
    "lstm-tied": dict(SMALL, model_type="lstm", embedding_size=17, num_hidden_layers=1, tie_word_embeddings=True),
    "gru": dict(SMALL, model_type="gru", architectures=["GruForCausalLM"]),
    "lstm-classify": dict(SMALL, model_type="lstm", architectures=["LstmForSequenceClassification"], bidirectional=True, id2label=LABELS),
    "gru-tag": dict(SMALL, model_type="gru", architectures=["GruForTokenClassification"], bidirectional=True, id2label=LABELS),
}


class Network(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        cell = torch.nn.LSTM if c["model_type"] == "lstm" else torch.nn.GRU
        both = c.get("bidirectional", False)
        self.head = c.get("architectures", ["ForCausalLM"])[0].split("For")[1]
        self.encoder = torch.nn.Embedding(V, c["embedding_size"])
        self.rnn = cell(c["embedding_size"], c["hidden_size"], c["num_hidden_layers"], bidirectional=both)
        self.decoder = torch.nn.Linear(c["hidden_size"] * (2 if both else 1), len(c.get("id2label", {})) or V)
        if c.get("tie_word_embeddings"):
            self.decoder.weight = self.encoder.weight

    def forward(self, tokens, lengths, first):
        x = self.encoder(tokens.t())
        if self.head == "CausalLM":
            y, last = self.rnn(x, first)
            return self.decoder(y).transpose(0, 1), last
        y, last = self.rnn(pack_padded_sequence(x, lengths, enforce_sorted=False))
        if self.head == "SequenceClassification":
            h = last[0] if isinstance(last, tuple) else last
            return self.decoder(torch.cat((h[-2], h[-1]), 1)), last
        return self.decoder(pad_packed_sequence(y, total_length=T)[0]).transpose(0, 1), last


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


def parameters(net):
    return {n: p for n, p in net.named_parameters()}  # a tied decoder is the encoder, and named once


def write(name, c, seed):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    net = Network(c)
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(2)
    weights_f32 = {n: p.detach().clone() for n, p in parameters(net).items()}
    net = net.double()
    tokens, lengths = torch.randint(0, V, (len(LENGTHS), T)), torch.tensor(LENGTHS)
    layers, lstm = c["num_hidden_layers"], c["model_type"] == "lstm"
    h, cell = (torch.randn(layers, len(LENGTHS), c["hidden_size"]).float() for _ in range(2))
    first = (h.double(), cell.double()) if lstm else h.double()
    logits, last = net(tokens, lengths, first)
    weights = torch.randn(logits.shape).float()
    if net.head == "TokenClassification":
        weights = weights * (torch.arange(T)[None] < lengths[:, None])[..., None]
        logits = logits * (weights != 0)
    (logits * weights.double()).sum().backward()
    reference = dict(tokens=tokens, lengths=lengths, weights=weights, logits=logits.float())
    if net.head == "CausalLM":
        for i in range(layers):
            for k, (a, b) in enumerate(((h, last[0]), (cell, last[1])) if lstm else ((h, last),)):
                reference[f"first_{i * (2 if lstm else 1) + k}"] = a[i]
                reference[f"last_{i * (2 if lstm else 1) + k}"] = b[i].float()
    (folder / "config.json").write_text(json.dumps(c, indent=1) + "\n")
    save(folder / "model.safetensors", weights_f32)
    save(folder / "reference.safetensors", reference)
    save(folder / "gradients.safetensors", {n: p.grad.float() for n, p in parameters(net).items()})


torch.set_num_threads(1)
for i, (name, config) in enumerate(MODELS.items()):
    write(name, config, i + 1)
