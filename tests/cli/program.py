"""Running the real program in a temporary folder: what the tests of the verbs share."""
import json
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else "build/ingot"

VERBS = ["init", "new", "add", "ask", "explain", "feedback", "improve", "compare", "promote", "rollback", "share", "report", "withdraw",
         "set", "gc", "console", "data check", "train", "merge", "run", "chat", "serve", "embed", "classify", "tag", "eval", "recommend", "show", "pull", "import", "quantize", "export",
         "ls", "rm", "tokenizer train", "tokenizer encode", "tokenizer decode", "key new", "key ls", "key revoke", "backup", "restore"]

TEXT = ("the quick brown fox jumps over the lazy dog\n"
        "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。\n") * 60

RECIPE = """\
name: tiny
seed: 1
model:
  config: {model_type: gpt2, n_embd: 32, n_layer: 1, n_head: 2, n_positions: 32}
tokenizer: {kind: char}
data: {train: text.txt, validation: 0.1}
train: {steps: 8, batch: 2, context: 16, precision: f32}
optimiser: {name: adamw, lr: 1e-2}
evaluate: {every: 4, sample: {prompt: "the ", tokens: 8}}
"""


class Result:
    def __init__(self, p):
        self.code = p.returncode
        self.raw = p.stdout
        self.out = p.stdout.decode("utf-8", "replace")
        self.err = p.stderr.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.out)


class Case(unittest.TestCase):
    """Each test class has a folder of its own, with text.txt and tiny.yaml in it."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.temporary.name).resolve()
        (cls.dir / "text.txt").write_text(TEXT, encoding="utf-8")
        (cls.dir / "tiny.yaml").write_text(RECIPE, encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def environment(cls, **more):
        keep = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "LANG"}
        return {**keep, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "2", **more}

    @classmethod
    def call(cls, *args, stdin=b"", cwd=None, env=None):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return Result(subprocess.run([PROGRAM, *map(str, args)], input=stdin, capture_output=True, cwd=cwd or cls.dir,
                                     env=env or cls.environment(), timeout=300))

    def good(self, *args, **more):
        r = self.call(*args, **more)
        self.assertEqual(r.code, 0, f"{args}: {r.err}")
        return r

    def bad(self, code, *args, says=(), **more):
        """It must fail with this exit code, and every text of `says` must be in the message."""
        r = self.call(*args, **more)
        self.assertEqual(r.code, code, f"{args}: {r.out} {r.err}")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, r.err)
        return r


def on_terminal(args, cwd, env, steps, timeout=120):
    """Run on a terminal of its own.  steps: (wait for this text, then write these bytes); returns (exit code, all text)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(PROGRAM, [PROGRAM, *map(str, args)], env)
    seen, at, end = b"", 0, time.monotonic() + timeout
    while time.monotonic() < end:
        if steps and steps[0][0].encode() in seen[at:]:
            at = len(seen)
            os.write(fd, steps.pop(0)[1])
        if not select.select([fd], [], [], 0.05)[0]:
            continue
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return os.waitstatus_to_exitcode(status), seen.decode("utf-8", "replace")
