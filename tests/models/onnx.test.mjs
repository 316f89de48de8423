// Exported models in ONNX Runtime give what Ingot computes.   node --test onnx.test.mjs, with WRITE_ONNX=…/write_onnx
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

let ort = null;
try {
  ort = createRequire(join(process.env.INGOT_ROOT, "tests/node/package.json"))("onnxruntime-node");
} catch {
  test("ONNX Runtime", { skip: "npm ci in tests/node installs onnxruntime-node" }, () => {});
}

const dir = mkdtempSync(join(tmpdir(), "ingot-onnx-"));
after(() => rmSync(dir, { recursive: true }));
if (ort) execFileSync(process.env.WRITE_ONNX, [dir], { stdio: ["ignore", "ignore", "inherit"] });

// What stands behind the end of a text has no meaning.
function counts(run, i) {
  if (!run.rows) return true;
  const [, steps, width] = run.shape;
  const row = Math.floor(i / width);
  return row % steps < run.lengths[Math.floor(row / steps)];
}

function distance(run, ours, theirs) {
  let difference = 0, norm = 0;
  for (let i = 0; i < ours.length; i++) {
    if (!counts(run, i)) continue;
    difference += (ours[i] - Number(theirs[i])) ** 2;
    norm += ours[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

for (const name of readdirSync(dir).filter((f) => f.endsWith(".json")).map((f) => f.slice(0, -5)).sort()) {
  test(name, async () => {
    const reference = JSON.parse(readFileSync(join(dir, name + ".json"), "utf8"));
    const session = await ort.InferenceSession.create(join(dir, name + ".onnx"), { intraOpNumThreads: 1, logSeverityLevel: 3 });
    for (const run of reference.runs) {
      const feeds = {};
      for (const [key, v] of Object.entries(run.inputs)) feeds[key] = new ort.Tensor("int64", BigInt64Array.from(v.data, BigInt), v.shape);
      const result = (await session.run(feeds))[session.outputNames[0]];
      assert.deepEqual([...result.dims], run.shape);
      const off = distance(run, run.data, result.data);
      assert.ok(off <= reference.tolerance, `${JSON.stringify(run.inputs.input_ids.shape)}: off by ${off}`);
    }
    await session.release();
  });
}
