"""ingot train: overrides, checks, stopping with Ctrl-C and going on."""
import json
import shlex
import signal
import subprocess
import time
import unittest

from program import Case, PROGRAM, on_terminal

LONG = ["--set", "train.steps=100000", "--set", "evaluate.every=100000"]


class Train(Case):
    def test_outside_of_a_workspace_the_model_goes_to_runs(self):
        r = self.good("train", "tiny.yaml", "--json").json
        self.assertEqual(r["model"], "runs/tiny")
        self.assertEqual(r["steps"], 8)
        self.assertFalse(r["interrupted"])
        self.assertTrue((self.dir / "runs/tiny/model.safetensors").exists())
        self.good("run", "runs/tiny", "the ", "--max-tokens", 4)
        self.assertEqual(self.good("ls", "--json").json["models"][0]["name"], "tiny")

    def test_an_earlier_run_is_kept_unless_told_otherwise(self):
        self.good("train", "tiny.yaml", "--out", "kept")
        self.bad(1, "train", "tiny.yaml", "--out", "kept", says=["--resume", "--overwrite"])
        self.good("train", "tiny.yaml", "--out", "kept", "--overwrite")

    def test_set_changes_the_recipe(self):
        r = self.good("train", "tiny.yaml", "--out", "set", "--set", "train.steps=3", "--set=optimiser.lr=0.001", "--json").json
        self.assertEqual(r["steps"], 3)
        self.assertEqual(json.loads((self.dir / "set/run/recipe.json").read_text())["train"]["steps"], 3)
        self.bad(1, "train", "tiny.yaml", "--set", "train.stepz=3", says="steps")
        self.bad(1, "train", "tiny.yaml", "--set", "train.steps=-1", says="steps")

    def test_the_seed_decides(self):
        weights = []
        for i, seed in enumerate([5, 5, 6]):
            self.good("train", "tiny.yaml", "--out", f"seed{i}", "--seed", seed)
            weights.append((self.dir / f"seed{i}/model.safetensors").read_bytes())
        self.assertEqual(weights[0], weights[1])
        self.assertNotEqual(weights[0], weights[2])

    def test_check_tells_and_writes_nothing(self):
        r = self.good("train", "tiny.yaml", "--check", "--out", "checked", "--json").json
        self.assertEqual(r["steps"], 8)
        self.assertEqual(r["tokens_per_step"], 32)
        self.assertGreater(r["memory_bytes"], 0)
        self.assertIn("parameters", self.good("train", "tiny.yaml", "--check", "--out", "checked").out)
        self.assertIn("个参数", self.good("train", "tiny.yaml", "--check", "--lang", "zh", "--out", "checked").out)
        self.assertFalse((self.dir / "checked").exists())

    def test_wrong_recipes_name_file_line_and_key(self):
        (self.dir / "wrong.yaml").write_text((self.dir / "tiny.yaml").read_text().replace("batch:", "bach:"))
        self.bad(1, "train", "wrong.yaml", says=["wrong.yaml:7", "bach", "batch"])
        (self.dir / "nodata.yaml").write_text((self.dir / "tiny.yaml").read_text().replace("text.txt", "gone.txt"))
        self.bad(1, "train", "nodata.yaml", "--out", "nodata", says="gone.txt")

    def start_and_interrupt(self, *args):
        p = subprocess.Popen([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir, env=self.environment(), text=True)
        seen = []
        for line in p.stderr:
            seen.append(line)
            if "training tiny" in line:
                time.sleep(0.3)
                p.send_signal(signal.SIGINT)
                break
        out, err = p.communicate(timeout=120)
        return p.returncode, out, "".join(seen) + err

    def test_ctrl_c_saves_and_the_printed_command_goes_on(self):
        code, _, err = self.start_and_interrupt("train", "tiny.yaml", "--out", "stopped run", *LONG, "--seed", "9")
        self.assertEqual(code, 130, err)
        command = [line.strip() for line in err.splitlines() if line.strip().endswith("--resume")][-1]
        self.assertIn("--seed 9", command)
        self.assertTrue(list((self.dir / "stopped run/run/checkpoints").iterdir()))
        r = subprocess.Popen(shlex.split(command), stderr=subprocess.PIPE, cwd=self.dir, env=self.environment(), text=True)
        first = r.stderr.readline()
        r.send_signal(signal.SIGINT)
        rest = r.communicate(timeout=120)[1]
        self.assertRegex(first, r"going on with tiny at step [1-9]")
        self.assertEqual(r.returncode, 130, rest)

    def test_a_stopped_run_ends_with_the_same_bits(self):
        steps = ["--set", "train.steps=3000", "--set", "evaluate.every=3000"]
        self.good("train", "tiny.yaml", "--out", "whole", *steps)
        code, out, err = self.start_and_interrupt("train", "tiny.yaml", "--out", "parts", *steps, "--json")
        if code == 130:  # else it was faster than the signal
            self.assertTrue(json.loads(out)["interrupted"])
            self.good(*shlex.split(json.loads(out)["resume"])[1:])
        self.assertEqual((self.dir / "whole/model.safetensors").read_bytes(), (self.dir / "parts/model.safetensors").read_bytes(), err)

    def test_on_a_terminal_one_line_is_rewritten(self):
        env = self.environment(TERM="xterm")
        code, seen = on_terminal(["train", "tiny.yaml", "--out", "terminal", "--set", "train.steps=400", "--lang", "zh"], self.dir, env, [])
        self.assertEqual(code, 0, seen)
        self.assertIn("\r\033[K", seen)
        self.assertIn("已训练 tiny", seen)

    def test_quiet_is_quiet(self):
        r = self.good("train", "tiny.yaml", "--out", "quiet", "--quiet")
        self.assertEqual(r.err, "")


if __name__ == "__main__":
    unittest.main()
