// web/mock.mjs: the routes of docs/LOOP.md (mock_routes.mjs) with a desk's worth of data (mock_data.mjs), for work on the pages
// and for their tests. It keeps what it is told in memory, checks keys, cookies, X-Ingot and origins as the program does, and answers by
// counting common letters: enough to see every state of a page.
//
//     node web/build.mjs --out build/web && node web/mock.mjs --files build/web [--port 8099]
//
// Keys: ig-admin, ig-staff, ig-public (feature desk; from the origins that --origin names). The link "once" signs in once.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeData } from "./mock_data.mjs";
import { makeRoutes } from "./mock_routes.mjs";

const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const order = ["public", "app", "staff", "admin"];

class Refusal extends Error {
  constructor(status, message, code = null, param = null, more = {}) {
    super(message);
    Object.assign(this, { status, code, param, more });
  }
}
const now = () => Math.floor(Date.now() / 1000);

function similarity(a, b) {
  const grams = (s) => new Set([...s.toLowerCase().replace(/[\s？?。，,.!]/g, "")].map((c, i, all) => c + (all[i + 1] ?? "")));
  const x = grams(a),
    y = grams(b);
  let both = 0;
  for (const g of x) if (y.has(g)) both++;
  return both / Math.max(1, Math.min(x.size, y.size));
}

export function makeMock({ files, origins = [] }) {
  const d = makeData();
  const links = new Set(["once"]),
    sessions = new Map(),
    keys = new Map(d.keys.map((k) => [k.secret, k]));
  let counter = 100;
  const id = (kind) => `${kind}-${(++counter).toString(36).padStart(8, "0")}`;
  const feature = (name) =>
    d.features.find((f) => f.name === name) ?? refuse(404, `there is no feature '${name}'`, "feature_not_found");
  const refuse = (...a) => {
    throw new Refusal(...a);
  };
  const versionOf = (f, n) =>
    f.versions.find((v) => v.number === n) ?? refuse(404, `there is no version ${n}`, "version_not_found");

  function answer(f, body) {
    const question = body.question ?? refuse(400, "'question' is missing", "missing_required_parameter", "question");
    const scored = f.content
      .filter((i) => !i.withdrawn_at)
      .map((i) => ({ i, score: Math.max(...[i.title, ...(i.body.also ?? [])].map((q) => similarity(q, question))) }))
      .sort((a, b) => b.score - a.score);
    const person = /人工|person|human/i.test(question),
      best = scored[0],
      zh = /[\u4e00-\u9fff]/.test(question);
    const outcome = person ? "person" : best && best.score > 0.5 ? "answered" : "unknown";
    const hint = ({ i, score }) => ({ item: i.id, title: i.title, score });
    const said =
      outcome === "answered"
        ? {
            text: best.i.body.answer,
            language: zh ? "zh" : "en",
            written: false,
            other_language: false,
            sources: [{ ...hint(best), passage: best.i.body.answer, source: best.i.source, line: best.i.line }],
            suggestions: [],
          }
        : {
            text: "",
            language: zh ? "zh" : "en",
            written: false,
            other_language: false,
            sources: [],
            suggestions: person ? [] : scored.slice(0, 2).map(hint),
          };
    const made = {
      id: id("int"),
      feature: f.name,
      version: f.live,
      conversation: body.conversation ?? id("con"),
      outcome,
      confidence: Math.min(0.97, best?.score ?? 0),
      answer: said,
      seconds: 0.0021,
    };
    d.interactions.unshift({
      ...made,
      number: counter,
      candidate: false,
      user: null,
      consent: true,
      at: now(),
      request: { question },
      feedback: [],
      scored: scored.slice(0, 4),
    });
    return made;
  }

  function feedback(b, staff) {
    const i =
      d.interactions.find((x) => x.id === b.interaction) ??
      refuse(404, "there is no such interaction", "interaction_not_found");
    if (b.type === "correction" && !b.correction?.answer && !b.correction?.item)
      refuse(400, "give 'answer' or 'item'", "invalid_value", "correction.answer");
    if (["like", "dislike", "none"].includes(b.type))
      i.feedback = i.feedback.filter((f) => !["like", "dislike"].includes(f.type));
    const made = {
      id: id("fb"),
      type: b.type,
      reason: b.reason ?? null,
      correction: b.correction ?? null,
      staff,
      value: 0,
      at: now(),
    };
    if (b.type !== "none") i.feedback.push(made);
    if (b.type === "correction")
      for (const r of Object.values(d.reports))
        for (const list of ["unanswered", "disliked"]) r[list] = r[list].filter((g) => !g.interactions.includes(i.id));
    return { id: made.id, interaction: i.id, type: b.type };
  }

  function addContent(f, upload, force) {
    if (!upload.files.length)
      refuse(400, "there is no content in the request: send files, 'items' or 'url'", "missing_required_parameter");
    const result = { feature: f.name, kind: f.kind, version: 0, items: 0, read: 0, bad: 0, notes: [], broken: [] };
    const fresh = [];
    for (const file of upload.files)
      file.text.split(/\r?\n/).forEach((text, n) => {
        const [title, ...rest] = text.split(",");
        if (!text || (n === 0 && title === "question")) return;
        if (rest.length)
          fresh.push({
            id: id("item"),
            title,
            source: file.name,
            line: n + 1,
            added_at: now(),
            changed_at: now(),
            withdrawn_at: 0,
            body: { title, answer: rest.join(",") },
          });
        else
          result.notes.push({
            level: "bad",
            file: file.name,
            line: n + 1,
            message: "the row has 1 column where 2 were expected",
          });
      });
    Object.assign(result, { read: fresh.length, bad: result.notes.length });
    if (!force && upload.files.some((x) => x.name.includes("break")))
      refuse(409, "1 answers that are known to be right would break; look at them, then use force", "answers_break", null, {
        result: {
          ...result,
          broken: [
            {
              request: { question: "退款多久到账？" },
              expected: { item: "退款多久到账？" },
              from: { item: "退款多久到账？" },
              to: { item: "换货" },
            },
          ],
        },
      });
    f.content = [...fresh, ...f.content.filter((i) => !fresh.some((x) => x.title === i.title))];
    publish(f, "content");
    f.items = f.content.length;
    return { ...result, version: f.live, items: f.items };
  }
  function publish(f, reason) {
    const number = Math.max(...f.versions.map((v) => v.number)) + 1;
    f.versions.unshift({
      number,
      status: "complete",
      reason,
      parent: f.live,
      created_at: now(),
      finished_at: now(),
      who: "local",
      metrics: versionOf(f, f.live).metrics,
      comparison: null,
    });
    f.live = number;
  }

  /* Learning takes eight turns of a quarter of a second; then there is a candidate. */
  function improve(f) {
    if (d.jobs.some((j) => j.feature === f.name && j.status === "running"))
      refuse(409, "this feature is being trained", "busy");
    const job = {
      id: id("job"),
      kind: "improve",
      feature: f.name,
      status: "running",
      progress: { stage: "train", share: 0, detail: "" },
      result: null,
      error: null,
      created_at: now(),
      started_at: now(),
      finished_at: null,
      events: [{ at: now(), level: "info", message: "380 cases from 512 pieces of feedback", data: null }],
    };
    d.jobs.unshift(job);
    let step = 0;
    const timer = setInterval(() => {
      if (job.status !== "running") return clearInterval(timer);
      step++;
      job.progress = { stage: "train", share: step / 8, detail: `step ${step * 50}` };
      job.events.push({
        at: now(),
        level: "info",
        message: `step ${step * 50}`,
        data: { step: step * 50, loss: 2.1 * Math.exp(-step / 3) + 0.2, held_out_loss: 2.1 * Math.exp(-step / 3.5) + 0.35 },
      });
      if (step < 8) return;
      clearInterval(timer);
      Object.assign(job, { status: "succeeded", finished_at: now(), progress: null, result: { version: d.candidate.number } });
      if (!f.versions.some((v) => v.number === d.candidate.number)) f.versions.unshift(d.candidate);
      f.candidate = d.candidate.number;
    }, 250);
    timer.unref();
    return job;
  }

  const shown = (f) => ({ ...f, content: undefined });
  const routes = makeRoutes({
    d,
    id,
    now,
    refuse,
    feature,
    versionOf,
    keys,
    answer,
    feedback,
    addContent,
    publish,
    improve,
    shown,
    order,
  }).map(([method, path, role, run]) => ({
    method,
    role,
    run,
    names: [...path.matchAll(/:(\w+)/g)].map((m) => m[1]),
    pattern: new RegExp(`^${path.replace(/:\w+/g, "([^/]+)")}$`),
  }));

  const cookieOf = (req) => /ingot=([^;]+)/.exec(req.headers.cookie ?? "")?.[1];
  const asSession = (k) => ({ key: k.id, name: k.name, role: k.role });

  function session(req, res, body) {
    if (req.method === "GET")
      return asSession(sessions.get(cookieOf(req)) ?? refuse(401, "nobody is signed in", "not_signed_in"));
    if (req.headers["x-ingot"] !== "1") refuse(403, "the header X-Ingot: 1 is missing", "cross_site");
    if (req.method === "DELETE") return (sessions.delete(cookieOf(req)), { signed_out: true });
    const k = body.link ? links.delete(body.link) && keys.get("ig-admin") : keys.get(body.key);
    if (!k || k.revoked_at)
      refuse(
        401,
        body.link
          ? "the link is not valid any more: it was used, or is too old; sign in with a key"
          : "the API key is not valid: it is unknown, revoked or has expired",
        "not_signed_in",
      );
    const secret = id("ses");
    sessions.set(secret, k);
    res.setHeader("Set-Cookie", `ingot=${secret}; Path=/; HttpOnly; SameSite=Strict`);
    return asSession(k);
  }

  function who(req) {
    const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1];
    const k = bearer ? keys.get(bearer) : sessions.get(cookieOf(req));
    if (!k || k.revoked_at) refuse(401, "no valid key was given", "invalid_api_key");
    if (!bearer && req.method !== "GET" && req.headers["x-ingot"] !== "1")
      refuse(403, "the header X-Ingot: 1 is missing", "cross_site");
    if (k.role === "public" && ![...origins, ...(k.origins ?? [])].includes(req.headers.origin ?? ""))
      refuse(403, "this key may not be used from this page", "origin_not_allowed");
    return k;
  }

  async function run(req, res, url) {
    const type = req.headers["content-type"] ?? "",
      bytes = [];
    for await (const piece of req) bytes.push(piece);
    const raw = Buffer.concat(bytes),
      body = type.includes("json") && raw.length ? JSON.parse(raw) : {};
    if (url.pathname === "/v1/session") return session(req, res, body);
    const key = who(req);
    const found =
      routes.find((r) => r.method === req.method && r.pattern.test(url.pathname)) ??
      refuse(404, `unknown route ${req.method} ${url.pathname}`, "unknown_url");
    if (order.indexOf(key.role) < order.indexOf(found.role))
      refuse(403, `this needs a key of the role ${found.role}`, "insufficient_permissions");
    const values = found.pattern.exec(url.pathname).slice(1).map(decodeURIComponent);
    const upload = { files: [], texts: {} };
    if (type.startsWith("multipart/form-data"))
      for (const [name, v] of await new Response(raw, { headers: { "content-type": type } }).formData())
        if (typeof v === "string") upload.texts[name] = v;
        else upload.files.push({ field: name, name: v.name, text: await v.text() });
    return found.run({
      ...Object.fromEntries(found.names.map((n, i) => [n, values[i]])),
      body,
      key,
      upload,
      query: url.searchParams,
    });
  }

  function serveFile(res, path) {
    const name = path === "/" || (path.startsWith("/console") && !path.includes(".")) ? "/console/index.html" : normalize(path);
    const file = join(files, name);
    if (!existsSync(file) || !statSync(file).isFile()) return res.writeHead(404).end();
    res.writeHead(200, {
      "Content-Type": types[name.split(".").pop()],
      "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff",
      "Cross-Origin-Resource-Policy": name === "/widget.js" ? "cross-origin" : "same-origin",
    });
    createReadStream(file).pipe(res);
  }

  return createServer(async (req, res) => {
    const url = new URL(req.url, "http://mock");
    const origin = req.headers.origin;
    if (origin && [...origins, ...[...keys.values()].flatMap((k) => k.origins ?? [])].includes(origin)) {
      res.setHeader("Access-Control-Allow-Origin", origin);
      res.setHeader("Access-Control-Allow-Headers", "authorization, content-type");
      res.setHeader("Access-Control-Allow-Methods", "GET, POST");
    }
    if (req.method === "OPTIONS") return res.writeHead(204).end();
    if (!url.pathname.startsWith("/v1/")) return serveFile(res, url.pathname);
    const send = (status, value) => res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    try {
      const value = await run(req, res, url);
      Array.isArray(value) ? send(value[0], value[1]) : send(200, value);
    } catch (e) {
      if (!(e instanceof Refusal)) console.error(e);
      send(e.status ?? 500, {
        error: { message: e.message, type: "invalid_request_error", code: e.code ?? null, param: e.param ?? null },
        ...(e.more ?? {}),
      });
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: args } = parseArgs({
    options: {
      files: { type: "string", default: "build/web" },
      port: { type: "string", default: "8099" },
      origin: { type: "string", multiple: true, default: [] },
    },
  });
  makeMock({ files: args.files, origins: args.origin }).listen(Number(args.port), "127.0.0.1", () =>
    console.log(`http://127.0.0.1:${args.port}/console/ (key ig-admin)`),
  );
}
