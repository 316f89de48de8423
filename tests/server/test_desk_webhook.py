"""Others are told of a support desk's tickets: signed, tried again, never where it must not go, and nobody waits for it.

    test_desk_webhook.py [PROGRAM] [unittest options]
"""
import hashlib
import hmac
import json
import threading
import time
import unittest

from desk_server import DeskServer, Scripted

FAQ = b"question,answer\nHow much is shipping?,Five euros.\nWhen are you open?,From nine to five.\n"
KEY = "not a very secret key"
TOLD = "nobody was told"


class Webhook(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = DeskServer("--private-webhooks", DESK_WEBHOOK_KEY=KEY, NOT_FOR_THIS="secret")
        cls.s.new_desk("desk", {}, ("faq", "faq.csv", FAQ))
        cls.careful = DeskServer(DESK_WEBHOOK_KEY=KEY)
        cls.careful.new_desk("desk", {}, ("faq", "faq.csv", FAQ))

    @classmethod
    def tearDownClass(cls):
        cls.s.close()
        cls.careful.close()

    def hook(self, reply):
        h = Scripted(reply)
        self.addCleanup(h.close)
        return h

    def open(self, url, s=None, key_env="DESK_WEBHOOK_KEY", **more):
        s = s or self.s
        a = s.call("PATCH", "/v1/features/desk", {"settings": {"effort": "quick", "webhook": url, "webhook_key_env": key_env}})
        self.assertEqual(a.status, 200, a.text)
        t = s.call("POST", "/v1/tickets", {"feature": "desk", "text": "My chair is broken", **more}, "app")
        self.assertEqual(t.status, 201, t.text)
        return t.json["id"]

    def became(self, ticket, s=None):
        """the last line of the log about it"""
        lines = [line for line in (s or self.s).logged().splitlines() if ticket in line and "webhook" in line]
        return lines[-1] if lines else ""

    def given_up(self, ticket, s=None):
        (s or self.s).until("the end of " + ticket, lambda: TOLD in self.became(ticket, s))
        return self.became(ticket, s)

    def test_a_ticket_is_told_and_signed(self):
        h = self.hook(lambda path, body: (204, {}, b""))
        asked = self.s.call("POST", "/v1/features/desk/ask", {"question": "How much is shipping?", "user": "ann-4711"}, "app").json
        id = self.open(h.url + "/hook?a=b", conversation=asked["conversation"], contact="a@b.example", user="ann-4711")
        self.s.until("the webhook", lambda: h.seen)
        path, headers, body = h.seen[0]
        self.assertEqual((path, headers["Content-Type"]), ("/hook?a=b", "application/json"))
        self.assertEqual(json.loads(body), {"ticket": id, "feature": "desk", "text": "My chair is broken", "contact": "a@b.example",
                                            "conversation": asked["conversation"]})
        mac = hmac.new(KEY.encode(), headers["X-Ingot-Time"].encode() + b"." + body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Ingot-Signature"], "sha256=" + mac)
        self.assertLess(abs(time.time() - int(headers["X-Ingot-Time"])), 300)
        self.assertNotIn("ann-4711", json.dumps(headers) + body.decode())
        self.assertNotIn("Authorization", headers)

    def test_absent_parts_are_null(self):
        h = self.hook(lambda path, body: (200, {}, b"fine"))
        self.open(h.url)
        self.s.until("the webhook", lambda: h.seen)
        sent = json.loads(h.seen[0][2])
        self.assertEqual((sent["contact"], sent["conversation"]), (None, None))

    def test_it_is_tried_again_until_it_succeeds(self):
        replies = [lambda: (500, {}, b""), lambda: None, lambda: (200, {}, b"")]
        h = self.hook(lambda path, body: replies[len(h.seen) - 1]())
        id = self.open(h.url)
        self.s.until("three tries", lambda: len(h.seen) == 3)
        self.assertEqual(len({body for _, _, body in h.seen}), 1)
        self.assertIn("it is tried again", self.became(id))

    def test_a_refusal_is_final_and_a_redirect_is_not_followed(self):
        elsewhere = self.hook(lambda path, body: (200, {}, b""))
        for status, headers in ((400, {}), (404, {}), (302, {"Location": elsewhere.url}), (307, {"Location": elsewhere.url})):
            h = self.hook(lambda path, body: (status, headers, b""))
            self.assertIn(f"answered {status}", self.given_up(self.open(h.url)))
            self.assertEqual(len(h.seen), 1)
        self.assertEqual(elsewhere.seen, [])

    def test_nobody_waits_for_it(self):
        gate = threading.Event()
        self.addCleanup(gate.set)
        h = self.hook(lambda path, body: (gate.wait(60), (200, {}, b""))[1])
        self.open(h.url)
        self.s.until("the first", lambda: h.seen)
        self.open(h.url)  # answered while the receiver still thinks about the first
        self.assertEqual(len(h.seen), 1)
        gate.set()
        self.s.until("the second", lambda: len(h.seen) == 2)

    def test_without_a_key_nothing_is_sent(self):
        h = self.hook(lambda path, body: (200, {}, b""))
        for env in ("", "NOT_SET_KEY", "NOT_FOR_THIS"):
            self.assertIn("webhook_key_env", self.given_up(self.open(h.url, key_env=env)))
        self.assertEqual(h.seen, [])

    def test_private_addresses_are_refused(self):
        h = self.hook(lambda path, body: (200, {}, b""))
        port = h.url.rsplit(":", 1)[1]
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"):
            with self.subTest(host):
                self.assertIn("refused", self.given_up(self.open(f"http://{host}:{port}/", self.careful), self.careful))
        for address in ("file:///etc/passwd", "nonsense", f"http://a:b@127.0.0.1:{port}/"):
            with self.subTest(address):
                self.assertIn("refused", self.given_up(self.open(address, self.careful), self.careful))
        self.assertEqual(h.seen, [])

    def test_the_log_holds_neither_text_nor_key(self):
        h = self.hook(lambda path, body: (400, {}, b""))
        self.given_up(self.open(h.url + "/very-secret-path", contact="someone@b.example"))
        for secret in ("chair", "someone@", KEY, "very-secret-path"):
            self.assertNotIn(secret, self.s.logged())


if __name__ == "__main__":
    unittest.main()
