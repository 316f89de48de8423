// web/build.mjs: bundles the console and the widget, and writes them as a C table for the program (src/server/web_files.h).
//
//     src/console/main.tsx, style/all.css ──► OUT/console/app.js, app.css        src/widget/main.ts ──► OUT/widget.js
//     index.html, icon.svg ──► OUT/console/                                     all of OUT ──► the C table
//
//     node web/build.mjs --out FOLDER [--table FILE.c] [--depfile FILE.d]
//
// A file is written only when it changed. Nothing is fetched, neither now nor by the pages.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values: args } = parseArgs({
  options: { out: { type: "string" }, table: { type: "string" }, depfile: { type: "string" } },
});
if (!args.out) {
  console.error("usage: node web/build.mjs --out FOLDER [--table FILE.c] [--depfile FILE.d]");
  process.exit(2);
}

const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

function writeChanged(path, bytes) {
  mkdirSync(dirname(path), { recursive: true });
  try {
    if (readFileSync(path).equals(bytes)) return;
  } catch {}
  writeFileSync(path, bytes);
}

const common = {
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  charset: "utf8",
  legalComments: "none",
  target: ["es2021"],
  format: "iife",
  absWorkingDir: here,
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};
const bundles = [
  ["/console/app.js", "src/console/main.tsx"],
  ["/console/app.css", "src/console/style/all.css"],
  ["/widget.js", "src/widget/main.ts"],
];
const copies = [
  ["/console/index.html", "src/console/index.html"],
  ["/console/icon.svg", "src/console/icon.svg"],
];

const files = [];
const inputs = new Set(["build.mjs", "package-lock.json"]);
for (const [path, entry] of bundles) {
  const made = await build({ ...common, entryPoints: [entry], outfile: "out" + path });
  for (const input of Object.keys(made.metafile.inputs)) inputs.add(input);
  files.push([path, Buffer.from(made.outputFiles[0].contents)]);
}
for (const [path, source] of copies) {
  inputs.add(source);
  files.push([path, readFileSync(join(here, source))]);
}
files.sort(([a], [b]) => (a < b ? -1 : 1));
for (const [path, bytes] of files) writeChanged(join(args.out, path), bytes);

/* The bytes as numbers: string literals of this length are beyond what C promises. */
function cBytes(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push("    " + [...bytes.subarray(i, i + 32)].join(",") + ",");
  return lines.join("\n");
}
if (args.table) {
  const type = (path) => types[path.slice(path.lastIndexOf(".") + 1)];
  const parts = ["/* Made by web/build.mjs from web/src. */", '#include "server/web_files.h"', ""];
  files.forEach(([path, bytes], i) =>
    parts.push(`/* ${path} */`, `static const unsigned char file_${i}[] = {`, cBytes(bytes), "};"),
  );
  parts.push("", "const web_file web_files[] = {");
  files.forEach(([path], i) => parts.push(`    {"${path}", "${type(path)}", file_${i}, sizeof file_${i}},`));
  parts.push("    {0},", "};", "");
  writeChanged(args.table, Buffer.from(parts.join("\n")));
}
if (args.depfile) {
  const from = (p) => relative(process.cwd(), resolve(here, p)).replace(/ /g, "\\ ");
  writeFileSync(args.depfile, `${args.table ?? args.out}: ${[...inputs].map(from).join(" ")}\n`);
}
