// web/mock_routes.mjs: the table of routes of the mock server: [method, path, least role, what it does]. What it does is given the
// names in the path, the query, the body or the upload, and the key; it returns a value, or [status, value].
export function makeRoutes({
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
}) {
  return [
    ["GET", "/v1/kinds", "app", () => ({ kinds: d.kinds })],
    ["GET", "/v1/models", "app", () => ({ object: "list", data: d.models })],
    ["GET", "/v1/features", "app", () => ({ features: d.features.map(shown) })],
    [
      "POST",
      "/v1/features",
      "admin",
      (c) => {
        const name = c.upload.texts.name;
        if (d.features.some((f) => f.name === name)) refuse(409, `there is a feature '${name}' already`, "name_taken", "name");
        const f = d.emptyFeature(id("feat"), name, JSON.parse(c.upload.texts.settings ?? "{}"), now());
        d.features.push(f);
        d.reports[name] = d.emptyReport(now());
        if (c.upload.files.length) addContent(f, c.upload, false);
        return [201, shown(f)];
      },
    ],
    ["GET", "/v1/features/:name", "app", (c) => shown(feature(c.name))],
    [
      "PATCH",
      "/v1/features/:name",
      "admin",
      (c) => {
        const f = feature(c.name);
        if (c.body.candidate) Object.assign(f, { candidate: c.body.candidate.version, share: c.body.candidate.share });
        if (c.body.settings) {
          const t = c.body.settings.threshold;
          if (t !== undefined && !(t >= 0 && t <= 1))
            refuse(400, "'threshold' must be 0 … 1", "invalid_value", "settings.threshold");
          f.settings = c.body.settings;
          publish(f, "settings");
        }
        return shown(f);
      },
    ],
    [
      "DELETE",
      "/v1/features/:name",
      "admin",
      (c) => {
        d.features.splice(d.features.indexOf(feature(c.name)), 1);
        return { name: c.name, deleted: true };
      },
    ],
    [
      "GET",
      "/v1/features/:name/content",
      "staff",
      (c) => {
        const q = c.query.get("query") ?? "",
          at = Number(c.query.get("offset") ?? 0);
        const all = feature(c.name).content.filter((i) => JSON.stringify(i.body).toLowerCase().includes(q.toLowerCase()));
        return { items: all.slice(at, at + Number(c.query.get("limit") ?? 50)), total: all.length };
      },
    ],
    ["POST", "/v1/features/:name/content", "staff", (c) => addContent(feature(c.name), c.upload, c.query.get("force") === "1")],
    [
      "DELETE",
      "/v1/features/:name/content/:item",
      "staff",
      (c) => {
        const i =
          feature(c.name).content.find((x) => x.id === c.item) ?? refuse(404, "there is no such item", "item_not_found");
        i.withdrawn_at = now();
        return { withdrawn: 1 };
      },
    ],
    ["POST", "/v1/features/:name/ask", "public", (c) => answer(feature(c.name), c.body)],
    [
      "GET",
      "/v1/features/:name/interactions",
      "staff",
      (c) => {
        const q = (n) => c.query.get(n);
        const list = d.interactions.filter(
          (i) =>
            i.feature === c.name &&
            (!q("outcome") || i.outcome === q("outcome")) &&
            (!q("type") || i.feedback.some((f) => f.type === q("type"))) &&
            (q("rated") !== "1" || i.feedback.length),
        );
        return { interactions: list.slice(0, Number(q("limit") ?? 50)) };
      },
    ],
    [
      "GET",
      "/v1/interactions/:id",
      "staff",
      (c) => d.interactions.find((i) => i.id === c.id) ?? refuse(404, "there is no such interaction"),
    ],
    [
      "GET",
      "/v1/interactions/:id/explain",
      "staff",
      (c) => {
        const i = d.interactions.find((x) => x.id === c.id) ?? refuse(404, "there is no such interaction");
        const why = {
          confidence: i.confidence,
          threshold: 0.5,
          candidates: (i.scored ?? []).map(({ i: x, score }, n) => ({
            item: x.id,
            title: x.title,
            probability: score,
            parts: [
              { name: "word", value: 3 * score },
              { name: "length", value: -0.5 - n },
            ],
          })),
          words: String(i.request.question)
            .split(" ")
            .map((text, n) => ({ text, value: 1 - 0.4 * n })),
        };
        const { id, feature, version, outcome, request, answer } = i;
        return { id, feature, version, outcome, request, answer, why };
      },
    ],
    ["POST", "/v1/feedback", "public", (c) => feedback(c.body, order.indexOf(c.key.role) >= 2)],
    ["POST", "/v1/features/:name/improve", "admin", (c) => [202, improve(feature(c.name))]],
    ["GET", "/v1/jobs", "staff", () => ({ jobs: d.jobs.map((j) => ({ ...j, events: undefined })) })],
    [
      "GET",
      "/v1/jobs/:id",
      "staff",
      (c) => d.jobs.find((j) => j.id === c.id) ?? refuse(404, "there is no such job", "job_not_found"),
    ],
    [
      "POST",
      "/v1/jobs/:id/cancel",
      "staff",
      (c) =>
        Object.assign(d.jobs.find((j) => j.id === c.id) ?? refuse(404, "there is no such job"), {
          status: "cancelled",
          finished_at: now(),
        }),
    ],
    [
      "GET",
      "/v1/features/:name/versions",
      "app",
      (c) => (({ versions, live, candidate, share }) => ({ versions, live, candidate, share }))(feature(c.name)),
    ],
    [
      "GET",
      "/v1/features/:name/compare",
      "staff",
      (c) => ({ ...d.comparison, feature: c.name, from: Number(c.query.get("from")), to: Number(c.query.get("to")) }),
    ],
    [
      "POST",
      "/v1/features/:name/promote",
      "admin",
      (c) => {
        const f = feature(c.name),
          v = versionOf(f, c.body.version || f.candidate);
        if (v.comparison?.verdict === "worse" && !c.body.force) refuse(409, "2 questions were fixed and 19 broken", "worse");
        f.before = f.live;
        f.live = v.number;
        if (f.candidate === v.number) f.candidate = 0;
        return shown(f);
      },
    ],
    [
      "POST",
      "/v1/features/:name/rollback",
      "admin",
      (c) => {
        const f = feature(c.name);
        if (!f.before) refuse(409, "no version was live before", "nothing_before");
        f.live = f.before;
        f.before = 0;
        return shown(f);
      },
    ],
    [
      "GET",
      "/v1/features/:name/report",
      "staff",
      (c) => {
        const since = Number(c.query.get("since") ?? 0),
          r = d.reports[feature(c.name).name];
        return { ...r, since, days: r.days.filter((x) => Date.parse(x.day) / 1000 >= since - 86400) };
      },
    ],
    [
      "POST",
      "/v1/tickets",
      "public",
      (c) => {
        const i = d.interactions.find((x) => x.conversation === c.body.conversation);
        const k = {
          id: id("tkt"),
          feature: c.key.feature ?? "desk",
          conversation: c.body.conversation ?? id("con"),
          interaction: i?.id ?? null,
          status: "open",
          subject: c.body.text.slice(0, 80),
          contact: c.body.contact ?? "",
          user: c.body.user ?? null,
          created_at: now(),
          changed_at: now(),
          messages: [{ id: id("msg"), from: "user", text: c.body.text, at: now() }],
        };
        d.tickets.unshift(k);
        return [201, k];
      },
    ],
    [
      "GET",
      "/v1/tickets",
      "staff",
      (c) => ({
        tickets: d.tickets.filter((k) => !c.query.get("status") || k.status === c.query.get("status")),
        has_more: false,
      }),
    ],
    [
      "GET",
      "/v1/tickets/:id",
      "staff",
      (c) => {
        const k = d.tickets.find((x) => x.id === c.id) ?? refuse(404, "there is no such ticket", "ticket_not_found");
        return { ...k, interactions: d.interactions.filter((i) => i.conversation === k.conversation) };
      },
    ],
    [
      "POST",
      "/v1/tickets/:id/messages",
      "staff",
      (c) => {
        const k = d.tickets.find((x) => x.id === c.id) ?? refuse(404, "there is no such ticket", "ticket_not_found");
        if (c.body.learn && !k.interaction)
          refuse(409, "this ticket came from no question that an answer could be learned for", "nothing_to_learn", "learn");
        if (c.body.learn)
          feedback({ interaction: k.interaction, type: "correction", correction: { answer: c.body.text } }, true);
        const m = { id: id("msg"), from: "staff", who: c.key.id, text: c.body.text, at: now() };
        k.messages.push(m);
        Object.assign(k, { status: "answered", changed_at: now() });
        return [201, m];
      },
    ],
    [
      "POST",
      "/v1/tickets/:id/close",
      "staff",
      (c) =>
        Object.assign(d.tickets.find((x) => x.id === c.id) ?? refuse(404, "there is no such ticket"), { status: "closed" }),
    ],
    [
      "GET",
      "/v1/keys",
      "admin",
      () => ({ keys: [...keys.values()].map((k) => ({ ...k, secret: undefined })), has_more: false }),
    ],
    [
      "POST",
      "/v1/keys",
      "admin",
      (c) => {
        if (c.body.role === "public" && !c.body.origins?.every((o) => /^https?:\/\/[^/ ]+$|^\*$/.test(o)))
          refuse(400, "'origins' are as \"https://shop.example\", without a path", "invalid_value", "origins");
        const k = { id: id("key"), secret: `ig-${id("s")}`, ...c.body, created_at: now(), last_used_at: 0, revoked_at: 0 };
        keys.set(k.secret, k);
        return [201, k];
      },
    ],
    [
      "DELETE",
      "/v1/keys/:id",
      "admin",
      (c) =>
        Object.assign([...keys.values()].find((k) => k.id === c.id) ?? refuse(404, "there is no such key"), {
          revoked_at: now(),
        }),
    ],
    ["POST", "/v1/widget/visitor", "public", () => ({ visitor: `${id("v")}.signed`, request: "question", correction: "answer" })],
    [
      "GET",
      "/v1/widget/messages",
      "public",
      (c) => {
        const k = d.tickets.find((x) => x.user === c.query.get("visitor"));
        return { messages: k?.messages ?? [], status: k?.status ?? null };
      },
    ],
  ];
}
