"""From an empty folder to a model that is trained, run, measured, shown, listed and removed."""
import json
import os
import shutil
import unittest

from program import Case, PROGRAM, on_terminal


class Model(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.dir / "home"
        first = cls.call("init", "home", "--json")
        assert first.code == 0 and first.json["created"], first.err
        trained = cls.call("train", "../tiny.yaml", cwd=cls.home)
        assert trained.code == 0, trained.err
        cls.trained = trained

    def test_init_makes_the_folders_once(self):
        for name in ("ingot.yaml", "models", "runs"):
            self.assertTrue((self.home / name).exists())
        (self.home / "ingot.yaml").write_text("ingot: 1  # mine\n")
        self.assertFalse(self.good("init", "home", "--json").json["created"])
        self.assertIn("# mine", (self.home / "ingot.yaml").read_text())

    def test_the_end_of_training_tells_where_everything_is(self):
        out = self.trained.out
        for name in ("models/tiny", "models/tiny/run/chart.svg", "models/tiny/run/log.jsonl"):
            self.assertIn(name, out)
            self.assertTrue((self.home / name).exists(), name)
        self.assertIn("validation loss", out)
        next_lines = [line.strip() for line in out.splitlines() if line.startswith("  " + PROGRAM)]
        self.assertEqual(len(next_lines), 2)
        for line in next_lines:  # they can be typed as they stand
            self.assertEqual(os.system(f"cd {self.home} && {line} >/dev/null 2>&1"), 0, line)

    def test_progress_goes_to_stderr(self):
        self.assertIn("training tiny for 8 steps", self.trained.err)
        self.assertIn("step 4/8", self.trained.err)
        self.assertIn("│ the ", self.trained.err)
        self.assertNotIn("\033", self.trained.err)

    def test_the_same_seed_gives_the_same_text(self):
        a = self.good("run", "tiny", "the ", "--seed", 3, "--max-tokens", 12, cwd=self.home)
        b = self.good("run", "tiny", "the ", "--seed", 3, "--max-tokens", 12, cwd=self.home)
        self.assertEqual(a.raw, b.raw)
        self.assertGreater(len(a.out), 1)
        texts = {self.good("run", "tiny", "the ", "--max-tokens", 12, "--temperature", 1.5, cwd=self.home).out for _ in range(4)}
        self.assertGreater(len(texts), 1)

    def test_a_pipe_is_the_prompt(self):
        a = self.good("run", "tiny", "夜来", "--greedy", "--max-tokens", 8, cwd=self.home)
        b = self.good("run", "tiny", "--greedy", "--max-tokens", 8, cwd=self.home, stdin="夜来\n")
        self.assertEqual(a.out, b.out)
        self.good("run", "tiny", "", "--greedy", "--max-tokens", 4, cwd=self.home)

    def test_run_as_json(self):
        r = self.good("run", "tiny", "春眠", "--json", "--max-tokens", 6, "--logprobs", 3, "--seed", 5, cwd=self.home).json
        self.assertEqual((r["completion_tokens"], r["prompt_tokens"], r["seed"]), (6, 2, 5))
        self.assertEqual(r["finish_reason"], "length")
        self.assertEqual(len(r["logprobs"]), 6)
        for place in r["logprobs"]:
            self.assertLessEqual(place["logprob"], 0)
            self.assertEqual(len(place["top"]), 3)
            self.assertGreaterEqual(place["top"][0]["logprob"], place["top"][2]["logprob"])
        self.assertEqual("".join(p["token"] for p in r["logprobs"]), r["text"])

    def test_stop_texts_end_the_text(self):
        r = self.good("run", "tiny", "the ", "--json", "--greedy", "--max-tokens", 20, cwd=self.home).json
        stop = r["text"][3]
        s = self.good("run", "tiny", "the ", "--json", "--greedy", "--max-tokens", 20, "--stop", stop, "--stop", "\x01", cwd=self.home).json
        self.assertEqual(s["finish_reason"], "stop")
        self.assertEqual(s["text"], r["text"].split(stop)[0])

    def test_a_grammar_is_kept_to(self):
        (self.home / "six.gbnf").write_text("root ::= [a-f ]{6}\n")
        r = self.good("run", "tiny", "the ", "--json", "--seed", 1, "--grammar", "six.gbnf", cwd=self.home).json
        self.assertRegex(r["text"], "^[a-f ]{6}$")
        self.assertEqual(r["finish_reason"], "stop")
        (self.home / "bad.gbnf").write_text("root ::= [a-f]\n\nx ::= x\n")
        self.bad(1, "run", "tiny", "the ", "--grammar", "bad.gbnf", cwd=self.home, says="bad.gbnf:3")

    def test_a_json_schema_is_kept_to(self):
        (self.home / "s.json").write_text('{"type": "string", "enum": ["the"]}')
        both = ("--grammar", "six.gbnf", "--json-schema", "s.json")
        self.bad(1, "run", "tiny", "the ", *both, cwd=self.home, says="do not go together")
        (self.home / "not.json").write_text('{"not": {}}')
        self.bad(1, "run", "tiny", "the ", "--json-schema", "not.json", cwd=self.home, says='"not" is not supported')

    def test_eval_measures(self):
        r = self.good("eval", "tiny", "--data", "../text.txt", "--json", cwd=self.home).json
        self.assertAlmostEqual(r["perplexity"], 2.718281828459045 ** r["loss"], delta=1e-6 * r["perplexity"])
        self.assertGreater(r["bits_per_byte"], 0)
        part = self.good("eval", "tiny", "--data", "../text.txt", "--last", 0.1, "--json", cwd=self.home).json
        self.assertLess(part["tokens"], r["tokens"] / 5)
        self.assertIn("perplexity", self.good("eval", "tiny", "--data", "../text.txt", cwd=self.home).out)
        self.bad(1, "eval", "tiny", "--data", "none.txt", says="none.txt", cwd=self.home)
        self.bad(1, "eval", "tiny", "--data", "models", cwd=self.home)

    def test_show_and_plans(self):
        r = self.good("show", "tiny", "--json", cwd=self.home).json
        self.assertEqual((r["family"], r["model_type"], r["context"], r["tokenizer"]), ("gpt", "gpt2", 32, "char"))
        self.assertGreater(r["parameters"], 10000)
        self.assertEqual(r["config"]["n_embd"], 32)
        self.assertIn("tiny", json.dumps(r["card"]))
        step = self.good("show", "tiny", "--plan", "--batch", 2, "--context", 16, "--json", cwd=self.home).json["plan"]
        forward = self.good("show", "tiny", "--forward", "--batch", 2, "--context", 16, "--json", cwd=self.home).json["plan"]
        self.assertGreater(step["flops"], 2 * forward["flops"])
        out = self.good("show", "tiny", "--plan", cwd=self.home).out
        self.assertIn("n_embd", out)
        self.assertIn("steps", out)
        self.bad(1, "show", "tiny", "--plan", "--context", 1000, says="32", cwd=self.home)

    def test_ls(self):
        rows = self.good("ls", "--json", cwd=self.home).json["models"]
        row = [r for r in rows if r["name"] == "tiny"][0]
        shown = self.good("show", "tiny", "--json", cwd=self.home).json
        self.assertEqual(row["parameters"], shown["parameters"])
        self.assertEqual(row["family"], "gpt")
        self.assertIsInstance(row["loss"], float)
        self.assertFalse(row["damaged"])
        self.assertIn("tiny", self.good("ls", cwd=self.home).out)
        self.assertIn("名称", self.good("ls", "--lang", "zh", cwd=self.home / "models").out)

    def test_the_nearest_name_is_suggested(self):
        self.bad(1, "run", "tiyn", "x", says='did you mean "tiny"?', cwd=self.home)
        self.bad(1, "show", "tin", says='did you mean "tiny"?', cwd=self.home)
        self.bad(1, "eval", "other", "--data", "../text.txt", says="ingot ls", cwd=self.home)

    def test_a_character_that_the_model_does_not_know(self):
        self.bad(1, "run", "tiny", "Ω", says="vocabulary", cwd=self.home)

    def copy(self, name):
        shutil.copytree(self.home / "models/tiny", self.home / "models" / name)
        return self.home / "models" / name

    def test_a_damaged_model_is_refused_and_listed(self):
        weights = self.copy("torn") / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        self.bad(1, "run", "torn", "x", says="model.safetensors", cwd=self.home)
        (self.copy("empty") / "model.safetensors").write_bytes(b"")
        self.bad(1, "show", "empty", says="model.safetensors", cwd=self.home)
        (self.copy("strange") / "config.json").write_text('{"model_type": "walrus"}')
        self.bad(1, "run", "strange", "x", says="walrus", cwd=self.home)
        rows = {r["name"]: r for r in self.good("ls", "--json", cwd=self.home).json["models"]}
        self.assertTrue(rows["empty"]["damaged"])
        self.assertTrue(rows["strange"]["damaged"])
        for name in ("torn", "empty", "strange"):
            self.good("rm", name, "--yes", cwd=self.home)
            self.assertFalse((self.home / "models" / name).exists())

    def test_rm_spares_what_is_no_model(self):
        self.bad(2, "rm", "tiny", says="--yes", cwd=self.home)
        self.bad(1, "rm", ".", "--yes", says="no model", cwd=self.home)
        self.bad(1, "rm", "models/", "--yes", says="no model", cwd=self.home)
        mixed = self.copy("mixed")
        (mixed / "thesis.txt").write_text("years of work")
        self.bad(1, "rm", "mixed", "--yes", says="thesis.txt", cwd=self.home)
        self.assertTrue((mixed / "thesis.txt").exists() and (mixed / "config.json").exists())
        (mixed / "thesis.txt").unlink()
        self.assertIn("mixed", self.good("rm", "mixed", "--yes", "--json", cwd=self.home).json["removed"])
        self.assertFalse(mixed.exists())

    def test_on_a_terminal_rm_asks(self):
        folder = self.copy("asked")
        env = self.environment(TERM="xterm")
        code, seen = on_terminal(["rm", "asked"], self.home, env, [("[y/N]", b"n\n")])
        self.assertEqual((code, folder.exists()), (1, True), seen)
        code, seen = on_terminal(["rm", "asked"], self.home, env, [("[y/N]", b"y\n")])
        self.assertEqual((code, folder.exists()), (0, False), seen)

    def test_on_a_terminal_run_takes_lines(self):
        env = self.environment(TERM="xterm")
        steps = [("> ", b"the fox\n"), ("tokens/s", b"\n"), ("tokens/s", b"\x04")]
        code, seen = on_terminal(["run", "tiny", "--max-tokens", 5], self.home, env, steps)
        self.assertEqual(code, 0, seen)
        self.assertEqual(seen.count("tokens/s"), 2, seen)

    def test_ctrl_c_ends_a_text(self):
        env = self.environment(TERM="xterm")
        code, seen = on_terminal(["run", "tiny", "the ", "--max-tokens", 100000000], self.home, env, [("\n", b"\x03")])
        self.assertEqual(code, 130, seen[-200:])


if __name__ == "__main__":
    unittest.main()
