"""From a table to probabilities: train, ask for a row, measure; and what is refused."""
import json
import pathlib
import subprocess
import unittest

from program import Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = {"plan": "free", "industry": "retail", "source": "ads", "country": "US", "seats": 2, "days_active": 3, "tickets": 4}


class Predict(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = str(cls.dir / "trials")
        cls.data = ROOT / "recipes/data/trials.csv"
        cls.trained = cls.call("train", ROOT / "recipes/deepfm-trials.yaml", "--out", cls.model)
        assert cls.trained.code == 0, cls.trained.err

    def test_training_ends_with_figures_and_commands_that_work(self):
        self.assertIn("auc", self.trained.out)
        self.assertIn("COLUMN", self.trained.out)
        self.assertNotIn("--last", self.trained.out)
        for name in ("config.json", "model.safetensors", "preparation.json", "card.json"):
            self.assertTrue((pathlib.Path(self.model) / name).exists(), name)

    def test_a_row_gets_a_probability(self):
        early, late = (json.dumps(dict(ROW, days_active=d, plan=p)) for d, p in ((3, "free"), (29, "business")))
        r = self.good("run", self.model, early, late, "--json").json
        self.assertEqual([a["label"] for a in r], ["yes", "yes"])
        self.assertGreater(r[0]["probability"], r[1]["probability"])
        self.assertRegex(self.good("run", self.model, early).out, r"^ *\d+\.\d\d %  yes\n$")
        self.assertEqual(len(self.good("run", self.model, json.dumps(dict(ROW, days_active=None)), "--json").json), 1)

    def test_a_row_that_cannot_be_read_is_refused(self):
        self.bad(2, "run", self.model, says="row")
        self.bad(1, "run", self.model, "{", says="row 1")
        self.bad(1, "run", self.model, json.dumps(dict(ROW, seats="many")), says="seats")
        self.bad(1, "run", self.model, json.dumps({"plan": "free"}), says="industry")

    def test_a_table_is_measured_with_intervals(self):
        r = self.good("eval", self.model, "--data", self.data, "--json").json
        self.assertEqual(r["rows"], 600)
        self.assertGreater(r["auc"]["value"], 0.75)
        self.assertLess(r["auc"]["low"], r["auc"]["value"])
        self.assertGreater(r["auc"]["high"], r["auc"]["value"])
        self.assertLess(r["log_loss"]["value"], 0.69)
        self.assertIn("AUC", self.good("eval", self.model, "--data", self.data).out)
        self.assertIn("准确率", self.good("eval", self.model, "--data", self.data, "--lang", "zh").out)

    def test_a_table_without_the_label_is_refused(self):
        other = self.dir / "other.csv"
        other.write_text("\n".join(line.rsplit(",", 1)[0] for line in self.data.read_text().splitlines()))
        self.bad(1, "eval", self.model, "--data", other, says="left")


class PublishedTables(Case):
    """Both are read from ../shared/data: docs/models/deepfm.md has the figures of longer runs."""

    def folder(self, name):
        r = subprocess.run(["sh", ROOT / "tools/unpack_data.sh", name], capture_output=True, text=True)
        if r.returncode == 77:
            print(r.stdout.strip())
            self.skipTest(r.stdout.strip())
        self.assertEqual(r.returncode, 0, r.stderr)
        return pathlib.Path(r.stdout.strip())

    def measure(self, name, train, test, *settings):
        self.good("train", ROOT / f"recipes/deepfm-{name}.yaml", "--out", name, "--overwrite", "--set", f"data.train={train}", *settings)
        return self.good("eval", name, "--data", test, "--json").json

    def test_adult(self):
        data = self.folder("adult")
        r = self.measure("adult", data / "adult-train.csv", data / "adult-test.csv", "--set", "train.epochs=2")
        self.assertEqual(r["rows"], 16281)
        self.assertGreater(r["auc"]["value"], 0.895)
        self.assertGreater(r["accuracy"], 0.84)  # the larger class alone: 0.764

    def test_frappe(self):
        data = self.folder("frappe")
        r = self.measure("frappe", data / "frappe.validation.libfm", data / "frappe.test.libfm", "--set", "train.epochs=2")
        self.assertEqual(r["rows"], 28860)
        self.assertGreater(r["auc"]["value"], 0.91)


if __name__ == "__main__":
    unittest.main()
