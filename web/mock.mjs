// web/mock.mjs: the routes of docs/LOOP.md in a few hundred lines, with a desk's worth of data, for work on the pages and for their
// tests. It keeps what it is told in memory, checks keys, cookies, X-Ingot and origins as the program does, and answers by
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

const types = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
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
  const x = grams(a), y = grams(b);
  let both = 0;
  for (const g of x) if (y.has(g)) both++;
  return both / Math.max(1, Math.min(x.size, y.size));
}

export function makeMock({ files, origins = [] }) {
  const d = makeData();
  const links = new Set(["once"]), sessions = new Map(), keys = new Map(d.keys.map((k) => [k.secret, k]));
  let counter = 100;
  const id = (kind) => `${kind}-${(++counter).toString(36).padStart(8, "0")}`;
  const feature = (name) => d.features.find((f) => f.name === name) ?? refuse(404, `there is no feature '${name}'`, "feature_not_found");
  const refuse = (...a) => {
    throw new Refusal(...a);
  };
  const versionOf = (f, n) => f.versions.find((v) => v.number === n) ?? refuse(404, `there is no version ${n}`, "version_not_found");

  function answer(f, body) {
    const question = body.question ?? refuse(400, "'question' is missing", "missing_required_parameter", "question");
    const scored = f.content.filter((i) => !i.withdrawn_at).map((i) => ({ i, score: Math.max(...[i.title, ...(i.body.also ?? [])].map((q) => similarity(q, question))) }))
      .sort((a, b) => b.score - a.score);
    const person = /人工|person|human/i.test(question), best = scored[0], zh = /[\u4e00-\u9fff]/.test(question);
    const outcome = person ? "person" : best && best.score > 0.5 ? "answered" : "unknown";
    const hint = ({ i, score }) => ({ item: i.id, title: i.title, score });
    const said = outcome === "answered"
      ? { text: best.i.body.answer, language: zh ? "zh" : "en", written: false, other_language: false,
          sources: [{ ...hint(best), passage: best.i.body.answer, source: best.i.source, line: best.i.line }], suggestions: [] }
      : { text: "", language: zh ? "zh" : "en", written: false, other_language: false, sources: [], suggestions: person ? [] : scored.slice(0, 2).map(hint) };
    const made = { id: id("int"), feature: f.name, version: f.live, conversation: body.conversation ?? id("con"), outcome,
      confidence: Math.min(0.97, best?.score ?? 0), answer: said, seconds: 0.0021 };
    d.interactions.unshift({ ...made, number: counter, candidate: false, user: null, consent: true, at: now(), request: { question }, feedback: [], scored: scored.slice(0, 4) });
    return made;
  }

  function feedback(b, staff) {
    const i = d.interactions.find((x) => x.id === b.interaction) ?? refuse(404, "there is no such interaction", "interaction_not_found");
    if (b.type === "correction" && !b.correction?.answer && !b.correction?.item) refuse(400, "give 'answer' or 'item'", "invalid_value", "correction.answer");
    if (["like", "dislike", "none"].includes(b.type)) i.feedback = i.feedback.filter((f) => !["like", "dislike"].includes(f.type));
    const made = { id: id("fb"), type: b.type, reason: b.reason ?? null, correction: b.correction ?? null, staff, value: 0, at: now() };
    if (b.type !== "none") i.feedback.push(made);
    if (b.type === "correction") for (const r of Object.values(d.reports)) for (const list of ["unanswered", "disliked"]) r[list] = r[list].filter((g) => !g.interactions.includes(i.id));
    return { id: made.id, interaction: i.id, type: b.type };
  }

  function addContent(f, upload, force) {
    if (!upload.files.length) refuse(400, "there is no content in the request: send files, 'items' or 'url'", "missing_required_parameter");
    const result = { feature: f.name, kind: f.kind, version: 0, items: 0, read: 0, bad: 0, notes: [], broken: [] };
    const fresh = [];
    for (const file of upload.files) file.text.split(/\r?\n/).forEach((text, n) => {
      const [title, ...rest] = text.split(",");
      if (!text || (n === 0 && title === "question")) return;
      if (rest.length) fresh.push({ id: id("item"), title, source: file.name, line: n + 1, added_at: now(), changed_at: now(), withdrawn_at: 0, body: { title, answer: rest.join(",") } });
      else result.notes.push({ level: "bad", file: file.name, line: n + 1, message: "the row has 1 column where 2 were expected" });
    });
    Object.assign(result, { read: fresh.length, bad: result.notes.length });
    if (!force && upload.files.some((x) => x.name.includes("break")))
      refuse(409, "1 answers that are known to be right would break; look at them, then use force", "answers_break", null,
        { result: { ...result, broken: [{ request: { question: "退款多久到账？" }, expected: { item: "退款多久到账？" }, from: { item: "退款多久到账？" }, to: { item: "换货" } }] } });
    f.content = [...fresh, ...f.content.filter((i) => !fresh.some((x) => x.title === i.title))];
    publish(f, "content");
    f.items = f.content.length;
    return { ...result, version: f.live, items: f.items };
  }
  function publish(f, reason) {
    const number = Math.max(...f.versions.map((v) => v.number)) + 1;
    f.versions.unshift({ number, status: "complete", reason, parent: f.live, created_at: now(), finished_at: now(), who: "local", metrics: versionOf(f, f.live).metrics, comparison: null });
    f.live = number;
  }

  /* Learning takes eight turns of a quarter of a second; then there is a candidate. */
  function improve(f) {
    if (d.jobs.some((j) => j.feature === f.name && j.status === "running")) refuse(409, "this feature is being trained", "busy");
    const job = { id: id("job"), kind: "improve", feature: f.name, status: "running", progress: { stage: "train", share: 0, detail: "" }, result: null, error: null,
      created_at: now(), started_at: now(), finished_at: null, events: [{ at: now(), level: "info", message: "380 cases from 512 pieces of feedback", data: null }] };
    d.jobs.unshift(job);
    let step = 0;
    const timer = setInterval(() => {
      if (job.status !== "running") return clearInterval(timer);
      step++;
      job.progress = { stage: "train", share: step / 8, detail: `step ${step * 50}` };
      job.events.push({ at: now(), level: "info", message: `step ${step * 50}`, data: { step: step * 50, loss: 2.1 * Math.exp(-step / 3) + 0.2, held_out_loss: 2.1 * Math.exp(-step / 3.5) + 0.35 } });
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
  const routes = [
    ["GET", "/v1/kinds", "app", () => ({ kinds: d.kinds })],
    ["GET", "/v1/models", "app", () => ({ object: "list", data: d.models })],
    ["GET", "/v1/features", "app", () => ({ features: d.features.map(shown) })],
    ["POST", "/v1/features", "admin", (c) => {
      const name = c.upload.texts.name;
      if (d.features.some((f) => f.name === name)) refuse(409, `there is a feature '${name}' already`, "name_taken", "name");
      const f = d.emptyFeature(id("feat"), name, JSON.parse(c.upload.texts.settings ?? "{}"), now());
      d.features.push(f);
      d.reports[name] = d.emptyReport(now());
      if (c.upload.files.length) addContent(f, c.upload, false);
      return [201, shown(f)];
    }],
    ["GET", "/v1/features/:name", "app", (c) => shown(feature(c.name))],
    ["PATCH", "/v1/features/:name", "admin", (c) => {
      const f = feature(c.name);
      if (c.body.candidate) Object.assign(f, { candidate: c.body.candidate.version, share: c.body.candidate.share });
      if (c.body.settings) {
        const t = c.body.settings.threshold;
        if (t !== undefined && !(t >= 0 && t <= 1)) refuse(400, "'threshold' must be 0 … 1", "invalid_value", "settings.threshold");
        f.settings = c.body.settings;
        publish(f, "settings");
      }
      return shown(f);
    }],
    ["DELETE", "/v1/features/:name", "admin", (c) => {
      d.features.splice(d.features.indexOf(feature(c.name)), 1);
      return { name: c.name, deleted: true };
    }],
    ["GET", "/v1/features/:name/content", "staff", (c) => {
      const q = c.query.get("query") ?? "", at = Number(c.query.get("offset") ?? 0);
      const all = feature(c.name).content.filter((i) => JSON.stringify(i.body).toLowerCase().includes(q.toLowerCase()));
      return { items: all.slice(at, at + Number(c.query.get("limit") ?? 50)), total: all.length };
    }],
    ["POST", "/v1/features/:name/content", "staff", (c) => addContent(feature(c.name), c.upload, c.query.get("force") === "1")],
    ["DELETE", "/v1/features/:name/content/:item", "staff", (c) => {
      const i = feature(c.name).content.find((x) => x.id === c.item) ?? refuse(404, "there is no such item", "item_not_found");
      i.withdrawn_at = now();
      return { withdrawn: 1 };
    }],
    ["POST", "/v1/features/:name/ask", "public", (c) => answer(feature(c.name), c.body)],
    ["GET", "/v1/features/:name/interactions", "staff", (c) => {
      const q = (n) => c.query.get(n);
      const list = d.interactions.filter((i) => i.feature === c.name && (!q("outcome") || i.outcome === q("outcome")) &&
        (!q("type") || i.feedback.some((f) => f.type === q("type"))) && (q("rated") !== "1" || i.feedback.length));
      return { interactions: list.slice(0, Number(q("limit") ?? 50)) };
    }],
    ["GET", "/v1/interactions/:id", "staff", (c) => d.interactions.find((i) => i.id === c.id) ?? refuse(404, "there is no such interaction")],
    ["GET", "/v1/interactions/:id/explain", "staff", (c) => {
      const i = d.interactions.find((x) => x.id === c.id) ?? refuse(404, "there is no such interaction");
      return { question: i.request.question, language: i.answer.language, confidence: i.confidence, threshold: 0.5,
        candidates: (i.scored ?? []).map(({ i: x, score }, n) => ({ title: x.title, score, parts: { words: score, classifier: Math.max(0, score - 0.1 * n), feedback: n ? 0 : 0.2 } })) };
    }],
    ["POST", "/v1/feedback", "public", (c) => feedback(c.body, order.indexOf(c.key.role) >= 2)],
    ["POST", "/v1/features/:name/improve", "admin", (c) => [202, improve(feature(c.name))]],
    ["GET", "/v1/jobs", "staff", () => ({ jobs: d.jobs.map((j) => ({ ...j, events: undefined })) })],
    ["GET", "/v1/jobs/:id", "staff", (c) => d.jobs.find((j) => j.id === c.id) ?? refuse(404, "there is no such job", "job_not_found")],
    ["POST", "/v1/jobs/:id/cancel", "staff", (c) => Object.assign(d.jobs.find((j) => j.id === c.id) ?? refuse(404, "there is no such job"), { status: "cancelled", finished_at: now() })],
    ["GET", "/v1/features/:name/versions", "app", (c) => (({ versions, live, candidate, share }) => ({ versions, live, candidate, share }))(feature(c.name))],
    ["GET", "/v1/features/:name/compare", "staff", (c) => ({ ...d.comparison, feature: c.name, from: Number(c.query.get("from")), to: Number(c.query.get("to")) })],
    ["POST", "/v1/features/:name/promote", "admin", (c) => {
      const f = feature(c.name), v = versionOf(f, c.body.version || f.candidate);
      if (v.comparison?.verdict === "worse" && !c.body.force) refuse(409, "2 questions were fixed and 19 broken", "worse");
      f.before = f.live;
      f.live = v.number;
      if (f.candidate === v.number) f.candidate = 0;
      return shown(f);
    }],
    ["POST", "/v1/features/:name/rollback", "admin", (c) => {
      const f = feature(c.name);
      if (!f.before) refuse(409, "no version was live before", "nothing_before");
      f.live = f.before;
      f.before = 0;
      return shown(f);
    }],
    ["GET", "/v1/features/:name/report", "staff", (c) => {
      const since = Number(c.query.get("since") ?? 0), r = d.reports[feature(c.name).name];
      return { ...r, since, days: r.days.filter((x) => Date.parse(x.day) / 1000 >= since - 86400) };
    }],
    ["POST", "/v1/tickets", "public", (c) => {
      const i = d.interactions.find((x) => x.conversation === c.body.conversation);
      const k = { id: id("tkt"), feature: c.key.feature ?? "desk", conversation: c.body.conversation ?? id("con"), interaction: i?.id ?? null, status: "open", subject: c.body.text.slice(0, 80),
        contact: c.body.contact ?? "", user: c.body.user ?? null, created_at: now(), changed_at: now(), messages: [{ id: id("msg"), from: "user", text: c.body.text, at: now() }] };
      d.tickets.unshift(k);
      return [201, k];
    }],
    ["GET", "/v1/tickets", "staff", (c) => ({ tickets: d.tickets.filter((k) => !c.query.get("status") || k.status === c.query.get("status")), has_more: false })],
    ["GET", "/v1/tickets/:id", "staff", (c) => {
      const k = d.tickets.find((x) => x.id === c.id) ?? refuse(404, "there is no such ticket", "ticket_not_found");
      return { ...k, interactions: d.interactions.filter((i) => i.conversation === k.conversation) };
    }],
    ["POST", "/v1/tickets/:id/messages", "staff", (c) => {
      const k = d.tickets.find((x) => x.id === c.id) ?? refuse(404, "there is no such ticket", "ticket_not_found");
      if (c.body.learn && !k.interaction) refuse(409, "this ticket came from no question that an answer could be learned for", "nothing_to_learn", "learn");
      if (c.body.learn) feedback({ interaction: k.interaction, type: "correction", correction: { answer: c.body.text } }, true);
      const m = { id: id("msg"), from: "staff", who: c.key.id, text: c.body.text, at: now() };
      k.messages.push(m);
      Object.assign(k, { status: "answered", changed_at: now() });
      return [201, m];
    }],
    ["POST", "/v1/tickets/:id/close", "staff", (c) => Object.assign(d.tickets.find((x) => x.id === c.id) ?? refuse(404, "there is no such ticket"), { status: "closed" })],
    ["GET", "/v1/keys", "admin", () => ({ keys: [...keys.values()].map((k) => ({ ...k, secret: undefined })), has_more: false })],
    ["POST", "/v1/keys", "admin", (c) => {
      if (c.body.role === "public" && !c.body.origins?.every((o) => /^https?:\/\/[^/ ]+$|^\*$/.test(o))) refuse(400, "'origins' are as \"https://shop.example\", without a path", "invalid_value", "origins");
      const k = { id: id("key"), secret: `ig-${id("s")}`, ...c.body, created_at: now(), last_used_at: 0, revoked_at: 0 };
      keys.set(k.secret, k);
      return [201, k];
    }],
    ["DELETE", "/v1/keys/:id", "admin", (c) => Object.assign([...keys.values()].find((k) => k.id === c.id) ?? refuse(404, "there is no such key"), { revoked_at: now() })],
    ["POST", "/v1/widget/visitor", "public", () => ({ visitor: `${id("v")}.signed` })],
    ["GET", "/v1/widget/messages", "public", (c) => {
      const k = d.tickets.find((x) => x.user === c.query.get("visitor"));
      return { messages: k?.messages ?? [], status: k?.status ?? null };
    }],
  ].map(([method, path, role, run]) => ({ method, role, run, names: [...path.matchAll(/:(\w+)/g)].map((m) => m[1]), pattern: new RegExp(`^${path.replace(/:\w+/g, "([^/]+)")}$`) }));

  const cookieOf = (req) => /ingot=([^;]+)/.exec(req.headers.cookie ?? "")?.[1];
  const asSession = (k) => ({ key: k.id, name: k.name, role: k.role });

  function session(req, res, body) {
    if (req.method === "GET") return asSession(sessions.get(cookieOf(req)) ?? refuse(401, "nobody is signed in", "not_signed_in"));
    if (req.headers["x-ingot"] !== "1") refuse(403, "the header X-Ingot: 1 is missing", "cross_site");
    if (req.method === "DELETE") return sessions.delete(cookieOf(req)), { signed_out: true };
    const k = body.link ? links.delete(body.link) && keys.get("ig-admin") : keys.get(body.key);
    if (!k || k.revoked_at) refuse(401, body.link ? "the link is not valid any more: it was used, or is too old; sign in with a key"
      : "the API key is not valid: it is unknown, revoked or has expired", "not_signed_in");
    const secret = id("ses");
    sessions.set(secret, k);
    res.setHeader("Set-Cookie", `ingot=${secret}; Path=/; HttpOnly; SameSite=Strict`);
    return asSession(k);
  }

  function who(req) {
    const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1];
    const k = bearer ? keys.get(bearer) : sessions.get(cookieOf(req));
    if (!k || k.revoked_at) refuse(401, "no valid key was given", "invalid_api_key");
    if (!bearer && req.method !== "GET" && req.headers["x-ingot"] !== "1") refuse(403, "the header X-Ingot: 1 is missing", "cross_site");
    if (k.role === "public" && ![...origins, ...(k.origins ?? [])].includes(req.headers.origin ?? "")) refuse(403, "this key may not be used from this page", "origin_not_allowed");
    return k;
  }

  async function run(req, res, url) {
    const type = req.headers["content-type"] ?? "", bytes = [];
    for await (const piece of req) bytes.push(piece);
    const raw = Buffer.concat(bytes), body = type.includes("json") && raw.length ? JSON.parse(raw) : {};
    if (url.pathname === "/v1/session") return session(req, res, body);
    const key = who(req);
    const found = routes.find((r) => r.method === req.method && r.pattern.test(url.pathname)) ?? refuse(404, `unknown route ${req.method} ${url.pathname}`, "unknown_url");
    if (order.indexOf(key.role) < order.indexOf(found.role)) refuse(403, `this needs a key of the role ${found.role}`, "insufficient_permissions");
    const values = found.pattern.exec(url.pathname).slice(1).map(decodeURIComponent);
    const upload = { files: [], texts: {} };
    if (type.startsWith("multipart/form-data"))
      for (const [name, v] of await new Response(raw, { headers: { "content-type": type } }).formData())
        if (typeof v === "string") upload.texts[name] = v;
        else upload.files.push({ field: name, name: v.name, text: await v.text() });
    return found.run({ ...Object.fromEntries(found.names.map((n, i) => [n, values[i]])), body, key, upload, query: url.searchParams });
  }

  function serveFile(res, path) {
    const name = path === "/" || (path.startsWith("/console") && !path.includes(".")) ? "/console/index.html" : normalize(path);
    const file = join(files, name);
    if (!existsSync(file) || !statSync(file).isFile()) return res.writeHead(404).end();
    res.writeHead(200, { "Content-Type": types[name.split(".").pop()], "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
      "Cross-Origin-Resource-Policy": name === "/widget.js" ? "cross-origin" : "same-origin" });
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
      send(e.status ?? 500, { error: { message: e.message, type: "invalid_request_error", code: e.code ?? null, param: e.param ?? null }, ...(e.more ?? {}) });
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: args } = parseArgs({ options: { files: { type: "string", default: "build/web" }, port: { type: "string", default: "8099" }, origin: { type: "string", multiple: true, default: [] } } });
  makeMock({ files: args.files, origins: args.origin }).listen(Number(args.port), "127.0.0.1", () => console.log(`http://127.0.0.1:${args.port}/console/ (key ig-admin)`));
}
