"""A server that is treated badly: idle and slow clients, overload, clients that vanish, broken and huge bodies, kill -9, SIGTERM,
TLS, models that come and go.

    test_abuse.py [PROGRAM] [unittest options]       INGOT_ABUSE=10 does everything ten times as hard (tests/long/abuse_server.sh)

Nothing here asserts a time: what must come about is waited for, and what must not happen is shown by an order of events.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else "build/ingot"
HARD = int(os.environ.get("INGOT_ABUSE", "1"))
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "LANG": "C"}
PLACES = 48  # requests that use a model at the same time (HEAVY_MAX in src/server/server.c)
RECIPE = """\
name: %s
model:
  config: {model_type: gpt2, n_embd: 16, n_layer: 1, n_head: 2, n_positions: %d}
tokenizer: {kind: bpe, vocab_size: 260}
data: {train: text.txt, validation: 0.1}
train: {steps: 2, batch: 2, context: 16, precision: f32}
optimiser: {name: adamw, lr: 1e-2}
evaluate: {every: 2}
"""
ALWAYS_A = {"logit_bias": {"65": 100}, "temperature": 0}  # never an end
WITHOUT_END = {"model": "long", "prompt": "a", "max_tokens": 60000, "stream": True, **ALWAYS_A}
SHORT = {"model": "long", "prompt": "a", "max_tokens": 4, **ALWAYS_A}


def until(what, holds, patience=240):
    """Wait for what must come about; the patience is for machines that are busy."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = holds()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("waited in vain for " + what)


class Server:
    def __init__(self, folder, *options, tls=None):
        self.log, self.tls, self.key = [], tls, None
        self.child = subprocess.Popen([PROGRAM, "serve", "--port", "0", *options], cwd=folder, env=ENV, stderr=subprocess.PIPE, text=True)
        for line in self.child.stderr:
            self.log.append(line)
            found = re.search(r":(\d+)/v1", line)
            if found:
                break
        else:
            raise AssertionError("".join(self.log))
        self.port = int(found[1])
        self.reader = threading.Thread(target=lambda: self.log.extend(self.child.stderr), daemon=True)
        self.reader.start()

    def end(self, how=signal.SIGTERM):
        self.child.send_signal(how)
        code = self.child.wait(120)
        self.reader.join(30)
        self.child.stderr.close()
        return code

    def socket(self, small=False):
        s = socket.socket()
        if small:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(120)
        s.connect(("127.0.0.1", self.port))
        return s

    def ask(self, method, path, body=None, headers={}, key=None):
        """(status, headers, JSON or text)."""
        if self.tls:
            c = http.client.HTTPSConnection("localhost", self.port, timeout=120, context=self.tls)
        else:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        raw = json.dumps(body).encode() if isinstance(body, dict) else body
        key = key or self.key
        c.request(method, path, raw, {"Content-Type": "application/json", **({"Authorization": "Bearer " + key} if key else {}), **headers})
        r = c.getresponse()
        data = r.read()
        c.close()
        try:
            return r.status, r.headers, json.loads(data)
        except ValueError:
            return r.status, r.headers, data.decode()

    def post(self, path, body, **more):
        return self.ask("POST", path, body, **more)

    def begin(self, path, body):
        """A request whose answer nobody reads yet."""
        s, raw = self.socket(small=True), json.dumps(body).encode()
        s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(raw), raw))
        return s

    def metric(self, name):
        text = self.ask("GET", "/metrics")[2]
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def make_workspace(folder):
    (folder / "text.txt").write_text("the quick brown fox\n" * 50)
    subprocess.run([PROGRAM, "init"], cwd=folder, env=ENV, check=True, capture_output=True)
    for name, context in (("long", 65536), ("tiny", 64)):
        (folder / f"{name}.yaml").write_text(RECIPE % (name, context))
        subprocess.run([PROGRAM, "train", f"{name}.yaml", "--quiet"], cwd=folder, env=ENV, check=True, capture_output=True)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        make_workspace(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()


class Clients(Case):
    """One server, without keys, for all of them; it must end well."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls.folder, "--no-key")

    @classmethod
    def tearDownClass(cls):
        code = cls.server.end()
        super().tearDownClass()
        assert code == 0, (code, cls.server.log[-20:])

    def works(self):
        return self.server.post("/v1/completions", SHORT)[0] == 200

    def test_idle_and_slow_connections_keep_nobody_out(self):
        s, open_ones = self.server, []
        try:
            for _ in range(200 * min(HARD, 2)):
                open_ones.append(s.socket())
            slow = [s.socket() for _ in range(50 * min(HARD, 4))]
            open_ones += slow
            for byte in b"POST /v1/comp":
                for one in slow:
                    one.sendall(bytes([byte]))
                self.assertTrue(self.works())
        finally:
            for one in open_ones:
                one.close()
        self.assertTrue(self.works())

    def fill(self, open_ones):
        """All places taken by streams that nobody reads, and the refusal of one more; None when the first streams were cut, as
        they are after 30 s, before the last had begun: then again."""
        while open_ones:
            open_ones.pop().close()
        with contextlib.suppress(ConnectionError):
            for _ in range(PLACES):
                open_ones.append(self.server.begin("/v1/completions", WITHOUT_END))
        for _ in range(20):
            answer = self.server.post("/v1/completions", SHORT)
            if answer[0] == 429:
                return answer
        return None

    def test_overload_is_refused_with_a_time_and_takes_no_memory(self):
        s, sizes = self.server, []
        self.assertTrue(self.works())
        for _ in range(1 + HARD):
            open_ones = []
            try:
                first = until("a refusal", lambda: self.fill(open_ones))
                answers = [first] + [s.post("/v1/completions", SHORT) for _ in range(9 * PLACES)]
                self.assertLessEqual({a[0] for a in answers}, {200, 429})
                answers = [a for a in answers if a[0] == 429]
                for _, headers, body in answers:
                    self.assertGreaterEqual(int(headers["Retry-After"]), 1)
                    self.assertEqual((body["error"]["type"], body["error"]["code"]), ("rate_limit_error", "rate_limit_exceeded"))
                self.assertEqual(s.ask("GET", "/v1/models")[0], 200)
            finally:
                for one in open_ones:
                    one.close()
            until("a free place", self.works)
            sizes.append(s.metric("ingot_memory_bytes"))
        self.assertLess(sizes[-1], sizes[0] + (64 << 20), sizes)

    def test_what_nobody_reads_any_more_is_not_written(self):
        s = self.server
        until("a free place", self.works)
        gone, tokens = s.metric('ingot_requests_total{method="POST",route="/v1/completions",status="4xx"}'), s.metric("ingot_completion_tokens_total")
        count = 8 * HARD
        for i in range(count):
            one = s.begin("/v1/completions", WITHOUT_END)
            self.assertIn(b"200", one.recv(64))
            if i % 2:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an orderly end
            one.close()
        until("the end of all", lambda: s.metric('ingot_requests_total{method="POST",route="/v1/completions",status="4xx"}') >= gone + count)
        self.assertLess(s.metric("ingot_completion_tokens_total") - tokens, count * 60000)
        self.assertTrue(self.works())

    def test_broken_bodies(self):
        s = self.server
        for body in (b'{"model": "\xff\xfe"}', b"\xc0\x80", b"\xed\xa0\x80", b'{"model":"\\ud800"}', b"[" * 1000 + b"]" * 1000,
                     b'{"a":' * 1000 + b"1" + b"}" * 1000, b"[" * 100000, b"\0" * 100):
            for path in ("/v1/completions", "/v1/chat/completions", "/v1/fine_tuning/jobs", "/tokenize"):
                status, _, answer = s.post(path, body)
                self.assertEqual((status, answer["error"]["code"]), (400, "invalid_json"), (body[:20], path))

    def test_bodies_that_are_too_large(self):
        s = self.server
        status, _, answer = s.post("/v1/completions", b"x" * (100 << 20))
        self.assertEqual((status, answer["error"]["code"]), (413, "body_too_large"))
        status, _, answer = s.post("/v1/nothing", b"x" * (1 << 20))
        self.assertEqual((status, answer["error"]["code"]), (404, "unknown_url"))
        self.assertTrue(self.works())

    def test_a_bias_that_leaves_nothing_is_the_clients_fault(self):
        s = self.server
        pieces = s.post("/detokenize", {"model": "long", "tokens": [65]})[2]["content"]
        self.assertEqual(len(pieces.encode()), 1)
        words = [s.post("/detokenize", {"model": "long", "tokens": [i]})[2]["content"] for i in range(260)]
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": {"enum": ["xyb"]}},
                                                                                  "required": ["a"], "additionalProperties": False}}}
        ask = {"model": "long", "messages": [{"role": "user", "content": "a"}], "response_format": form, "max_tokens": 50}
        status, _, answer = s.post("/v1/chat/completions", {**ask, "logit_bias": {str(i): -100 for i in range(260)}})
        self.assertEqual((status, answer["error"]["param"], answer["error"]["code"]), (400, "logit_bias", "no_token_possible"))
        no_b = {str(i): -100 for i, w in enumerate(words) if "b" in w}
        status, _, answer = s.post("/v1/chat/completions", {**ask, "logit_bias": no_b})
        self.assertEqual((status, answer["error"]["code"]), (400, "no_token_possible"))
        status, headers, text = s.post("/v1/chat/completions", {**ask, "logit_bias": no_b, "stream": True})
        events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
        self.assertEqual(status, 200)
        self.assertEqual(events[-1]["error"]["code"], "no_token_possible")
        line = until("its line in the log", lambda: next((l for l in list(s.log) if headers["x-request-id"] in l), None))
        self.assertEqual((json.loads(line)["status"], json.loads(line)["error"]), (400, "no_token_possible"))


class Keys(Case):
    def new_key(self, role="staff"):
        made = subprocess.run([PROGRAM, "key", "new", "--json", "--name", "x", "--role", role], cwd=self.folder, env=ENV, check=True, capture_output=True)
        return json.loads(made.stdout)["secret"]

    def upload(self, s, lines):
        text = "".join(json.dumps({"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "fox"}]}) + "\n" for _ in range(lines))
        body = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; " \
               f"filename=\"a.jsonl\"\r\n\r\n{text}\r\n--b--\r\n"
        status, _, answer = s.ask("POST", "/v1/files", body.encode(), {"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(status, 200, answer)
        return answer["id"], text

    def test_a_large_body_is_read_only_from_who_may_send_it(self):
        app = self.new_key("app")
        s = Server(self.folder)
        for path, key, wanted in (("/v1/files", "ig-wrong", 401), ("/v1/completions", None, 401), ("/v1/files", app, 403)):
            one = s.socket()
            line = f"Authorization: Bearer {key}\r\n" if key else ""
            one.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{line}Content-Length: 100000000\r\n\r\n".encode())
            head = one.recv(65536).decode()  # not a byte of the body was sent
            self.assertIn(f"HTTP/1.1 {wanted}", head)
            self.assertIn("x-request-id", head)
            one.close()
            status, _, answer = s.ask("POST", path, b"x" * (4 << 20), key=key)
            self.assertEqual((status, answer["error"]["code"]), (wanted, {401: "invalid_api_key", 403: "insufficient_permissions"}[wanted]))
        self.assertEqual(s.end(), 0)

    def job(self, s, file):
        status, _, job = s.post("/v1/fine_tuning/jobs", {"model": "tiny", "training_file": file, "seed": 1, "hyperparameters": {"n_epochs": 25, "batch_size": 1}})
        self.assertEqual(status, 200, job)
        until("its start", lambda: "training has started" in str(s.ask("GET", f"/v1/fine_tuning/jobs/{job['id']}/events")[2]))
        return job["id"]

    def ended(self, s, job):
        def state():
            now = s.ask("GET", f"/v1/fine_tuning/jobs/{job}")[2]
            return now if now["status"] in ("succeeded", "failed", "cancelled") else None
        return until("the end of the job", state, 300)

    def events(self, s, job):
        """all of them as one text: a page has twenty, and each step's loss is one"""
        told, after = [], ""
        while True:
            page = s.ask("GET", f"/v1/fine_tuning/jobs/{job}/events?limit=100{after}")[2]
            told += [event["message"] for event in page["data"]]
            if not page["has_more"]:
                return "\n".join(told)
            after = "&after=" + page["data"][-1]["id"]

    def go_on(self, how):
        key = self.new_key()
        s = Server(self.folder)
        s.key = key
        file, text = self.upload(s, 20)
        job = self.job(s, file)
        code = s.end(how)
        self.assertEqual(code, 0 if how == signal.SIGTERM else -9)
        s = Server(self.folder)
        s.key = key
        self.assertEqual(s.ask("GET", f"/v1/files/{file}/content")[2], text)
        now = self.ended(s, job)
        told = self.events(s, job)
        self.assertEqual(now["status"], "succeeded", (now, told))
        self.assertEqual(s.post("/v1/completions", {"model": now["fine_tuned_model"], "prompt": "a", "max_tokens": 1})[0], 200)
        self.assertEqual(s.end(), 0)
        return told

    def test_after_kill_9_keys_files_and_jobs_are_there(self):
        for _ in range(HARD):
            self.go_on(signal.SIGKILL)

    def test_a_job_that_a_stop_interrupts_goes_on_and_says_so(self):
        told = self.go_on(signal.SIGTERM)
        self.assertIn("the server was stopped", told)
        self.assertNotIn("cancelled", told)


class Ends(Case):
    def test_a_running_stream_is_finished_before_the_end(self):
        s = Server(self.folder, "--no-key")
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=120)
        c.request("POST", "/v1/completions", json.dumps({**WITHOUT_END, "max_tokens": 3000}))
        r = c.getresponse()
        self.assertIn(b"data:", r.readline())
        s.child.send_signal(signal.SIGTERM)
        until("the wish to end", lambda: any("finishing" in line for line in list(s.log)))
        def closed():
            with socket.socket() as one:
                return one.connect_ex(("127.0.0.1", s.port)) != 0
        until("a closed door", closed)
        text = r.read().decode()
        c.close()
        self.assertTrue(text.rstrip().endswith("data: [DONE]"), text[-200:])
        self.assertEqual(s.child.wait(120), 0)
        s.reader.join(30)
        s.child.stderr.close()

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_tls_with_a_certificate_of_ones_own(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], cwd=self.folder, check=True, capture_output=True)
        s = Server(self.folder, "--no-key", "--cert", "cert.pem", "--key", "key.pem", tls=ssl.create_default_context(cafile=str(self.folder / "cert.pem")))
        self.assertEqual(s.post("/v1/completions", SHORT)[0], 200)
        status, _, text = s.post("/v1/completions", {**WITHOUT_END, "max_tokens": 50})
        self.assertTrue(text.rstrip().endswith("data: [DONE]"))
        with self.assertRaises(ssl.SSLError), socket.create_connection(("127.0.0.1", s.port)) as raw:
            ssl.create_default_context().wrap_socket(raw, server_hostname="localhost")
        self.assertEqual(s.end(), 0)

    def test_a_model_that_nobody_uses_leaves_and_comes_back(self):
        s = Server(self.folder, "--no-key", "--idle-minutes", "0.02")
        for _ in range(2 * HARD):
            first = s.post("/v1/completions", SHORT)
            self.assertEqual(first[0], 200)
            until("the model to leave", lambda: s.metric("ingot_models_loaded") == 0)
        self.assertEqual(s.post("/v1/completions", SHORT)[2]["choices"], first[2]["choices"])
        self.assertEqual(s.end(), 0)


if __name__ == "__main__":
    unittest.main()
