// web/mock_data.mjs: what the mock server starts with: a support desk of a shop in two languages after some weeks, and nothing random.
const day = 86400;

const faq = [
  ["退款多久到账？", "退款一般在 3 到 5 个工作日内原路退回。信用卡可能需要 7 个工作日。", ["退款要等几天", "钱什么时候退回来"]],
  ["怎么修改收货地址？", "订单发货前，可以在“我的订单”中点“修改地址”。发货后请联系客服。", ["地址填错了怎么办"]],
  ["如何申请发票？", "在订单详情页点“申请发票”，填写抬头和税号，电子发票会发到您的邮箱。", ["发票怎么开"]],
  ["可以七天无理由退货吗？", "签收后七天内，商品完好即可无理由退货，定制商品除外。", ["买了不想要了能退吗"]],
  ["会员积分怎么用？", "结算时可用积分抵扣，100 积分抵 1 元，每单最多抵扣 20%。", []],
  [
    "How long does delivery take?",
    "Two to four working days within the country, seven to ten abroad. You get a tracking number by e-mail.",
    ["when will my parcel arrive"],
  ],
  [
    "How do I return an item?",
    "Within 30 days: open the order, choose “Return”, print the label and bring the parcel to any post office.",
    ["send back a product"],
  ],
  [
    "Which payment methods do you accept?",
    "Visa, Mastercard, PayPal, Alipay, WeChat Pay and bank transfer.",
    ["can I pay by card"],
  ],
  [
    "I forgot my password",
    "Choose “Forgot password” on the sign-in page; a link comes by e-mail and is valid for one hour.",
    ["reset password"],
  ],
  [
    "Can I change my order?",
    "Until it is packed: open the order and choose “Change”. After that, return what you do not want.",
    [],
  ],
];
const words = (en, zh) => ({ en, zh });
const field = (name, type, en, zh, more = {}) => ({
  name,
  type,
  label: words(en, zh),
  help: words("", ""),
  required: false,
  ...more,
});

const kinds = [
  {
    name: "support",
    title: words("Support desk", "客服台"),
    about: words(
      "Answers questions from your own questions and answers and pages, and hands over to a person.",
      "根据您的问答表和资料回答问题，必要时转人工。",
    ),
    source_fields: [
      field("faq", "files", "Questions and answers", "问答表", {
        help: words(
          "CSV, TSV, XLSX or JSON with a question and an answer in each row.",
          "CSV、TSV、XLSX 或 JSON，每行一问一答。",
        ),
      }),
      field("docs", "files", "Pages", "资料", { help: words("Markdown, HTML, PDF or text.", "Markdown、HTML、PDF 或文本。") }),
      field("url", "url", "Address of a help page", "帮助页面网址"),
    ],
    setting_fields: [
      field("language", "choice", "Language of the answers", "回答语言", { choices: ["auto", "en", "zh"], default: "auto" }),
      field("threshold", "real", "Confidence below which it says that it does not know", "低于此把握则回答不知道", {
        min: 0,
        max: 1,
        default: 0.5,
      }),
      field("write", "bool", "Let a chat model write the answer from the sources", "让对话模型根据来源撰写答案", {
        default: false,
      }),
      field("model", "model", "Chat model", "对话模型"),
      field("hand_over", "list", "Always hand over", "总是转人工", {
        help: words("Words at which a person takes over.", "出现这些词就转人工。"),
        of: [field("word", "text", "Word", "词", { required: true })],
      }),
    ],
    request_fields: [field("question", "prose", "Question", "问题", { required: true, min: 1, max: 2000 })],
    answer_fields: [field("text", "prose", "Answer", "答案")],
    correction_fields: [
      field("answer", "prose", "What it should have said", "应当这样回答", {
        help: words("Or choose a piece of content below.", "或在下面选择一条内容。"),
      }),
      field("item", "item", "The right piece of content", "正确的内容"),
    ],
    metrics: [
      {
        name: "accuracy",
        label: words("Right answers", "答对率"),
        help: words("Share of held-out questions with the confirmed answer", "保留问题中答案被确认的比例"),
        lower_is_better: false,
      },
      {
        name: "false_answers",
        label: words("Wrong instead of unknown", "该说不知却答错"),
        help: words("Answered though it should not have known", "本应不知道却作答"),
        lower_is_better: true,
      },
    ],
  },
];

const interval = (mean, half, n) => ({ mean, lo: mean - half, hi: mean + half, n });
const metrics = (a, b) => ({ accuracy: interval(a, 0.03, 420), false_answers: interval(b, 0.015, 420) });
const change = (question, expected, from, to) => ({
  request: { question },
  expected: { title: expected },
  from: { title: from },
  to: { title: to },
  because: ["fb-1"],
});

function makeComparison() {
  return {
    feature: "desk",
    from: 3,
    to: 4,
    verdict: "better",
    why: words(
      "31 questions were fixed and 4 broken; the interval of the difference lies above zero.",
      "改对 31 个，改错 4 个，差值区间在零以上。",
    ),
    held_out: 420,
    protocol: "held-out",
    needed: 0,
    metrics: [
      { name: "accuracy", from: interval(0.776, 0.04), to: interval(0.84, 0.035), difference: interval(0.064, 0.027) },
      { name: "false_answers", from: interval(0.061, 0.02), to: interval(0.048, 0.019), difference: interval(-0.013, 0.016) },
    ],
    fixed: [
      change("钱退到哪里去了？", "退款多久到账？", "可以七天无理由退货吗？", "退款多久到账？"),
      change("my package is late", "How long does delivery take?", "—", "How long does delivery take?"),
      change("开票抬头写错了", "如何申请发票？", "怎么修改收货地址？", "如何申请发票？"),
    ],
    broken: [change("积分能换钱吗？", "会员积分怎么用？", "会员积分怎么用？", "退款多久到账？")],
    changed: [change("取消订单", "—", "怎么修改收货地址？", "可以七天无理由退货吗？")],
    counts: { fixed: 31, broken: 4, changed: 9, same: 376 },
  };
}

function makeVersions(at) {
  const version = (number, reason, parent, days, m, more = {}) => ({
    number,
    status: "complete",
    reason,
    parent,
    created_at: at - days * day,
    finished_at: at - days * day + 40,
    who: "local",
    metrics: m,
    comparison: null,
    ...more,
  });
  const worse = {
    ...makeComparison(),
    from: 2,
    to: 2,
    verdict: "worse",
    why: words("2 questions were fixed and 19 broken.", "改对 2 个，改错 19 个。"),
    counts: { fixed: 2, broken: 19, changed: 0, same: 399 },
  };
  return [
    version(3, "content", 1, 6, metrics(0.776, 0.061)),
    version(2, "learn", 1, 14, metrics(0.71, 0.09), {
      comparison: worse,
      learned: {
        cases: 120,
        feedback: 160,
        voices_down: [
          {
            voice: "9f2c17aa03be",
            weight: 0.3,
            why: words("contradicts the staff in 7 of 9 cases", "9 次中有 7 次与客服相反"),
          },
        ],
      },
    }),
    version(1, "new", 0, 30, metrics(0.74, 0.07)),
  ];
}

function makeDays(at) {
  return Array.from({ length: 90 }, (_, i) => {
    const interactions = Math.round(90 + i * 0.5 + 30 * Math.sin((i * 2 * Math.PI) / 7)),
      unknown = Math.round(interactions * (0.16 - i * 0.0011));
    return {
      day: new Date((at - (89 - i) * day) * 1000).toISOString().slice(0, 10),
      interactions,
      unknown,
      answered: interactions - unknown,
      likes: Math.round(interactions * 0.3),
      dislikes: Math.round(interactions * 0.06),
    };
  });
}

function makeInteractions(at) {
  const one = (n, question, outcome, text, feedback) => ({
    id: `int-old${n}`,
    feature: "desk",
    number: n,
    version: 3,
    candidate: false,
    conversation: `con-old${n}`,
    user: null,
    consent: true,
    outcome,
    confidence: outcome === "answered" ? 0.88 : 0.21,
    seconds: 0.002,
    at: at - n * 3100,
    request: { question },
    feedback,
    answer: {
      text,
      language: "zh",
      written: false,
      other_language: false,
      sources: text ? [{ item: "item-0", title: faq[0][0], passage: faq[0][1], source: "faq.csv", line: 2, score: 0.88 }] : [],
      suggestions: [],
    },
  });
  const said = (type, more = {}) => ({
    id: "fb-" + type,
    type,
    staff: false,
    value: 0,
    reason: null,
    correction: null,
    at,
    ...more,
  });
  return [
    one(1, "退款几天能到？", "answered", faq[0][1], [said("like")]),
    one(2, "可以用花呗分期吗？", "unknown", "", []),
    one(3, "花呗能分几期", "unknown", "", []),
    one(4, "取消订单", "answered", faq[1][1], [said("dislike", { reason: "wrong" })]),
    one(5, "怎么取消刚下的订单？", "answered", faq[1][1], [
      said("dislike", { reason: "incomplete" }),
      said("correction", { staff: true, correction: { answer: "发货前可在订单详情页点“取消订单”。" } }),
    ]),
    one(6, "Do you ship to Norway?", "unknown", "", []),
    one(7, "我要找人工", "person", "", []),
  ];
}

export function makeData() {
  const at = Math.floor(Date.now() / 1000);
  const content = faq.map(([title, answer, also], i) => ({
    id: `item-${i}`,
    title,
    source: i < 5 ? "faq.csv" : "faq-en.csv",
    line: (i % 5) + 2,
    added_at: at - 30 * day,
    changed_at: at - (30 - i) * day,
    withdrawn_at: 0,
    body: { title, answer, also },
  }));
  const days = makeDays(at);
  const week = {
    interactions: 812,
    answered: 760,
    unknown: 40,
    person: 12,
    likes: 301,
    dislikes: 44,
    corrections: 20,
    users: 210,
  };
  const none = { interactions: 0, answered: 0, unknown: 0, person: 0, likes: 0, dislikes: 0, corrections: 0, users: 0 };
  const group = (title, count, examples, interactions) => ({ title, count, examples, interactions });
  return {
    kinds,
    models: [
      { id: "tiny-zh", object: "model", created: at - 40 * day, owned_by: "ingot" },
      { id: "shakespeare-char", object: "model", created: at - 60 * day, owned_by: "ingot" },
    ],
    features: [
      {
        id: "feat-1",
        name: "desk",
        kind: "support",
        settings: { language: "auto", threshold: 0.5, write: false, hand_over: [{ word: "投诉" }] },
        live: 3,
        candidate: 0,
        share: 0,
        before: 1,
        items: content.length,
        withdrawn: 0,
        created_at: at - 30 * day,
        week,
        next: [
          { verb: "improve", why: words("64 new pieces of feedback", "64 条新反馈") },
          { verb: "report", why: words("40 questions of this week had no answer", "本周有 40 个问题没有答案") },
          { verb: "tickets", why: words("1 visitor waits for a person", "1 位访客在等人工") },
        ],
        versions: makeVersions(at),
        content,
      },
    ],
    reports: {
      desk: {
        feature: "desk",
        since: 0,
        until: at,
        total: {
          ...week,
          interactions: 3120,
          answered: 2870,
          unknown: 205,
          person: 45,
          likes: 1010,
          dislikes: 170,
          corrections: 66,
          users: 760,
          seconds_mean: 0.0024,
        },
        days,
        versions: [
          { version: 1, since: at - 30 * day, interactions: 1800, likes: 520, dislikes: 120, liked: interval(0.813, 0.03) },
          { version: 3, since: at - 6 * day, interactions: 1320, likes: 490, dislikes: 50, liked: interval(0.907, 0.025) },
        ],
        unanswered: [
          group("花呗分期", 12, ["可以用花呗分期吗？", "花呗能分几期"], ["int-old2", "int-old3"]),
          group("Delivery to Norway", 5, ["Do you ship to Norway?"], ["int-old6"]),
        ],
        disliked: [group("取消订单", 7, ["取消订单", "怎么取消刚下的订单？"], ["int-old4", "int-old5"])],
      },
    },
    comparison: makeComparison(),
    candidate: {
      number: 4,
      status: "complete",
      reason: "learn",
      parent: 3,
      created_at: at,
      finished_at: at,
      who: "local",
      metrics: metrics(0.84, 0.048),
      learned: { cases: 380, feedback: 512, voices_down: [] },
      comparison: makeComparison(),
    },
    interactions: makeInteractions(at),
    tickets: [
      {
        id: "tkt-1",
        feature: "desk",
        conversation: "con-old7",
        interaction: "int-old7",
        status: "open",
        subject: "包裹显示已签收，但我没有收到",
        contact: "li@example.com",
        user: null,
        created_at: at - 7000,
        changed_at: at - 7000,
        messages: [{ id: "msg-1", from: "user", text: "包裹显示已签收，但我没有收到。订单号 20261124-118。", at: at - 7000 }],
      },
    ],
    jobs: [
      {
        id: "job-1",
        kind: "improve",
        feature: "desk",
        status: "succeeded",
        progress: null,
        result: { version: 2 },
        error: null,
        created_at: at - 14 * day,
        started_at: at - 14 * day,
        finished_at: at - 14 * day + 38,
        events: [{ at: at - 14 * day, level: "info", message: "waiting", data: null }],
      },
    ],
    keys: [
      {
        id: "key-1",
        secret: "ig-admin",
        name: "office",
        role: "admin",
        created_at: at - 30 * day,
        last_used_at: at - 60,
        revoked_at: 0,
      },
      {
        id: "key-2",
        secret: "ig-staff",
        name: "helpers",
        role: "staff",
        created_at: at - 30 * day,
        last_used_at: 0,
        revoked_at: 0,
      },
      {
        id: "key-3",
        secret: "ig-public",
        name: "shop",
        role: "public",
        feature: "desk",
        origins: ["https://shop.example"],
        visitor_per_minute: 20,
        created_at: at - 20 * day,
        last_used_at: at - 300,
        revoked_at: 0,
      },
    ],
    emptyFeature: (id, name, settings, created) => ({
      id,
      name,
      kind: "support",
      settings,
      live: 1,
      candidate: 0,
      share: 0,
      before: 0,
      items: 0,
      withdrawn: 0,
      created_at: created,
      week: none,
      next: [{ verb: "add", why: words("There is little content", "内容还很少") }],
      content: [],
      versions: [
        {
          number: 1,
          status: "complete",
          reason: "new",
          parent: 0,
          created_at: created,
          finished_at: created,
          who: "local",
          metrics: {},
          comparison: null,
        },
      ],
    }),
    emptyReport: (until) => ({
      since: 0,
      until,
      total: { ...none, seconds_mean: 0 },
      days: [],
      versions: [],
      unanswered: [],
      disliked: [],
    }),
  };
}
