"""From a table of orders to recommendations: train, stop, go on, recommend, measure."""
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from program import Case, PROGRAM

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Recommend(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recipe = str(ROOT / "recipes" / "als-cafe.yaml")
        cls.model = str(cls.dir / "cafe")
        cls.trained = cls.call("train", cls.recipe, "--out", cls.model, "--json")
        assert cls.trained.code == 0, cls.trained.err

    def test_training_tells_what_it_learned_from_and_how_well(self):
        r = self.trained.json
        self.assertEqual((r["users"], r["items"], r["interactions"], r["rows_left_out"]), (54, 24, 427, 0))
        self.assertGreater(r["recall_at_k"], 0.4)  # five of 24 drawn at random would find 0.3 of what is left
        for name in ("config.json", "model.safetensors", "interactions.safetensors", "card.json", "run/log.jsonl", "run/recipe.json"):
            self.assertTrue(os.path.exists(f"{self.model}/{name}"), name)
        self.assertFalse(os.path.exists(f"{self.model}/run/fit.safetensors"))
        self.assertEqual(len(open(f"{self.model}/run/log.jsonl").readlines()), 20)

    def test_items_for_a_user(self):
        r = self.good("recommend", self.model, "--user", "ana", "--n", 5, "--explain", "--json").json["items"]
        had = {line.split(",")[1] for line in open(ROOT / "recipes/data/cafe.csv") if line.startswith("ana,")}
        self.assertEqual(len(r), 5)
        self.assertFalse(had & {x["id"] for x in r})
        self.assertTrue(all(b["item"] in had for x in r for b in x["because"]))
        self.assertEqual([x["score"] for x in r], sorted((x["score"] for x in r), reverse=True))
        self.assertIn("because of", self.good("recommend", self.model, "--user", "ana", "--explain").out)

    def test_somebody_new_and_neighbours(self):
        tea = self.good("recommend", self.model, "--history", "earl-grey,jasmine-tea=3", "--n", 3, "--json").json["items"]
        self.assertTrue({x["id"] for x in tea} & {"green-tea", "oolong", "chai"})
        like = self.good("recommend", self.model, "--similar-to", "soup", "--n", 3, "--json").json["items"]
        self.assertTrue({x["id"] for x in like} & {"quiche", "sandwich", "salad"})
        self.assertEqual(len(self.good("recommend", self.model, "--users-for", "soup", "--n", 3, "--json").json["users"]), 3)

    def test_measuring_gives_the_figures_of_training(self):
        r = self.good("eval", self.model, "--data", ROOT / "recipes/data/cafe-later.csv", "--user-column", "guest", "--item-column", "dish",
                      "--value-column", "portions", "--k", 5, "--json").json
        self.assertEqual(r["ndcg_at_k"], self.trained.json["ndcg_at_k"])

    def test_what_is_wrong_is_told(self):
        self.bad(1, "recommend", self.model, "--user", "nobody", says='knows no user "nobody"')
        self.bad(1, "recommend", self.model, "--history", "tea", says='knows no item "tea"')
        self.bad(2, "recommend", self.model, says="give one of")
        self.bad(2, "recommend", self.model, "--user", "ana", "--similar-to", "soup", says="give one of")
        self.bad(1, "train", self.recipe, "--out", self.model, says="--overwrite")
        self.bad(1, "train", self.recipe, "--out", self.dir / "x", "--set", "model.config.ranc=3", says="rank")
        self.bad(1, "train", self.recipe, "--out", self.dir / "x", "--set", "data.user=who", says='no column "who"')

    def test_a_stopped_fit_goes_on(self):
        out = self.dir / "stopped"
        long = ["train", self.recipe, "--out", str(out), "--set", "model.config.sweeps=3000", "--set", "data.validation=data/cafe-later.csv"]
        p = subprocess.Popen([PROGRAM, *long], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        while not (out / "run" / "log.jsonl").exists() or not (out / "run" / "log.jsonl").stat().st_size:
            time.sleep(0.02)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        self.assertTrue((out / "run" / "fit.safetensors").exists())
        self.assertFalse((out / "config.json").exists())
        self.bad(1, *long, says="--resume")
        self.good(*long, "--resume")
        self.assertTrue((out / "config.json").exists())
        lines = [json.loads(line)["sweep"] for line in open(out / "run" / "log.jsonl")]
        self.assertEqual(lines, list(range(1, 3001)))


if __name__ == "__main__":
    unittest.main()
