#!/usr/bin/env python3
"""An independent reader of model folders: what Hugging Face's libraries expect of them, in Python's standard library.

    hf_layout.py WRITER      WRITER is the program of write_folders.c: it writes folders and the logits that Ingot computes

For every folder: config.json has the keys that the model class reads; model.safetensors follows the format (header
length, offsets without gaps or overlaps, metadata {"format": "pt"}); names, shapes and types are those of
GPT2LMHeadModel and LlamaForCausalLM; and the logits, computed here in plain Python from these two files, are Ingot's.
"""
import array
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile

TOLERANCE = 1e-4  # f32 against f64, logits of order 1


def check(condition, message):
    if not condition:
        sys.exit("hf_layout: " + message)


# ---- safetensors ----

def read_safetensors(path):
    blob = path.read_bytes()
    size, = struct.unpack("<Q", blob[:8])
    check(blob[8:9] == b"{", f"{path}: the header does not begin with a brace")
    header, data = json.loads(blob[8:8 + size]), blob[8 + size:]
    check(header.pop("__metadata__", {}).get("format") == "pt", f"{path}: metadata without format pt")
    at, tensors = 0, {}
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = t["data_offsets"]
        check(begin == at, f"{path}: {name} does not begin where the one before it ends")
        check(t["dtype"] == "F32", f"{path}: {name} is {t['dtype']}")
        check(end - begin == 4 * math.prod(t["shape"]), f"{path}: {name}: size and shape disagree")
        tensors[name] = (t["shape"], array.array("f", data[begin:end]))
        at = end
    check(at == len(data), f"{path}: {len(data) - at} bytes belong to no tensor")
    return tensors


# ---- names and shapes ----

def gpt2_layout(c):
    w, f = c["n_embd"], c.get("n_inner") or 4 * c["n_embd"]
    yield "transformer.wte.weight", [c["vocab_size"], w]
    yield "transformer.wpe.weight", [c["n_positions"], w]
    names = ["transformer.ln_f"]
    for i in range(c["n_layer"]):
        h = f"transformer.h.{i}."
        names += [h + "ln_1", h + "ln_2"]
        for name, shape in [("attn.c_attn", [w, 3 * w]), ("attn.c_proj", [w, w]), ("mlp.c_fc", [w, f]), ("mlp.c_proj", [f, w])]:
            yield f"{h}{name}.weight", shape
            yield f"{h}{name}.bias", shape[1:]
    for name in names:
        yield name + ".weight", [w]
        yield name + ".bias", [w]
    if not c.get("tie_word_embeddings", True):
        yield "lm_head.weight", [c["vocab_size"], w]


def llama_layout(c):
    w, f = c["hidden_size"], c["intermediate_size"]
    d = c.get("head_dim") or w // c["num_attention_heads"]
    q, kv = d * c["num_attention_heads"], d * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", [c["vocab_size"], w]
    yield "model.norm.weight", [w]
    for i in range(c["num_hidden_layers"]):
        n = f"model.layers.{i}."
        for name, size in [("q", q), ("k", kv), ("v", kv), ("o", w)]:
            if c.get("attention_bias") or (c["model_type"] == "qwen2" and name != "o"):
                yield f"{n}self_attn.{name}_proj.bias", [size]
        if c["model_type"] == "qwen3":
            yield n + "self_attn.q_norm.weight", [d]
            yield n + "self_attn.k_norm.weight", [d]
        yield n + "self_attn.q_proj.weight", [q, w]
        yield n + "self_attn.k_proj.weight", [kv, w]
        yield n + "self_attn.v_proj.weight", [kv, w]
        yield n + "self_attn.o_proj.weight", [w, q]
        yield n + "mlp.gate_proj.weight", [f, w]
        yield n + "mlp.up_proj.weight", [f, w]
        yield n + "mlp.down_proj.weight", [w, f]
        yield n + "input_layernorm.weight", [w]
        yield n + "post_attention_layernorm.weight", [w]
    if not c.get("tie_word_embeddings", False):
        yield "lm_head.weight", [c["vocab_size"], w]


# ---- the networks, one position after the other ----

def rows(tensor):
    (n, width), data = tensor
    return [data[i * width:(i + 1) * width] for i in range(n)]


def out_in(matrix, x):
    return [sum(w * v for w, v in zip(row, x)) for row in rows(matrix)]


def in_out(matrix, x):
    y = [0.0] * matrix[0][1]
    for v, row in zip(x, rows(matrix)):
        for j, w in enumerate(row):
            y[j] += v * w
    return y


def add(a, b):
    return [x + y for x, y in zip(a, b)]


def attend(q, keys, values, heads, groups):
    """q [H*D]; keys and values of all positions so far, [G*D] each"""
    d, out = len(q) // heads, []
    for h in range(heads):
        g = h // (heads // groups) * d
        scores = [sum(a * b for a, b in zip(q[h * d:h * d + d], k[g:g + d])) / math.sqrt(d) for k in keys]
        top = max(scores)
        weights = [math.exp(s - top) for s in scores]
        out += [sum(w * v[g + i] for w, v in zip(weights, values)) / sum(weights) for i in range(d)]
    return out


def gpt2_logits(c, t, tokens):
    def linear(x, name):
        return add(in_out(t[name + ".weight"], x), t[name + ".bias"][1])

    def norm(x, name):
        mean = sum(x) / len(x)
        scale = 1 / math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + c.get("layer_norm_epsilon", 1e-5))
        return [(v - mean) * scale * w + b for v, w, b in zip(x, t[name + ".weight"][1], t[name + ".bias"][1])]

    def gelu(v):
        return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3)))

    table, width, cache = rows(t["transformer.wte.weight"]), c["n_embd"], {}
    head = "lm_head" if "lm_head.weight" in t else "transformer.wte"
    for position, token in enumerate(tokens):
        x = add(table[token], rows(t["transformer.wpe.weight"])[position])
        for i in range(c["n_layer"]):
            n = f"transformer.h.{i}."
            qkv = linear(norm(x, n + "ln_1"), n + "attn.c_attn")
            keys, values = cache.setdefault(i, ([], []))
            keys.append(qkv[width:2 * width])
            values.append(qkv[2 * width:])
            x = add(x, linear(attend(qkv[:width], keys, values, c["n_head"], c["n_head"]), n + "attn.c_proj"))
            x = add(x, linear([gelu(v) for v in linear(norm(x, n + "ln_2"), n + "mlp.c_fc")], n + "mlp.c_proj"))
        yield out_in(t[head + ".weight"], norm(x, "transformer.ln_f"))


def llama_logits(c, t, tokens):
    heads, groups = c["num_attention_heads"], c["num_key_value_heads"]
    d = c.get("head_dim") or c["hidden_size"] // heads

    def linear(x, name):
        y = out_in(t[name + ".weight"], x)
        return add(y, t[name + ".bias"][1]) if name + ".bias" in t else y

    def norm(x, name):
        scale = 1 / math.sqrt(sum(v * v for v in x) / len(x) + c["rms_norm_eps"])
        return [v * scale * w for v, w in zip(x, t[name + ".weight"][1])]

    def head_norm(x, name):
        if name + ".weight" not in t:
            return x
        return [v for start in range(0, len(x), d) for v in norm(x[start:start + d], name)]

    def frequency(i):
        f, s = c["rope_theta"] ** (-2 * i / d), c.get("rope_scaling")
        if not s:
            return f
        if s["rope_type"] == "linear":
            return f / s["factor"]
        length, context = 2 * math.pi / f, s["original_max_position_embeddings"]  # llama3
        if length < context / s["high_freq_factor"]:
            return f
        if length > context / s["low_freq_factor"]:
            return f / s["factor"]
        smooth = (context / length - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
        return (1 - smooth) * f / s["factor"] + smooth * f

    def rotate(x, position):
        y = list(x)
        for start in range(0, len(x), d):
            for i in range(d // 2):
                angle = position * frequency(i)
                a, b = x[start + i], x[start + i + d // 2]
                y[start + i] = a * math.cos(angle) - b * math.sin(angle)
                y[start + i + d // 2] = b * math.cos(angle) + a * math.sin(angle)
        return y

    cache, head = {}, "lm_head" if "lm_head.weight" in t else "model.embed_tokens"
    for position, token in enumerate(tokens):
        x = list(rows(t["model.embed_tokens.weight"])[token])
        for i in range(c["num_hidden_layers"]):
            n = f"model.layers.{i}."
            y = norm(x, n + "input_layernorm")
            keys, values = cache.setdefault(i, ([], []))
            keys.append(rotate(head_norm(linear(y, n + "self_attn.k_proj"), n + "self_attn.k_norm"), position))
            values.append(linear(y, n + "self_attn.v_proj"))
            q = rotate(head_norm(linear(y, n + "self_attn.q_proj"), n + "self_attn.q_norm"), position)
            x = add(x, linear(attend(q, keys, values, heads, groups), n + "self_attn.o_proj"))
            y = norm(x, n + "post_attention_layernorm")
            gate = [v / (1 + math.exp(-v)) for v in linear(y, n + "mlp.gate_proj")]
            x = add(x, linear([a * b for a, b in zip(gate, linear(y, n + "mlp.up_proj"))], n + "mlp.down_proj"))
        yield linear(norm(x, "model.norm"), head)


# ---- one folder ----

CLASSES = {
    "gpt2": ("GPT2LMHeadModel", gpt2_layout, gpt2_logits,
             ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "attn_pdrop", "embd_pdrop", "resid_pdrop"]),
    "llama": ("LlamaForCausalLM", llama_layout, llama_logits,
              ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
               "num_key_value_heads", "max_position_embeddings", "rms_norm_eps"]),
}
for model_type, name in [("mistral", "Mistral"), ("qwen2", "Qwen2"), ("qwen3", "Qwen3")]:
    CLASSES[model_type] = (name + "ForCausalLM", *CLASSES["llama"][1:])


def check_folder(folder):
    config = json.loads((folder / "config.json").read_text())
    name, layout, logits_of, keys = CLASSES[config["model_type"]]
    check(config["architectures"] == [name], f"{folder}: architectures {config['architectures']}")
    check(config["torch_dtype"] == "float32", f"{folder}: torch_dtype {config['torch_dtype']}")
    check(all(key in config for key in keys), f"{folder}: config.json lacks one of {keys}")
    check(json.loads((folder / "card.json").read_text())["family"] == "gpt", f"{folder}: card.json")
    tensors = read_safetensors(folder / "model.safetensors")
    expected, found = dict(layout(config)), {k: shape for k, (shape, _) in tensors.items()}
    check(expected == found, f"{folder}: names or shapes differ: {[n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]}")
    case = json.loads((folder / "logits.json").read_text())
    worst = 0.0
    for ours, theirs in zip(logits_of(config, tensors, case["tokens"]), case["logits"], strict=True):
        worst = max(worst, max(abs(a - b) for a, b in zip(ours, theirs, strict=True)))
    check(worst <= TOLERANCE, f"{folder}: logits differ by {worst}")
    print(f"{folder.name}: {len(tensors)} tensors, logits within {worst:.1e}")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        subprocess.run([sys.argv[1], tmp], check=True)
        folders = sorted(p for p in pathlib.Path(tmp).iterdir())
        check(len(folders) == 9, f"{len(folders)} folders were written, 9 expected")
        for folder in folders:
            check_folder(folder)


if __name__ == "__main__":
    main()
