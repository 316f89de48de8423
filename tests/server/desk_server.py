"""What the tests of a support desk over HTTP share: a workspace of their own with a running server, and a scripted one for it to call."""
import http.client
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from http_parts import Answer, form

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else str(ROOT / "build/ingot")
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "LANG": "C"}


class DeskServer:
    """A workspace in a folder that vanishes, its server, and a key of each role."""

    def __init__(self, *options, **env):
        self.temporary = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.temporary.name)
        self.env = {**ENV, **env}
        self.key = {}
        self.program("init")
        for role in ("app", "staff", "admin"):
            self.new_key(role, "--role", role, "--name", role)
        self.log = open(self.dir / "log", "w")
        self.child = subprocess.Popen([PROGRAM, "serve", "--port", "0", *options], cwd=self.dir, env=self.env, stderr=self.log)
        self.port = int(self.until("the port", lambda: re.search(r":(\d+)/v1", self.logged()))[1])

    def close(self):
        self.child.terminate()
        self.child.wait(60)
        self.log.close()
        self.temporary.cleanup()

    def logged(self):
        return (self.dir / "log").read_text()

    def until(self, what, holds, patience=300):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            value = holds()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {what}: {self.logged()}")

    def program(self, *args):
        r = subprocess.run([PROGRAM, *args], cwd=self.dir, env=self.env, capture_output=True, text=True)
        assert r.returncode == 0, (args, r.stderr)
        return r.stdout

    def new_key(self, name, *options):
        self.key[name] = self.program("key", "new", *options).strip()

    def call(self, method, path, body=None, key="admin", **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        head = {k.replace("_", "-"): v for k, v in headers.items()}
        if key:
            head["Authorization"] = "Bearer " + self.key[key]
        if isinstance(body, tuple):
            body, more = body
            head.update(more)
        elif body is not None:
            body = json.dumps(body)
            head["Content-Type"] = "application/json"
        c.request(method, path, body, head)
        a = Answer(c.getresponse())
        c.close()
        return a

    def new_desk(self, name, settings, *files):
        """files: (field, file name, bytes)"""
        whole = {"effort": "quick", **settings}
        a = self.call("POST", "/v1/features", form([("kind", None, b"support"), ("name", None, name.encode()),
                                                    ("settings", None, json.dumps(whole).encode()), *files]))
        assert a.status in (201, 202), a.text
        if a.status == 202:
            path = "/v1/jobs/" + a.json["id"]
            self.until("the desk", lambda: self.call("GET", path).json["status"] not in ("queued", "running"))
            job = self.call("GET", path).json
            assert job["status"] == "succeeded", job


class Scripted:
    """A server that keeps what it gets, in `seen`, and answers what `reply` makes of it: (status, headers, bytes), or None to hang up."""

    def __init__(self, reply):
        self.seen, self.reply = [], reply
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.path, dict(self.headers), body))
                got = outer.reply(self.path, body)
                if got is None:
                    self.close_connection = True
                    return
                status, headers, out = got
                try:
                    self.send_response(status)
                    for k, v in {**headers, "Content-Length": str(len(out))}.items():
                        self.send_header(k, v)
                    self.end_headers()
                    self.wfile.write(out)
                except OSError:
                    pass  # who asked no longer waits

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
