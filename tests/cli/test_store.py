"""Keys, backup and restore of a workspace."""
import re
import unittest

from program import Case


class Store(Case):
    def setUp(self):
        self.good("init", self.id().rsplit(".", 1)[1])
        self.at = ("-C", self.id().rsplit(".", 1)[1])

    def keys(self):
        return {k["id"]: k for k in self.good(*self.at, "key", "ls", "--json").json["keys"]}

    def test_a_key_is_made_listed_and_revoked(self):
        self.assertIn("no key yet", self.good(*self.at, "key", "ls").err)
        r = self.good(*self.at, "key", "new", "--name", "网站", "--role", "staff", "--expires", "30d", "--per-minute", "60")
        self.assertRegex(r.out, r"^ig-[0-9A-Za-z]{55}\n$")
        self.assertIn("shown this once", r.err)
        made = self.good(*self.at, "key", "new", "--json").json
        self.assertRegex(made["secret"], r"^ig-[0-9A-Za-z]{55}$")
        keys = self.keys()
        self.assertEqual(list(keys)[0], made["id"])
        self.assertEqual([k["role"] for k in keys.values()], ["app", "staff"])
        first = list(keys.values())[1]
        self.assertEqual((first["name"], first["requests_per_minute"]), ("网站", 60))
        self.assertEqual(first["expires_at"] - first["created_at"], 30 * 86400)
        self.assertIn(made["id"], self.good(*self.at, "key", "revoke", made["id"]).out)
        self.assertIsNotNone(self.keys()[made["id"]]["revoked_at"])
        out = self.good(*self.at, "key", "ls").out
        self.assertTrue(re.search(made["id"] + ".* revoked", out) and re.search(first["id"] + ".* valid", out), out)
        self.assertIn("已吊销", self.good(*self.at, "key", "ls", "--lang", "zh").out)
        self.assertNotIn(made["secret"][15:], out)

    def test_wrong_keys(self):
        self.bad(2, *self.at, "key", "new", "--role", "root", says="admin, staff, app or public")
        self.bad(2, *self.at, "key", "new", "--expires", "soon", says="30d")
        self.bad(2, *self.at, "key", "revoke", says="something is missing")
        self.bad(1, *self.at, "key", "revoke", "key-none", says=["key-none", "ingot key ls"])
        self.bad(1, "key", "ls", says=["no workspace", "ingot init"])

    def test_a_backup_brings_the_keys_back(self):
        made = self.good(*self.at, "key", "new", "--json").json
        r = self.good(*self.at, "backup", "b", "--json").json
        self.assertGreater(r["bytes"], 4096)
        self.good(*self.at, "key", "revoke", made["id"])
        self.bad(2, *self.at, "restore", "b", says="--yes")
        self.assertIn("before-restore", self.good(*self.at, "restore", "b", "--yes").out)
        self.assertIsNone(self.keys()[made["id"]]["revoked_at"])
        self.bad(1, *self.at, "restore", "ingot.yaml", "--yes", says=["ingot.yaml", "backup"])
        self.bad(1, *self.at, "restore", "none", "--yes", says="no such backup")
        self.bad(1, *self.at, "backup", "none/b", says="none/b")
        self.assertIn(made["id"], self.keys())

    def test_a_damaged_store_tells_its_cure(self):
        self.good(*self.at, "key", "new")
        self.good(*self.at, "backup", "b")
        (self.dir / self.at[1] / "store" / "store.db").write_bytes(b"x" * 10000)
        self.bad(1, *self.at, "key", "ls", says=["store.db", "ingot restore"])
        self.good(*self.at, "restore", "b", "--yes")
        self.assertEqual(len(self.keys()), 1)


if __name__ == "__main__":
    unittest.main()
