"""The routes of features, against ingot_table: the real server with one tiny kind (tests/cli/table_kind.c)."""
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
import unittest

from http_parts import Answer, form

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else str(ROOT / "build/ingot_table")
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "LANG": "C", "CHAT_KEY": "sesame"}
SHOP = "https://shop.example"
TABLE = b"refund,three days\nshipping,five euros\n"


class Loop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.temporary.name)
        (cls.dir / "faq.csv").write_bytes(TABLE)
        cls.run_program("init")
        cls.run_program("new", "table", "desk", "--table", "faq.csv")
        cls.run_program("new", "table", "other", "--table", "faq.csv")
        new = lambda *a: cls.run_program("key", "new", *a).strip()
        cls.key = {role: new("--role", role, "--name", role) for role in ("app", "staff", "admin")}
        cls.key["public"] = new("--role", "public", "--feature", "desk", "--origin", SHOP)
        cls.key["slow"] = new("--role", "public", "--feature", "desk", "--origin", "*", "--visitor-per-minute", "2")
        cls.log = open(cls.dir / "log", "w+")
        cls.child = subprocess.Popen([PROGRAM, "serve", "--port", "0"], cwd=cls.dir, env=ENV, stderr=cls.log)
        for _ in range(200):
            found = re.search(r":(\d+)/v1", (cls.dir / "log").read_text())
            if found:
                break
            time.sleep(0.05)
        cls.port = int(found[1])

    @classmethod
    def tearDownClass(cls):
        cls.child.terminate()
        cls.child.wait(30)
        cls.log.close()
        cls.temporary.cleanup()

    @classmethod
    def run_program(cls, *args):
        r = subprocess.run([PROGRAM, *args], cwd=cls.dir, env=ENV, capture_output=True, text=True)
        assert r.returncode == 0, (args, r.stderr)
        return r.stdout

    def call(self, method, path, body=None, key="admin", **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        head = {k.replace("_", "-"): v for k, v in headers.items()}
        if key:
            head["Authorization"] = "Bearer " + self.key[key]
        if isinstance(body, tuple):
            body, more = body
            head.update(more)
        elif body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            head["Content-Type"] = "application/json"
        c.request(method, path, body, head)
        a = Answer(c.getresponse())
        c.close()
        return a

    def get(self, path, key="admin", **h):
        return self.call("GET", path, None, key, **h)

    def post(self, path, body=None, key="admin", **h):
        return self.call("POST", path, body, key, **h)

    def ask(self, question, key="app", **more):
        a = self.post("/v1/features/desk/ask", {"question": question, **more}, key)
        self.assertEqual(a.status, 200, a.text)
        return a.json

    def wait(self, job):
        for _ in range(400):
            j = self.get("/v1/jobs/" + job).json
            if j["status"] not in ("queued", "running"):
                return j
            time.sleep(0.05)
        self.fail("the job does not end")

    # ---- who may what ------------------------------------------------------------------------------------------------

    def test_every_route_needs_its_role(self):
        least = {"app": ["GET /v1/kinds", "GET /v1/features", "GET /v1/features/desk", "GET /v1/features/desk/versions"],
                 "staff": ["GET /v1/features/desk/content", "DELETE /v1/features/desk/content/x", "GET /v1/features/desk/interactions",
                           "GET /v1/interactions/x", "GET /v1/interactions/x/explain", "GET /v1/jobs", "GET /v1/jobs/x", "POST /v1/jobs/x/cancel",
                           "GET /v1/features/desk/compare", "GET /v1/features/desk/report", "GET /v1/tickets", "GET /v1/tickets/x",
                           "POST /v1/tickets/x/messages", "POST /v1/tickets/x/close", "POST /v1/features/desk/content"],
                 "admin": ["POST /v1/features", "PATCH /v1/features/desk", "DELETE /v1/features/desk", "POST /v1/features/desk/improve",
                           "POST /v1/features/desk/promote", "POST /v1/features/desk/rollback", "GET /v1/keys", "POST /v1/keys",
                           "DELETE /v1/keys/x"]}
        below = {"app": "public", "staff": "app", "admin": "staff"}
        for role, routes in least.items():
            for r in routes:
                method, path = r.split()
                self.assertEqual(self.call(method, path, None, below[role]).status, 403, r)
                self.assertEqual(self.call(method, path, None, None).status, 401, r)

    def test_nothing_of_another_kind_of_method_or_name(self):
        for path in ("/v1/features/nobody", "/v1/features/nobody/versions", "/v1/features/nobody/report", "/v1/features/nobody/content",
                     "/v1/features/nobody/compare", "/v1/interactions/int-none", "/v1/interactions/x/explain", "/v1/jobs/x", "/v1/tickets/x",
                     "/v1/features/a%2Fb", "/v1/features/desk/nothing"):
            self.assertEqual(self.get(path).status, 404, path)
        for path in ("improve", "promote", "rollback"):
            self.assertEqual(self.post(f"/v1/features/nobody/{path}", {}).status, 404)
        self.assertEqual(self.call("PUT", "/v1/features/desk").status, 405)
        self.assertEqual(self.call("DELETE", "/v1/keys/key-none").status, 404)

    def test_wrong_bodies_are_refused_by_name(self):
        for path, body, param in [
            ("/v1/features/desk/ask", {"question": "a", "user": 3}, "user"), ("/v1/features/desk/ask", {"question": "a", "stream": "yes"}, "stream"),
            ("/v1/features/desk/ask", {"question": "a", "conversation": ["x"]}, "conversation"), ("/v1/features/desk/ask", {"question": 7}, None),
            ("/v1/features/desk/ask", {"quest": "a"}, None), ("/v1/features/desk/ask", {}, None), ("/v1/features/desk/ask", [1], None),
            ("/v1/features/desk/ask", "{", None), ("/v1/features/desk/promote", {"version": "2"}, "version"),
            ("/v1/features/desk/promote", {"versoin": 2}, "versoin"), ("/v1/features/desk/improve", {"seed": -1}, "seed"),
            ("/v1/feedback", {"type": "like"}, "interaction"), ("/v1/feedback", {"interaction": "x", "type": "love"}, "type"),
            ("/v1/feedback", {"interaction": "x", "type": "like", "correction": "no"}, "correction"), ("/v1/messages/x/feedbacks", {}, "rating"),
            ("/v1/messages/x/feedbacks", {"rating": "good"}, "rating"), ("/v1/tickets", {"feature": "desk"}, "text"),
            ("/v1/tickets", {"text": "help"}, "feature"), ("/v1/keys", {"name": "x"}, "role"), ("/v1/keys", {"name": "x", "role": "king"}, "role"),
            ("/v1/keys", {"name": "x", "role": "public"}, "feature"), ("/v1/keys", {"name": "x", "role": "public", "feature": "desk"}, "origins"),
            ("/v1/keys", {"name": "x", "role": "public", "feature": "desk", "origins": ["shop.example/x"]}, "origins"),
            ("/v1/features", {"name": "x"}, "kind"), ("/v1/features", {"name": "x", "kind": "chair"}, "kind"),
            ("/v1/features", {"kind": "table"}, "name"), ("/v1/features", {"kind": "table", "name": "x", "settings": {"sign_off": 1}}, None),
            ("/v1/features/desk/content", {"items": "x"}, "items"), ("/v1/features/desk/content", {}, None),
            ("/v1/features/desk/content", {"items": [], "field": "chair"}, "field"), ("/v1/features/desk/content", {"url": "https://x.example"}, "url"),
        ]:
            a = self.post(path, body if not isinstance(body, str) else body.encode())
            self.assertEqual(a.status, 400, (path, body, a.text))
            self.assertEqual(a.json["error"]["param"], param, (path, body, a.text))
        for query in ("?limit=0", "?limit=x", "?after=-1", "?version=99999999999"):
            self.assertEqual(self.get("/v1/features/desk/interactions" + query).status, 400, query)
        self.assertEqual(self.call("PATCH", "/v1/features/desk", {}).status, 400)
        self.assertEqual(self.call("PATCH", "/v1/features/desk", {"candidate": {"version": 1, "share": 2}}).status, 400)

    def test_huge_bodies_are_refused(self):
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "a" * (2 << 20)}).status // 100, 4)
        self.assertEqual(self.post("/v1/feedback", {"interaction": "x", "type": "like", "reason": "a" * 5000}).status, 400)
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "refund", "user": "a" * 600}).status, 400)
        self.assertEqual(self.get("/health/live", None).status, 200)

    # ---- asking ---------------------------------------------------------------------------------------------------------

    def test_asks_and_streams(self):
        a = self.ask("refund", user="ann")
        self.assertEqual((a["outcome"], a["answer"]["text"]), ("answered", "three days"))
        b = self.ask("shipping", conversation=a["conversation"])
        self.assertEqual(b["conversation"], a["conversation"])
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "a", "conversation": "con-none"}).status, 404)
        s = self.post("/v1/features/desk/ask", {"question": "refund", "stream": True}, "app")
        self.assertEqual(s.headers["Content-Type"].split(";")[0], "text/event-stream")
        events = [line[6:] for line in s.text.splitlines() if line.startswith("data: ")]
        self.assertEqual("".join(json.loads(e).get("delta", "") for e in events[:-2]), "three days")
        self.assertEqual((json.loads(events[-2])["answer"]["text"], events[-1]), ("three days", "[DONE]"))
        self.assertEqual(self.post("/v1/features/desk/ask", {"stream": True}, "app").status, 400)
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "refund", "version": 1}, "app").status, 403)

    def test_a_feature_answers_chat_completions(self):
        self.assertIn("desk", [m["id"] for m in self.get("/v1/models").json["data"]])
        self.assertEqual(self.get("/v1/models/desk").status, 200)
        body = {"model": "desk", "messages": [{"role": "user", "content": "refund"}]}
        a = self.post("/v1/chat/completions", body, "app").json
        self.assertEqual(a["choices"][0]["message"]["content"], "three days")
        first = a["ingot"]["conversation"]
        body["messages"] += [{"role": "assistant", "content": "three days"}, {"role": "user", "content": "shipping"}]
        self.assertEqual(self.post("/v1/chat/completions", body, "app").json["ingot"]["conversation"], first)
        s = self.post("/v1/chat/completions", {**body, "stream": True}, "app")
        chunks = [json.loads(line[6:]) for line in s.text.splitlines() if line.startswith("data: {")]
        self.assertEqual("".join(c["choices"][0]["delta"].get("content", "") for c in chunks), "five euros")
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "stop")
        for more in ({"n": 2}, {"tools": [{"type": "function", "function": {"name": "f"}}]}, {"messages": [{"role": "assistant", "content": "a"}]}):
            self.assertEqual(self.post("/v1/chat/completions", {**body, **more}, "app").status, 400, more)

    def test_a_chat_model_behind_an_address_writes(self):
        seen = []

        class Chat(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                seen.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                out = json.dumps({"choices": [{"message": {"content": "written"}}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *args):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Chat)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/"
        a = self.post("/v1/features", {"kind": "table", "name": "writer", "settings": {"chat_model": "m", "chat_url": url}, "items": [{"question": "a", "text": "b"}]})
        self.assertEqual(a.status, 201, a.text)
        got = self.post("/v1/features/writer/ask", {"question": "write a poem"})
        server.shutdown()
        self.assertEqual(got.json["answer"]["text"], "written", got.text)
        self.assertEqual((seen[0][0], seen[0][1]["model"], seen[0][1]["messages"]), ("/v1/chat/completions", "m", [{"role": "user", "content": "write a poem"}]))

    # ---- what was said --------------------------------------------------------------------------------------------------------

    def test_feedback_in_both_shapes_and_its_lists(self):
        a = self.ask("shipping", user="bob")
        like = {"interaction": a["id"], "type": "like", "user": "bob"}
        self.assertEqual(self.post("/v1/feedback", like, "app").status, 200)
        self.assertEqual(self.post("/v1/feedback", {"interaction": "int-none", "type": "like"}, "app").status, 404)
        dify = self.post(f"/v1/messages/{a['id']}/feedbacks", {"rating": "dislike", "user": "eve", "content": "wrong"}, "app")
        self.assertEqual(dify.json, {"result": "success"}, dify.text)
        one = self.get(f"/v1/interactions/{a['id']}", "staff").json
        self.assertEqual(sorted(f["type"] for f in one["feedback"]), ["dislike", "like"])
        self.assertEqual((one["request"]["question"], one["feature"]), ("shipping", "desk"))
        self.assertEqual(self.post(f"/v1/messages/{a['id']}/feedbacks", {"rating": None, "user": "eve"}, "app").status, 200)
        rated = self.get("/v1/features/desk/interactions?rated=1&type=like&limit=5", "staff").json["interactions"]
        self.assertIn(a["id"], [i["id"] for i in rated])
        of = self.get(f"/v1/features/desk/interactions?conversation={a['conversation']}", "staff").json["interactions"]
        self.assertEqual([i["id"] for i in of], [a["id"]])
        self.assertEqual(self.get(f"/v1/interactions/{a['id']}/explain", "staff").json["why"]["matched"], True)

    # ---- public keys, the widget -------------------------------------------------------------------------------------------------

    def visitor(self, key="public"):
        return self.post("/v1/widget/visitor", None, key, Origin=SHOP).json["visitor"]

    def test_a_public_key_sees_its_feature_only(self):
        v = self.visitor()
        body = {"question": "refund", "user": v}
        a = self.post("/v1/features/desk/ask", body, "public", Origin=SHOP)
        self.assertEqual((a.status, a.headers["Access-Control-Allow-Origin"]), (200, SHOP))
        self.assertEqual(self.post("/v1/features/other/ask", body, "public").status, 404)
        self.assertEqual(self.post("/v1/features/nobody/ask", body, "public").text.replace("nobody", "other"), self.post("/v1/features/other/ask", body, "public").text)
        elsewhere = self.post("/v1/features/other/ask", {"question": "refund"}, "app").json["id"]
        self.assertEqual(self.post("/v1/feedback", {"interaction": elsewhere, "type": "like"}, "public").status, 404)
        self.assertEqual(self.post("/v1/feedback", {"interaction": a.json["id"], "type": "like", "user": v}, "public").status, 200)
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "refund", "user": "ann"}, "public").code, "invalid_visitor")
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "refund", "user": v[:-2] + "xx"}, "public").status, 400)

    def test_origins(self):
        evil = self.post("/v1/features/desk/ask", {"question": "refund"}, "public", Origin="https://evil.example")
        self.assertEqual(evil.code, "origin_not_allowed")
        ask = {"Origin": SHOP, "Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization"}
        preflight = self.call("OPTIONS", "/v1/features/desk/ask", None, None, **ask)
        self.assertEqual((preflight.status, preflight.headers["Access-Control-Allow-Origin"]), (204, SHOP))

    def test_one_visitor_may_ask_so_often(self):
        v, w = self.visitor("slow"), self.visitor("slow")
        codes = [self.post("/v1/features/desk/ask", {"question": "refund", "user": v}, "slow").status for _ in range(4)]
        self.assertEqual(codes, [200, 200, 429, 429])
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "refund", "user": w}, "slow").status, 200)

    def test_a_person_takes_over(self):
        v, w = self.visitor(), self.visitor()
        a = self.post("/v1/features/desk/ask", {"question": "broken chair", "user": v}, "public").json
        self.assertEqual(a["outcome"], "unknown")
        ticket = {"conversation": a["conversation"], "contact": "a@b.example", "text": "My chair is broken", "user": v}
        t = self.post("/v1/tickets", ticket, "public")
        self.assertEqual(t.status, 201, t.text)
        self.assertEqual(self.post("/v1/tickets", {**ticket, "user": w}, "public").status, 404)
        self.assertEqual(self.post("/v1/tickets", {**ticket, "conversation": "con-none"}, "public").status, 404)
        id = t.json["id"]
        self.assertIn(id, [x["id"] for x in self.get("/v1/tickets?feature=desk&status=open", "staff").json["tickets"]])
        whole = self.get("/v1/tickets/" + id, "staff").json
        self.assertEqual((whole["interactions"][0]["request"]["question"], whole["messages"][0]["from"]), ("broken chair", "user"))
        said = self.post(f"/v1/tickets/{id}/messages", {"text": "We send a new one.", "learn": True}, "staff")
        self.assertEqual(said.json["status"], "answered", said.text)
        self.assertEqual([f["type"] for f in self.get("/v1/interactions/" + a["id"]).json["feedback"]], ["correction"])
        mine = self.get(f"/v1/widget/messages?visitor={v}&conversation={a['conversation']}", "public").json
        self.assertEqual([m["from"] for m in mine["messages"]], ["user", "staff"])
        self.assertEqual(self.get(f"/v1/widget/messages?visitor={w}", "public").json["messages"], [])
        self.assertEqual(self.get("/v1/widget/messages?visitor=forged", "public").status, 400)
        self.assertEqual(self.post(f"/v1/tickets/{id}/close", None, "staff").json["status"], "closed")

    # ---- content, versions, jobs ----------------------------------------------------------------------------------------------------

    def test_a_feature_from_a_form_and_its_content(self):
        a = self.post("/v1/features", form([("kind", None, b"table"), ("name", None, b"formed"), ("settings", None, b'{"sign_off": "."}'),
                                            ("table", "../../e vil.csv", b"a,b\n")]))
        self.assertEqual((a.status, a.json.get("name")), (201, "formed"), a.text)
        self.assertEqual(self.post("/v1/features/formed/ask", {"question": "a"}).json["answer"]["text"], "b.")
        self.assertEqual(self.post("/v1/features", {"kind": "table", "name": "formed"}).status, 409)
        add = self.post("/v1/features/formed/content", form([("file", "more.csv", b"title,title\nc,d\n"), ("first_line", None, b"2")]))
        self.assertEqual(add.status, 200, add.text)
        self.assertEqual(self.post("/v1/features/formed/content", {"items": [{"question": "e", "text": "f"}]}).status, 200)
        self.assertEqual(self.post("/v1/features/formed/content", form([("chair", "x.csv", b"a,b\n")])).json["error"]["param"], "chair")
        listed = self.get("/v1/features/formed/content?limit=2").json
        self.assertEqual((len(listed["items"]), listed["total"]), (2, 3), listed)
        item = self.post("/v1/features/formed/ask", {"question": "e"}).json["answer"]["sources"][0]["item"]
        self.assertEqual(self.call("DELETE", f"/v1/features/formed/content/{item}").status, 200)
        self.assertEqual(self.call("DELETE", "/v1/features/formed/content/q-none").status, 404)
        self.await_no_uploads()
        self.assertEqual(self.call("DELETE", "/v1/features/formed").status, 200)
        self.assertEqual(self.get("/v1/features/formed").status, 404)

    def await_no_uploads(self):
        """a job's files go after the job has ended"""
        for _ in range(300):
            left = [n for n in os.listdir(self.dir / "jobs") if n.startswith("up-")]
            if not left:
                return
            time.sleep(0.1)
        self.fail(f"left behind: {left}")

    def test_learning_is_a_job_and_what_it_made_is_promoted(self):
        id = self.post("/v1/features/other/ask", {"question": "shipping"}, "app").json["id"]
        said = {"interaction": id, "type": "correction", "correction": {"text": "six euros"}}
        self.assertEqual(self.post("/v1/feedback", said, "staff").status, 200)
        started = self.post("/v1/features/other/improve")
        self.assertEqual((started.status, started.json["kind"], started.json["feature"]), (202, "improve", "other"))
        job = self.wait(started.json["id"])
        self.assertEqual(job["status"], "succeeded", job)
        self.assertTrue(job["events"])
        self.assertIn(job["id"], [j["id"] for j in self.get("/v1/jobs?kind=improve").json["jobs"]])
        self.assertEqual(self.post(f"/v1/jobs/{job['id']}/cancel").status, 409)
        versions = self.get("/v1/features/other/versions", "app").json
        self.assertEqual([v["number"] for v in versions["versions"]], [2, 1])
        self.assertEqual(self.get("/v1/features/other/compare?from=1&to=2").json["to"], 2)
        self.assertEqual(self.get("/v1/features/other/compare?from=1&to=9").status, 404)
        self.assertEqual(self.call("PATCH", "/v1/features/other", {"candidate": {"version": 2, "share": 0.5}}).json["share"], 0.5)
        self.assertEqual(self.post("/v1/features/other/promote", {"version": 2, "force": True}).status, 200)
        self.assertEqual(self.get("/v1/features/other").json["live"], 2)
        self.assertEqual(self.post("/v1/features/other/rollback").status, 200)
        self.assertEqual(self.get("/v1/features/other").json["live"], 1)
        self.assertEqual(self.post("/v1/features/other/promote", {"version": 77}).status, 404)
        self.assertEqual(self.get("/v1/features/other/report?since=0").json["feature"], "other")

    def test_a_job_that_fails_says_why(self):
        a = self.post("/v1/features", form([("kind", None, b"table"), ("name", None, b"broken"), ("rows", None, b"[")]))
        self.assertIn(a.status, (201, 400), a.text)
        b = self.post("/v1/features", {"kind": "table", "name": "broken2", "settings": {"sign_of": "x"}})
        self.assertEqual((b.status, "sign_of" in b.text), (400, True))

    # ---- keys, browsers ---------------------------------------------------------------------------------------------------------------

    def test_keys(self):
        k = self.post("/v1/keys", {"name": "site", "role": "public", "feature": "desk", "origins": [SHOP], "visitor_per_minute": 5})
        self.assertEqual((k.status, k.json["feature"], k.json["origins"]), (201, "desk", [SHOP]), k.text)
        listed = self.get("/v1/keys").json["keys"]
        self.assertIn(k.json["id"], [x["id"] for x in listed])
        self.assertNotIn(k.json["secret"], json.dumps(listed))
        self.assertTrue(self.call("DELETE", "/v1/keys/" + k.json["id"]).json["revoked_at"])
        self.key["gone"] = k.json["secret"]
        self.assertEqual(self.post("/v1/features/desk/ask", {"question": "a"}, "gone").status, 401)

    def test_a_browser_signs_in_and_out(self):
        self.assertEqual(self.get("/v1/session", None).status, 401)
        self.assertEqual(self.post("/v1/session", {"key": "ig-wrong"}, None).status, 401)
        self.assertEqual(self.post("/v1/session", {"key": self.key["app"]}, None).status, 403)
        self.assertEqual(self.post("/v1/session", {"key": self.key["admin"]}, None, Origin="https://evil.example").status, 403)
        a = self.post("/v1/session", {"key": self.key["admin"]}, None)
        cookie = a.headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        cookie = cookie.split(";")[0]
        self.assertEqual(self.get("/v1/session", None, Cookie="a=b; " + cookie).json["role"], "admin")
        self.assertEqual(self.get("/v1/features", None, Cookie=cookie).status, 200)
        self.assertEqual(self.post("/v1/features/desk/rollback", None, None, Cookie=cookie).code, "missing_header")
        self.assertIn(self.post("/v1/features/desk/promote", {"version": 99}, None, Cookie=cookie, X_Ingot="1").status, (404, 409))
        self.assertEqual(self.call("DELETE", "/v1/session", None, None, Cookie=cookie).status, 200)
        self.assertEqual(self.get("/v1/features", None, Cookie=cookie).status, 401)

    def test_a_link_signs_in_once(self):
        link = self.run_program("console").split("#link=")[1].strip()
        self.assertEqual(self.post("/v1/session", {"link": link}, None).status, 200)
        self.assertEqual(self.post("/v1/session", {"link": link}, None).status, 401)

    def test_the_log_holds_no_text(self):
        self.ask("a very secret question", user="secretuser")
        self.post("/v1/feedback", {"interaction": "int-none", "type": "like", "reason": "a very secret reason"})
        time.sleep(0.1)
        log = (self.dir / "log").read_text()
        self.assertNotIn("secret", log)
        self.assertIn("/v1/features/{name}/ask", log)
        for secret in self.key.values():
            self.assertNotIn(secret, log)


if __name__ == "__main__":
    unittest.main()
