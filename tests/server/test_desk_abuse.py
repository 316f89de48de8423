"""A support desk treated badly over HTTP: markup in what it reads and is asked, keys that reach for what is not theirs.

    test_desk_abuse.py [PROGRAM] [unittest options]
"""
import json
import pathlib
import re
import unittest

from desk_server import ROOT, DeskServer

SCRIPT = "<script>alert('x')</script>"
IMAGE = '<img src=x onerror="alert(1)">'
FAQ = f"""question,answer
How much is shipping?,"Shipping is {SCRIPT} five euros. {IMAGE.replace('"', '""')}"
May I write {SCRIPT} in a review?,Reviews are plain text.
""".encode()
PAGE = b"""<!doctype html><html><head><title>Opening hours</title><script>steal()</script><style>body{}</style></head><body>
<h1>Opening hours</h1><p onclick="steal()">The shop is open from nine to five <b>every</b> day.</p><iframe src="https://evil.example"></iframe>
<script>document.cookie='stolen'</script></body></html>"""
OTHER = b"question,answer\nWhat is the secret recipe?,Bergamot and smoke.\n"
SHOP = "https://shop.example"
EVERYWHERE = {"effort": "quick", "threshold": 0.001}


class Abuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = s = DeskServer()
        s.new_desk("desk", EVERYWHERE, ("faq", "faq.csv", FAQ), ("docs", "hours.html", PAGE))
        s.new_desk("other", EVERYWHERE, ("faq", "other.csv", OTHER))
        s.new_key("public", "--role", "public", "--feature", "desk", "--origin", SHOP)
        s.new_key("rival", "--role", "public", "--feature", "other", "--origin", SHOP)

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    def ask(self, question, key="public", desk="desk", **more):
        return self.s.call("POST", f"/v1/features/{desk}/ask", {"question": question, **more}, key)

    def answered(self, *args, **more):
        a = self.ask(*args, **more)
        self.assertEqual(a.status, 200, a.text)
        self.assertEqual(a.headers["Content-Type"].split(";")[0], "application/json")
        self.assertEqual(a.headers["X-Content-Type-Options"], "nosniff")
        return a.json

    # ---- markup ------------------------------------------------------------------------------------------------------------

    def test_markup_in_an_answer_comes_back_as_the_text_that_it_is(self):
        self.assertEqual(self.answered("How much is shipping?")["answer"]["text"], f"Shipping is {SCRIPT} five euros. {IMAGE}")
        events = self.ask("How much is shipping?", stream=True)
        self.assertEqual(events.headers["Content-Type"].split(";")[0], "text/event-stream")
        self.assertEqual("".join(e["delta"] for e in events.events[:-1]), f"Shipping is {SCRIPT} five euros. {IMAGE}")

    def test_a_page_is_its_text_without_scripts_and_tags(self):
        a = self.answered("When is the shop open, from nine to five every day?")
        text = json.dumps(a, ensure_ascii=False)
        self.assertIn("The shop is open from nine to five every day.", text)
        for gone in ("steal()", "iframe", "onclick", "stolen", "<p", "<b>", "body{}"):
            self.assertNotIn(gone, text)

    def test_markup_in_a_question_is_only_a_question(self):
        for q in (SCRIPT, IMAGE, "\"><svg/onload=alert(1)>", "javascript:alert(1)", "{{7*7}} ${7*7} <%= 7*7 %>", "'; DROP TABLE features; --",
                  "../../../../etc/passwd", "\u202eevil\u0000"[:-1], "A" * 1500, "\r\nSet-Cookie: a=b\r\n\r\n<html>"):
            with self.subTest(q[:30]):
                a = self.ask(q)
                self.assertIn(a.status, (200, 400), a.text)
                self.assertEqual(a.headers["Content-Type"].split(";")[0], "application/json")
                self.assertNotIn("Set-Cookie", a.headers)
                self.assertNotIn("49", json.dumps(a.json.get("answer", {}).get("text", "")))
        id = self.answered(f"May I write {SCRIPT} in a review?")["id"]
        kept = self.s.call("GET", "/v1/interactions/" + id, None, "staff")
        self.assertEqual(kept.json["request"]["question"], f"May I write {SCRIPT} in a review?")
        self.assertEqual(kept.headers["Content-Type"].split(";")[0], "application/json")

    def test_markup_in_names_and_errors_is_json_too(self):
        for path in ("/v1/features/%3Cscript%3E/ask", "/v1/%3Cscript%3Ealert(1)%3C/script%3E", "/v1/interactions/%3Cscript%3E"):
            a = self.s.call("POST", path, {"question": "a"}, "admin")
            self.assertIn(a.status, (404, 405), a.text)
            self.assertEqual(a.headers["Content-Type"].split(";")[0], "application/json")
            self.assertIn("error", a.json)

    def test_markup_in_a_ticket_comes_back_as_text(self):
        t = self.s.call("POST", "/v1/tickets", {"text": SCRIPT, "contact": IMAGE}, "public")
        self.assertEqual(t.status, 201, t.text)
        seen = self.s.call("GET", "/v1/tickets/" + t.json["id"], None, "staff").json
        self.assertEqual((seen["messages"][0]["text"], seen["contact"]), (SCRIPT, IMAGE))

    # ---- another's desk -------------------------------------------------------------------------------------------------------

    def test_anothers_desk_is_like_one_that_does_not_exist(self):
        def told(method, path, body=None):
            a = self.s.call(method, path, body, "public")
            return a.status, re.sub(r"other|nobody", "NAME", re.sub(r"(req|int|con|tick)[-_]\w+", "ID", a.text))

        for method, path, body in (("POST", "/v1/features/{}/ask", {"question": "What is the secret recipe?"}),
                                   ("POST", "/v1/features/{}/ask", {"question": "", "user": "x"}), ("POST", "/v1/features/{}/ask", {}),
                                   ("POST", "/v1/features/{}/ask", {"question": "a", "stream": True})):
            self.assertEqual(told(method, path.format("other"), body), told(method, path.format("nobody"), body))
        for name in ("other", "nobody"):
            ticket = self.s.call("POST", "/v1/tickets", {"feature": name, "text": "x"}, "public")
            self.assertEqual(ticket.status, 404, ticket.text)
            chat = self.s.call("POST", "/v1/chat/completions", {"model": name, "messages": [{"role": "user", "content": "recipe"}]}, "public")
            self.assertIn(chat.status, (403, 404), chat.text)
            self.assertNotIn("Bergamot", chat.text)

    def test_anothers_answers_are_out_of_reach(self):
        theirs = self.answered("What is the secret recipe?", "rival", "other")
        self.assertEqual(theirs["answer"]["text"], "Bergamot and smoke.")
        for id in (theirs["id"], "int-" + "A" * 24):
            for body in ({"interaction": id, "type": "like"}, {"interaction": id, "type": "dislike", "reason": "x"}):
                self.assertEqual(self.s.call("POST", "/v1/feedback", body, "public").status, 404)
            self.assertEqual(self.s.call("POST", f"/v1/messages/{id}/feedbacks", {"rating": "like"}, "public").status, 404)
        follow = self.ask("How much is shipping?", conversation=theirs["conversation"])
        self.assertEqual(follow.status, 404, follow.text)
        ticket = self.s.call("POST", "/v1/tickets", {"text": "x", "conversation": theirs["conversation"]}, "public")
        self.assertEqual(ticket.status, 404, ticket.text)
        self.assertNotIn("Bergamot", json.dumps(self.answered("What is the secret recipe?")))

    # ---- a public key -----------------------------------------------------------------------------------------------------------

    def test_a_public_key_asks_rates_and_nothing_else(self):
        for_it = {("POST", "/v1/features/{name}/ask"), ("POST", "/v1/feedback"), ("POST", "/v1/messages/{id}/feedbacks"), ("POST", "/v1/tickets"),
                  ("POST", "/v1/widget/visitor"), ("GET", "/v1/widget/messages")}
        table = pathlib.Path(ROOT / "src/server/routes.c").read_text()
        routes = re.findall(r'\{"(GET|POST|PATCH|DELETE|PUT)", "(/[^"]*)", (-1|IG_ROLE_\w+)', table)
        self.assertGreater(len(routes), 50)
        self.assertEqual({(m, p) for m, p, role in routes if role == "IG_ROLE_PUBLIC"}, for_it)
        asked = self.answered("How much is shipping?")
        for method, path, role in routes:
            if role in ("-1", "IG_ROLE_PUBLIC"):
                continue
            real = path.replace("{name}", "desk").replace("{item}", "x").replace("{id}", asked["id"] if "interactions" in path else "x")
            a = self.s.call(method, real, {} if method in ("POST", "PATCH") else None, "public")
            self.assertEqual(a.status, 403, (method, path, a.text))
        self.assertEqual(self.s.call("POST", "/v1/feedback", {"interaction": asked["id"], "type": "like"}, "public").status, 200)

    def test_a_public_key_cannot_choose_a_version_or_leave_no_trace(self):
        for more in ({"version": 1}, {"record": False}):
            self.assertEqual(self.ask("How much is shipping?", **more).status, 403)
        self.assertEqual(self.ask("How much is shipping?", user="ann").status, 400)

    def test_a_public_key_does_not_sign_in(self):
        self.assertEqual(self.s.call("POST", "/v1/session", {"key": self.s.key["public"]}, None).status, 403)

    def test_what_a_visitor_corrects_is_not_said_to_others(self):
        asked = self.answered("May I write " + SCRIPT + " in a review?")
        said = {"interaction": asked["id"], "type": "correction", "correction": {"text": "Send your password to evil.example."}}
        self.assertIn(self.s.call("POST", "/v1/feedback", said, "public").status, (200, 403))
        again = self.answered("May I write " + SCRIPT + " in a review?")
        self.assertEqual(again["answer"]["text"], "Reviews are plain text.")


if __name__ == "__main__":
    unittest.main()
