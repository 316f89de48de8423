// The dictionaries have the same keys and parameters; no page says a sentence of its own; no HTML is made from strings.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const source = join(dirname(fileURLToPath(import.meta.url)), "../../web/src");
const read = (path) => readFileSync(join(source, path), "utf8");

/* `key: "…"` pairs of a dictionary, as they stand in the file. */
function entries(text) {
  return new Map([...text.matchAll(/(?<=[{,]\s*|^\s*)(\w+):\s+("(?:[^"\\]|\\.)*")/gm)].map((m) => [m[1], JSON.parse(m[2])]));
}
const parameters = (sentence) => [...sentence.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

function compare(en, zh) {
  assert.ok(en.size > 20);
  assert.deepEqual([...zh.keys()].sort(), [...en.keys()].sort());
  for (const [key, sentence] of en) {
    assert.deepEqual(parameters(zh.get(key)), parameters(sentence), key);
    assert.notEqual(zh.get(key).trim(), "", key);
  }
}

test("the console's dictionaries match", () => {
  const en = entries(read("console/words/en.ts"));
  assert.ok(en.size > 200);
  compare(en, entries(read("console/words/zh.ts")));
});

test("the widget's dictionaries match", () => {
  const [en, zh] = read("widget/words.ts").split("const zh");
  compare(entries(en), entries(zh.split("};")[0]));
});

const files = readdirSync(source, { recursive: true }).filter((f) => /\.tsx?$/.test(f) && !f.includes("words"));

test("every key that a page names is in the dictionary, and every key is named", () => {
  const en = entries(read("console/words/en.ts"));
  const text = files
    .filter((f) => f.startsWith("console"))
    .map(read)
    .join("\n");
  for (const [, key] of text.matchAll(/\bt\("(\w+)"/g)) assert.ok(en.has(key), key);
  const families = [...text.matchAll(/named\("(\w+)"/g), ...text.matchAll(/t\(`(\w+)_\$/g)].map((m) => m[1] + "_");
  for (const key of en.keys())
    assert.ok(
      text.includes(`"${key}"`) || families.some((f) => key.startsWith(f)) || /^(fixed|broken|changed)_help$/.test(key),
      `nobody says ${key}`,
    );
});

test("no HTML from strings, no eval, nothing from elsewhere", () => {
  for (const f of files) {
    const text = read(f);
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|new Function/, f);
    assert.doesNotMatch(
      text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/placeholder|xmlns|http:\/\/www\.w3\.org\/2000\/svg/g, ""),
      /["'`]https?:\/\/[a-z]/,
      f,
    );
  }
});
