// The C table holds the bundle byte for byte; without npm's packages it holds a page that says so; the types of the sources agree.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const web = join(dirname(fileURLToPath(import.meta.url)), "../../web");
const packages = existsSync(join(web, "node_modules/esbuild")) ? false : "npm ci in web/ installs esbuild and TypeScript";

/* path → bytes, as a C compiler would read the table. */
function readTable(text) {
  const arrays = new Map(
    [...text.matchAll(/unsigned char (\w+)\[\] = \{([^}]*)\}/g)].map((m) => [
      m[1],
      Buffer.from(
        m[2]
          .split(",")
          .filter((x) => x.trim())
          .map(Number),
      ),
    ]),
  );
  return new Map(
    [...text.matchAll(/\{"([^"]+)", "([^"]+)", (\w+), sizeof (\w+)\}/g)].map(
      (m) => (assert.equal(m[3], m[4]), [m[1], { type: m[2], bytes: arrays.get(m[3]) }]),
    ),
  );
}
function inFolder(run) {
  const folder = mkdtempSync(join(tmpdir(), "ingot-table-"));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the table holds what was bundled, and a second run writes nothing", { skip: packages }, () =>
  inFolder((folder) => {
    const args = [
      join(web, "build.mjs"),
      "--out",
      join(folder, "files"),
      "--table",
      join(folder, "t.c"),
      "--depfile",
      join(folder, "t.d"),
    ];
    execFileSync(process.execPath, args);
    const table = readTable(readFileSync(join(folder, "t.c"), "utf8"));
    assert.deepEqual(
      [...table.keys()],
      ["/console/app.css", "/console/app.js", "/console/icon.svg", "/console/index.html", "/widget.js"],
    );
    for (const [path, f] of table) assert.ok(f.bytes.equals(readFileSync(join(folder, "files", path))), path);
    assert.match(table.get("/widget.js").type, /^text\/javascript/);
    assert.match(readFileSync(join(folder, "t.d"), "utf8"), /src\/console\/pages\/ask\.tsx/);
    const before = statSync(join(folder, "t.c")).mtimeMs;
    execFileSync(process.execPath, args);
    assert.equal(statSync(join(folder, "t.c")).mtimeMs, before);
  }),
);

test("the page carries no script or style inside", { skip: packages }, () => {
  const page = readFileSync(join(web, "src/console/index.html"), "utf8");
  assert.doesNotMatch(page, /<style|style=|<script(?![^>]*src=)|\son\w+=/);
});

test("without npm's packages there is a page that tells how to get the console", () =>
  inFolder((folder) => {
    mkdirSync(join(folder, "web"));
    for (const name of ["build.sh", "plain.html"]) cpSync(join(web, name), join(folder, "web", name));
    execFileSync(join(folder, "web/build.sh"), [join(folder, "files"), join(folder, "t.c"), join(folder, "t.d")], {
      stdio: "ignore",
    });
    const table = readTable(readFileSync(join(folder, "t.c"), "utf8"));
    assert.deepEqual([...table.keys()], ["/console/index.html"]);
    assert.ok(table.get("/console/index.html").bytes.equals(readFileSync(join(web, "plain.html"))));
  }));

test("TypeScript finds no fault", { skip: packages }, () => {
  execFileSync(process.execPath, [join(web, "node_modules/typescript/bin/tsc"), "-p", web], { stdio: "pipe" });
});
