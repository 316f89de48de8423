"""Models in and out: import, quantize, export, and pull from a hub that stands on this machine."""
import hashlib
import http.server
import json
import threading
import unittest

from program import Case


class Hub(http.server.BaseHTTPRequestHandler):
    """The two routes of a hub: the list of a repository's files, and their bytes from any place on."""
    protocol_version = "HTTP/1.1"
    files = {}       # name: bytes
    lie = {}         # name: other bytes of the same length, sent instead
    gone = set()     # listed, and not there
    breaks = 0       # how many answers end in the middle
    token = None
    asked = []       # (path, Range)

    def log_message(self, *args):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        hub = type(self)
        hub.asked.append((self.path, self.headers.get("Range")))
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self.answer(401, b"{}")
        if self.path.startswith("/api/models/"):
            return self.list()
        name = self.path.split("/resolve/main/")[-1]
        if name not in hub.files or name in hub.gone:
            return self.answer(404, b"no such file")
        self.send_file(hub.lie.get(name, hub.files[name]))

    def list(self):
        hub = type(self)
        siblings = [{"rfilename": n, "size": len(b), **({"lfs": {"sha256": hashlib.sha256(b).hexdigest()}} if n.endswith(".safetensors") else {})}
                    for n, b in hub.files.items()]
        siblings += [{"rfilename": "../evil.json", "size": 1}, {"rfilename": "onnx/model.onnx", "size": 1}]
        self.answer(200, json.dumps({"siblings": siblings}).encode())

    def send_file(self, data):
        hub, start, whole = type(self), 0, len(data)
        wanted = self.headers.get("Range")
        if wanted:
            start = int(wanted[len("bytes="):].split("-")[0])
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(whole - start))
        self.end_headers()
        if hub.breaks and whole > 10000:
            hub.breaks -= 1
            self.wfile.write(data[start:start + (whole - start) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(data[start:])


class Import(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        assert cls.call("init", "home").code == 0
        cls.home = cls.dir / "home"
        trained = cls.call("train", "../tiny.yaml", cwd=cls.home)
        assert trained.code == 0, trained.err
        cls.model = cls.home / "models" / "tiny"
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        super().tearDownClass()

    def setUp(self):
        Hub.files = {p.name: p.read_bytes() for p in self.model.iterdir() if p.is_file()}
        Hub.lie, Hub.gone, Hub.breaks, Hub.token, Hub.asked = {}, set(), 0, None, []

    def hub(self, **more):
        return self.environment(HF_ENDPOINT=f"http://127.0.0.1:{self.server.server_port}", **more)

    def pull(self, name, *args, **more):
        return self.call("pull", "hf:team/tiny", name, "--yes", *args, cwd=self.home, env=self.hub(**more))

    def text(self, name):
        return self.good("run", name, "the ", "--greedy", "--max-tokens", 12, cwd=self.home).raw

    def test_a_folder_becomes_a_model_of_the_workspace(self):
        r = self.good("import", self.model, "copy", "--json", cwd=self.home).json
        self.assertEqual((r["format"], r["family"], r["type"]), ("folder", "gpt", "f32"))
        self.assertEqual(self.text("copy"), self.text("tiny"))
        self.bad(1, "import", self.model, "copy", cwd=self.home, says="--overwrite")
        self.good("import", self.model, "copy", "--overwrite", "--dtype", "bf16", cwd=self.home)
        self.bad(2, "import", self.model, "copy", "--dtype", "q4", cwd=self.home, says="--dtype")

    def test_quantize_tells_what_it_costs(self):
        r = self.good("quantize", "tiny", "small", "--to", "q8_0", "--data", "../text.txt", "--layers", "--json", cwd=self.home).json
        self.assertLess(r["bytes_after"], 0.5 * r["bytes_before"])
        self.assertAlmostEqual(r["perplexity_after"], r["perplexity_before"], delta=0.02 * r["perplexity_before"])
        self.assertEqual(len(r["layers"]), r["matrices"])
        self.good("run", "small", "the ", "--greedy", "--max-tokens", 4, cwd=self.home)
        self.bad(2, "quantize", "tiny", "x", "--to", "q3", cwd=self.home, says="--to")

    def test_export_as_a_folder_and_as_weights(self):
        self.good("export", "tiny", self.dir / "hf", "--to", "hf", "--type", "f32", cwd=self.home)
        self.assertEqual(self.text(self.dir / "hf"), self.text("tiny"))
        self.good("export", "tiny", self.dir / "w.safetensors", "--to", "safetensors", "--type", "f16", cwd=self.home)
        self.bad(1, "export", "tiny", self.dir / "w.safetensors", "--to", "safetensors", cwd=self.home, says="--overwrite")
        self.good("export", "tiny", self.dir / "m.onnx", "--to", "onnx", cwd=self.home)
        self.bad(2, "export", "tiny", self.dir / "n.onnx", "--to", "onnx", "--type", "bf16", cwd=self.home, says="f32 | f16")
        shown = json.loads(self.good("show", self.dir / "m.onnx", "--json", cwd=self.home).out)
        self.assertEqual(shown["opset"], 17)
        self.assertEqual([v["shape"] for v in shown["inputs"]], [["batch_size", "sequence_length"]])
        self.assertEqual(shown["outputs"][0]["name"], "logits")
        self.assertIn("Softmax", self.good("show", self.dir / "m.onnx", "--plan", cwd=self.home).out)
        self.bad(1, "show", self.dir / "w.safetensors.onnx", cwd=self.home)
        (self.dir / "evil.onnx").write_bytes(b"\x08\x08\x12\x05a\x1b[1m\x3a\x00")
        self.assertIn("a?[1m", self.good("show", self.dir / "evil.onnx", cwd=self.home).out)
        self.bad(1, "export", "tiny", self.dir / "w.gguf", "--to", "gguf", cwd=self.home, says="one token per character")

    def test_pull_fetches_checks_and_imports(self):
        r = self.pull("pulled", "--json")
        self.assertEqual(r.code, 0, r.err)
        self.assertEqual(self.text("pulled"), self.text("tiny"))
        self.assertIn("model.safetensors", r.err)
        self.assertFalse((self.home / "models" / ".ingot-pull-pulled").exists())
        self.assertFalse(any("evil" in path or "onnx" in path for path, _ in Hub.asked))

    def test_nothing_is_fetched_without_an_answer(self):
        r = self.call("pull", "hf:team/tiny", "asked", cwd=self.home, env=self.hub())
        self.assertEqual(r.code, 2, r.err)
        self.assertFalse(any("/resolve/" in path for path, _ in Hub.asked))

    def test_a_broken_connection_is_taken_up_where_it_broke(self):
        Hub.breaks = 2
        r = self.pull("broken")
        self.assertEqual(r.code, 0, r.err)
        self.assertTrue(any(wanted for path, wanted in Hub.asked if path.endswith("model.safetensors")))
        self.assertEqual(self.text("broken"), self.text("tiny"))

    def test_a_wrong_checksum_is_refused(self):
        data = bytearray(Hub.files["model.safetensors"])
        data[-1] ^= 1
        Hub.lie = {"model.safetensors": bytes(data)}
        r = self.pull("lie")
        self.assertEqual(r.code, 1)
        self.assertIn("checksum", r.err)
        self.assertFalse((self.home / "models" / "lie").exists())
        Hub.lie = {}
        self.assertEqual(self.pull("lie").code, 0)

    def test_missing_files_and_closed_doors_are_named(self):
        Hub.gone = {"config.json"}
        r = self.pull("gone")
        self.assertEqual(r.code, 1)
        self.assertIn("config.json is missing in team/tiny", r.err)
        Hub.gone, Hub.token = set(), "secret-token"
        r = self.pull("closed")
        self.assertEqual(r.code, 1)
        self.assertIn("set HF_TOKEN", r.err)
        r = self.pull("closed", HF_TOKEN="wrong-token")
        self.assertEqual(r.code, 1)
        self.assertNotIn("wrong-token", r.out + r.err)
        self.assertEqual(self.pull("closed", HF_TOKEN="secret-token").code, 0)
        self.bad(1, "pull", "tiny", cwd=self.home, says="hf:OWNER/NAME")


if __name__ == "__main__":
    unittest.main()
