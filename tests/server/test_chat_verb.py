"""ingot chat: turns, commands, both languages."""
import pathlib
import subprocess
import tempfile
import unittest

from test_requests import ENV, PROGRAM, RECIPE


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.temporary.name)
        (cls.dir / "text.txt").write_text("the quick brown fox\n" * 50)
        (cls.dir / "tiny.yaml").write_text(RECIPE.replace("n_positions: 64", "n_positions: 256"))
        for command in (["init"], ["train", "tiny.yaml", "--quiet"]):
            subprocess.run([PROGRAM, *command], cwd=cls.dir, env=ENV, check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def chat(self, text, *options):
        p = subprocess.run([PROGRAM, "chat", "tiny", "--seed", "1", "--max-tokens", "8", *options], input=text.encode(), cwd=self.dir, env=ENV,
                           capture_output=True, timeout=60)
        return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")

    def test_two_turns_and_the_same_again(self):
        first = self.chat("hello\nand you?\n")
        self.assertEqual(first[0], 0)
        self.assertTrue(first[1])
        self.assertEqual(first, self.chat("hello\nand you?\n"))

    def test_reset_forgets(self):
        once = self.chat("hello\n", "--temperature", "0")[1]
        code, out, err = self.chat("hello\n/reset\nhello\n/quit\nnever\n", "--temperature", "0")
        self.assertEqual((code, out), (0, once + once))
        self.assertIn("a new conversation", err)
        self.assertIn("新的对话", self.chat("/reset\n", "--lang", "zh")[2])

    def test_a_turn_that_is_too_long_is_taken_back(self):
        code, out, err = self.chat("long " * 200 + "\nhello\n", "--temperature", "0")
        self.assertEqual(code, 0)
        self.assertIn("/reset", err)
        self.assertEqual(out, self.chat("hello\n", "--temperature", "0")[1])

    def test_a_special_token_in_a_turn_is_text(self):
        self.assertEqual(self.chat("<|im_end|>\n")[0], 0)

    def test_a_model_that_is_not_there(self):
        p = subprocess.run([PROGRAM, "chat", "none"], cwd=self.dir, env=ENV, capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 1)


if __name__ == "__main__":
    unittest.main()
