// The real program with a tiny model: a workspace in a temporary folder, keys, and a server on a free port.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = process.env.INGOT_ROOT ?? new URL("../..", import.meta.url).pathname;
export const program = process.env.INGOT ?? join(root, "build/ingot");

/** The official client, or null where `npm ci` in tests/node was not run. */
export function officialClient() {
  try {
    return createRequire(join(root, "tests/node/package.json"))("openai");
  } catch {
    return null;
  }
}

// Byte-level BPE: every text encodes, and every byte can be generated.
const recipe = (name, context, extra) => `
name: ${name}
seed: 1
model:
  config: {model_type: gpt2, n_embd: 32, n_layer: 1, n_head: 2, n_positions: ${context}}
tokenizer: {kind: bpe, vocab_size: 280}
data: {train: text.txt, validation: 0.1}
train: {steps: 8, batch: 2, context: 32, precision: f32}
optimiser: {name: adamw, lr: 1e-2}
evaluate: {every: 4}
${extra ?? ""}`;

export class Workspace {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "ingot-server-"));
    writeFileSync(join(this.dir, "text.txt"), 'user: hello\nassistant: {"name": "the quick brown fox", "n": 12}\n春眠不觉晓\n'.repeat(60));
    this.run("init");
    this.train("tiny", 512);
    cpSync(join(this.dir, "models/tiny"), join(this.dir, "models/templated"), { recursive: true });
    writeFileSync(
      join(this.dir, "models/templated/chat_template.jinja"),
      "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}[{{ m.role }}] {{ m.content }}\n{% endfor %}",
    );
  }
  run(...args) {
    return execFileSync(program, args, { cwd: this.dir, env: { ...process.env, OMP_NUM_THREADS: "1", LANG: "C" }, stdio: ["ignore", "pipe", "pipe"] });
  }
  train(name, context) {
    writeFileSync(join(this.dir, `${name}.yaml`), recipe(name, context));
    this.run("train", `${name}.yaml`, "--quiet");
  }
  key(...options) {
    return JSON.parse(this.run("key", "new", "--json", ...options)).secret;
  }
  close() {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export class Server {
  /** Resolves when the server listens; `log` collects what it writes to standard error. */
  static async start(workspace, ...options) {
    const s = new Server();
    s.log = "";
    s.child = spawn(program, ["serve", "--port", "0", ...options], {
      cwd: workspace.dir, env: { ...process.env, OMP_NUM_THREADS: "1", LANG: "C" }, stdio: ["ignore", "ignore", "pipe"],
    });
    s.ended = new Promise((resolve) => s.child.on("exit", (code) => resolve(code)));
    await new Promise((resolve, reject) => {
      s.child.stderr.on("data", (bytes) => {
        s.log += bytes;
        const found = /serving on (\S+)\/v1/.exec(s.log);
        if (found) (s.url = found[1]), resolve();
      });
      s.child.on("exit", () => reject(new Error(s.log)));
    });
    return s;
  }
  /** Ask for the end, and wait for it; the exit code. */
  stop() {
    this.child.kill("SIGTERM");
    return this.ended;
  }
  fetch(path, options = {}) {
    const { key, body, ...rest } = options;
    const headers = { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...(body !== undefined ? { "Content-Type": "application/json" } : {}), ...rest.headers };
    return fetch(this.url + path, { method: body === undefined ? "GET" : "POST", body, ...rest, headers });
  }
}
