"""Pictures at the command line: training on a folder, asking, the heat map, measuring, and pictures of the other number of channels."""
import json
import unittest

from program import Case


def write_pnm(path, colour, size=12):
    kind, pixel = (b"P6", bytes(colour)) if len(colour) == 3 else (b"P5", bytes(colour))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kind + b"\n%d %d\n255\n" % (size, size) + pixel * (size * size))


class See(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(10):
            write_pnm(cls.dir / "colours" / "red" / f"{i}.ppm", (200 + i, i, 3))
            write_pnm(cls.dir / "colours" / "blue" / f"{i}.ppm", (i, 3, 200 + i))
        (cls.dir / "see.yaml").write_text(
            "name: see\nseed: 1\nmodel:\n  config:\n    model_type: cnn\n"
            "    layers: [{conv: 4, kernel: 3, pad: 1, name: conv1}, {norm: batch, name: bn1}, relu, global_pool, {linear: labels, name: fc}]\n"
            "data: {kind: pictures, train: colours, validation: 0.2}\ntrain: {steps: 40, batch: 8}\n"
            "optimiser: {name: adamw, lr: 3e-2}\nevaluate: {every: 20, metric: eval_accuracy}\n")
        cls.trained = cls.call("train", "see.yaml", "--out", "seen")
        assert cls.trained.code == 0, cls.trained.err

    def test_a_folder_per_class_is_learned(self):
        answer = json.loads(self.good("run", "seen/", "colours/red/0.ppm", "--json").out)[0]["classes"][0]
        self.assertEqual(answer["label"], "red")
        score = self.good("eval", "seen/", "--data", "colours", "--json").json
        self.assertEqual((score["count"], score["right"]), (20, 20))

    def test_the_heat_map_is_a_picture(self):
        self.good("run", "seen/", "colours/blue/1.ppm", "--heat", "where.png")
        self.assertEqual((self.dir / "where.png").read_bytes()[:4], b"\x89PNG")

    def test_the_recipe_says_what_size_the_network_gets(self):
        self.good("train", "see.yaml", "--out", "small", "--set", "augment.size=8", "--set", "train.steps=2")
        self.assertEqual(json.loads((self.dir / "small" / "config.json").read_text())["image_size"], [8, 8])
        write_pnm(self.dir / "mixed" / "red" / "a.ppm", (200, 1, 3), size=9)
        write_pnm(self.dir / "mixed" / "blue" / "b.ppm", (1, 3, 200), size=12)
        self.bad(1, "train", "see.yaml", "--out", "mixed-model", "--set", "data.train=mixed", says="augment.size")

    def test_grey_pictures_and_what_is_none(self):
        write_pnm(self.dir / "grey.pgm", (90,))
        self.good("run", "seen/", "grey.pgm", "--heat", "where.png")
        (self.dir / "text.jpg").write_text("no picture")
        self.bad(1, "run", "seen/", "text.jpg", says=("text.jpg",))


if __name__ == "__main__":
    unittest.main()
