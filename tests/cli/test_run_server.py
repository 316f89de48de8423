"""ingot run through the workspace's running server: the same text, found by serve.json, and nothing left behind."""
import http.server
import json
import os
import re
import signal
import stat
import subprocess
import threading
import unittest

import program


class Server:
    def __init__(self, case, *options):
        self.child = subprocess.Popen([program.PROGRAM, "serve", "--port", "0", *options], cwd=case.dir, env=case.environment(), stderr=subprocess.PIPE, text=True)
        self.log = []
        for line in self.child.stderr:
            self.log.append(line)
            if re.search(r":\d+/v1", line):
                break
        self.reader = threading.Thread(target=lambda: self.log.extend(self.child.stderr), daemon=True)
        self.reader.start()

    def end(self, how=signal.SIGTERM):
        self.child.send_signal(how)
        code = self.child.wait(120)
        self.reader.join(30)
        self.child.stderr.close()
        return code

    def answers(self):
        """Requests for a text, as far as the log was written: complete once the server has ended."""
        return sum('"/v1/completions"' in line and '"status":200' in line.replace(" ", "") for line in self.log)


class RunThroughTheServer(program.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for args in (("init",), ("train", "tiny.yaml", "--quiet"), ("key", "new", "--name", "x")):
            r = cls.call(*args)
            assert r.code == 0, r.err

    def file(self):
        return self.dir / "serve.json"

    def texts(self, *more):
        asks = (("the ",), ("the ", "--greedy"), ("", "--top-p", "0.9", "--temperature", "1.5"), ("春眠", "--min-p", "0.01", "--repetition-penalty", "1.2"),
                ("the ", "--stop", "o", "--top-k", "0"))
        return [self.good("run", "tiny", *a, "--seed", "7", "--max-tokens", "12", *more).out for a in asks]

    def test_the_server_writes_what_the_process_would_have_written(self):
        alone = self.texts()
        for options in ((), ("--no-key",)):
            s = Server(self, *options)
            told = json.loads(self.file().read_text())
            self.assertEqual(told["pid"], s.child.pid)
            self.assertEqual(stat.S_IMODE(self.file().stat().st_mode), 0o600)
            self.assertEqual(told["key"] is None, bool(options))
            self.assertEqual(self.texts(), alone)
            self.assertEqual(self.good("run", "tiny", "--seed", "7", "--greedy", "--max-tokens", "12", stdin="the \n").out, alone[1])
            self.assertEqual(self.texts("--no-server"), alone)
            for own in (("--json",), ("--logprobs", "2")):
                self.good("run", "tiny", "the ", "--max-tokens", "2", *own)
            self.assertEqual(s.end(), 0)
            self.assertEqual(s.answers(), len(alone) + 1)
            self.assertFalse(self.file().exists())
        keys = self.good("key", "ls", "--json").json["keys"]
        self.assertEqual([k["revoked_at"] is None for k in keys if k["name"].startswith("serve.json")], [False])

    def test_what_a_killed_server_leaves_counts_for_nothing(self):
        s = Server(self)
        s.end(signal.SIGKILL)
        self.assertTrue(self.file().exists())
        before = json.loads(self.file().read_text())
        self.good("run", "tiny", "the ", "--max-tokens", "2")
        s = Server(self)
        now = json.loads(self.file().read_text())
        self.assertNotEqual(before["key_id"], now["key_id"])
        keys = {k["id"]: k for k in self.good("key", "ls", "--json").json["keys"]}
        self.assertIsNotNone(keys[before["key_id"]]["revoked_at"])
        second = Server(self)  # leaves the first one's file alone
        self.assertEqual(json.loads(self.file().read_text()), now)
        self.assertEqual(second.end(), 0)
        self.assertEqual(json.loads(self.file().read_text()), now)
        self.assertEqual(s.end(), 0)

    def test_broken_files_and_answers_do_not_hinder(self):
        for text in ("", "{", "[]", '{"pid": "x", "url": 3}', json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1"}),
                     json.dumps({"pid": 1 << 40, "url": "http://127.0.0.1:1"})):
            self.file().write_text(text)
            self.good("run", "tiny", "the ", "--max-tokens", "2")
        self.file().unlink()

    def test_a_server_that_cannot_answer_is_replaced_and_one_that_breaks_off_is_told(self):
        alone = self.good("run", "tiny", "the ", "--greedy", "--max-tokens", "4").out

        class Bad(http.server.BaseHTTPRequestHandler):
            replies = [(429, b'{"error":{"message":"busy"}}'), (200, b'data: {"error":{"message":"it broke"}}\n\n'),
                       (200, b'data: {"choices":[{"text":"x"}]}\n\ndata: {"error":{"message":"it broke"}}\n\n')]

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status, body = self.replies.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        bad = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bad)
        threading.Thread(target=bad.serve_forever, daemon=True).start()
        serving = subprocess.Popen(["sh", "-c", "read line # serve"], stdin=subprocess.PIPE)
        try:
            self.file().write_text(json.dumps({"pid": serving.pid, "url": f"http://127.0.0.1:{bad.server_port}"}))
            for _ in range(2):
                self.assertEqual(self.good("run", "tiny", "the ", "--greedy", "--max-tokens", "4").out, alone)
            self.bad(1, "run", "tiny", "the ", "--greedy", says=("it broke", "--no-server"))
            self.assertEqual(Bad.replies, [])
        finally:
            serving.communicate(b"\n")
            bad.shutdown()
            bad.server_close()
            self.file().unlink()


if __name__ == "__main__":
    unittest.main()
