// OpenAI's own client against the real program.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, Workspace, officialClient } from "./program.mjs";

const found = officialClient();
const OpenAI = found?.default ?? found;
const skip = found ? false : "npm ci in tests/node installs the official client";

let workspace, server, client, key;
const hello = [{ role: "user", content: "hello" }];
const chat = (more) => client.chat.completions.create({ model: "tiny", messages: hello, max_completion_tokens: 12, seed: 7, ...more });
const tool = (name) => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: { where: { enum: ["a", "b"] }, now: { type: "boolean" } }, required: ["where", "now"], additionalProperties: false },
  },
});
const refusal = (status, param, code) => (e) => {
  assert.equal(e.status, status, e.message);
  if (param !== undefined) assert.equal(e.param, param);
  if (code !== undefined) assert.equal(e.code, code);
  return true;
};

before(async () => {
  if (skip) return;
  workspace = new Workspace();
  key = workspace.key("--role", "staff");
  server = await Server.start(workspace);
  client = new OpenAI({ baseURL: server.url + "/v1", apiKey: key, maxRetries: 0 });
});
after(async () => {
  if (!server) return;
  assert.equal(await server.stop(), 0);
  assert.ok(!server.log.includes(key), "no key in the log");
  assert.ok(!server.log.includes("hello"), "no prompt in the log");
  workspace.close();
});

test("models are listed and found by name", { skip }, async () => {
  const names = [];
  for await (const m of client.models.list()) names.push(m.id);
  assert.deepEqual(names.sort(), ["templated", "tiny"]);
  assert.equal((await client.models.retrieve("tiny")).object, "model");
  await assert.rejects(client.models.retrieve("none"), refusal(404, "model", "model_not_found"));
});

test("a chat answers, with usage and fingerprint", { skip }, async () => {
  const r = await chat();
  assert.equal(r.object, "chat.completion");
  assert.equal(r.choices[0].message.role, "assistant");
  assert.equal(r.choices[0].finish_reason, "length");
  assert.equal(r.usage.completion_tokens, 12);
  assert.equal(r.usage.total_tokens, r.usage.prompt_tokens + 12);
  assert.match(r.system_fingerprint, /^fp_[0-9a-f]{16}$/);
  assert.match(r._request_id, /^req_/);
});

test("the same seed gives the same text, another seed another", { skip }, async () => {
  const text = async (seed) => (await chat({ seed, max_completion_tokens: 24 })).choices[0].message.content;
  const [a, b, c] = await Promise.all([text(1), text(1), text(2)]);
  assert.equal(a, b);
  assert.notEqual(a, c);
});

test("a stream gives the text of the whole answer", { skip }, async () => {
  const whole = await chat({ max_completion_tokens: 40 });
  const stream = await chat({ max_completion_tokens: 40, stream: true, stream_options: { include_usage: true } });
  let text = "", finish, usage, role;
  for await (const e of stream) {
    role ??= e.choices[0]?.delta.role;
    text += e.choices[0]?.delta.content ?? "";
    finish ??= e.choices[0]?.finish_reason ?? undefined;
    usage = e.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(role, "assistant");
  assert.equal(finish, "length");
  assert.deepEqual(usage, whole.usage);
});

test("several answers at once, of which the first is the one that is made alone", { skip }, async () => {
  const one = await chat({ temperature: 1 });
  const four = await chat({ temperature: 1, n: 4 });
  assert.deepEqual(four.choices.map((c) => c.index), [0, 1, 2, 3]);
  assert.equal(four.choices[0].message.content, one.choices[0].message.content);
  assert.ok(new Set(four.choices.map((c) => c.message.content)).size > 1);
  assert.equal(four.usage.completion_tokens, 48);
  const seen = ["", "", "", ""];
  for await (const e of await chat({ temperature: 1, n: 4, stream: true })) for (const c of e.choices) seen[c.index] += c.delta.content ?? "";
  assert.deepEqual(seen, four.choices.map((c) => c.message.content));
});

test("a stop text ends the answer and is not part of it", { skip }, async () => {
  const whole = (await chat({ temperature: 0, max_completion_tokens: 60 })).choices[0].message.content;
  const at = Array.from(whole).slice(3, 5).join("");
  const cut = await chat({ temperature: 0, max_completion_tokens: 60, stop: [at, "never comes"] });
  assert.equal(cut.choices[0].finish_reason, "stop");
  assert.equal(cut.choices[0].message.content, whole.slice(0, whole.indexOf(at)));
});

test("log-probabilities of each token and of others", { skip }, async () => {
  const r = await chat({ temperature: 0, logprobs: true, top_logprobs: 3 });
  const content = r.choices[0].logprobs.content;
  assert.equal(content.length, 12);
  for (const t of content) {
    assert.equal(t.top_logprobs.length, 3);
    assert.equal(t.top_logprobs[0].logprob, t.logprob, "the greedy choice is the most likely");
    assert.ok(t.logprob <= 0 && t.top_logprobs[1].logprob <= t.logprob);
  }
  const bytes = Buffer.from(content.flatMap((t) => t.bytes));
  assert.equal(bytes.toString("utf8"), r.choices[0].message.content);
});

test("a bias forbids and forces tokens", { skip }, async () => {
  const { tokens } = await (await server.fetch("/tokenize", { key, body: JSON.stringify({ model: "tiny", content: "Z" }) })).json();
  const forced = await chat({ max_completion_tokens: 4, logit_bias: { [tokens[0]]: 100 } });
  assert.equal(forced.choices[0].message.content, "ZZZZ");
  const first = await chat({ temperature: 0, max_completion_tokens: 1, logprobs: true });
  const other = await client.completions.create({ model: "tiny", prompt: "x", max_tokens: 1, temperature: 0, logprobs: 1 });
  assert.ok(first && other);
});

test("a schema is kept to", { skip }, async () => {
  const schema = { type: "object", properties: { colour: { enum: ["red", "green"] }, size: { type: "boolean" } }, required: ["colour", "size"], additionalProperties: false };
  for (const seed of [1, 2, 3]) {
    const r = await chat({ seed, max_completion_tokens: 200, response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } } });
    const answer = JSON.parse(r.choices[0].message.content);
    assert.deepEqual(Object.keys(answer), ["colour", "size"]);
    assert.ok(["red", "green"].includes(answer.colour));
    assert.equal(r.choices[0].finish_reason, "stop");
  }
  await assert.rejects(chat({ response_format: { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } } }), refusal(400, "response_format.json_schema.schema"));
});

test("tools: required, named, none and auto", { skip }, async () => {
  const ask = (more) => chat({ max_completion_tokens: 300, tools: [tool("look"), tool("walk")], parallel_tool_calls: false, ...more });
  for (const [choice, names] of [["required", ["look", "walk"]], [{ type: "function", function: { name: "walk" } }, ["walk"]]]) {
    const r = await ask({ tool_choice: choice });
    assert.equal(r.choices[0].finish_reason, "tool_calls");
    assert.equal(r.choices[0].message.content, null);
    const [call, ...more] = r.choices[0].message.tool_calls;
    assert.equal(more.length, 0);
    assert.ok(names.includes(call.function.name));
    assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["where", "now"]);
  }
  const none = await ask({ tool_choice: "none", max_completion_tokens: 8 });
  assert.equal(none.choices[0].message.tool_calls, undefined);
  const auto = await ask({ tool_choice: "auto", max_completion_tokens: 8 });
  assert.equal(auto.choices[0].message.role, "assistant");
  await assert.rejects(ask({ tool_choice: { type: "function", function: { name: "fly" } } }), refusal(400, "tool_choice"));
});

test("a streamed call is the whole call", { skip }, async () => {
  const stream = client.chat.completions.stream({ model: "tiny", messages: hello, seed: 3, tools: [tool("look")], tool_choice: "required", parallel_tool_calls: false });
  const message = await stream.finalMessage();
  assert.equal(message.tool_calls[0].function.name, "look");
  JSON.parse(message.tool_calls[0].function.arguments);
});

test("the result of a tool goes back into the conversation", { skip }, async () => {
  const r = await chat({
    messages: [
      { role: "developer", content: "be short" },
      { role: "user", content: [{ type: "text", text: "look" }, { type: "text", text: " there" }] },
      { role: "assistant", content: null, tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: '{"where":"a","now":true}' } }] },
      { role: "tool", tool_call_id: "c1", content: "nothing" },
    ],
    tools: [tool("look")], tool_choice: "none",
  });
  assert.equal(r.choices[0].finish_reason, "length");
  await assert.rejects(client.chat.completions.create({ model: "templated", messages: [{ role: "tool", tool_call_id: "x", content: "y" }] }),
    (e) => e.status === 400 && e.param === "messages" && /no tools here/.test(e.message));
});

test("completions: echo, token ids, several prompts, log-probabilities", { skip }, async () => {
  const r = await client.completions.create({ model: "tiny", prompt: ["the ", "a "], n: 2, max_tokens: 4, echo: true });
  assert.deepEqual(r.choices.map((c) => c.index), [0, 1, 2, 3]);
  assert.ok(r.choices[0].text.startsWith("the ") && r.choices[3].text.startsWith("a "));
  const ids = await client.completions.create({ model: "tiny", prompt: [70, 71, 72], max_tokens: 3, logprobs: 2 });
  assert.equal(ids.usage.prompt_tokens, 3);
  assert.equal(ids.choices[0].logprobs.tokens.length, 3);
  let text = "";
  for await (const e of await client.completions.create({ model: "tiny", prompt: "the ", max_tokens: 9, seed: 4, stream: true })) text += e.choices[0]?.text ?? "";
  assert.equal(text, (await client.completions.create({ model: "tiny", prompt: "the ", max_tokens: 9, seed: 4 })).choices[0].text);
});

test("responses: whole, streamed, and what is not stored", { skip }, async () => {
  const ask = { model: "tiny", input: "hello", instructions: "be short", max_output_tokens: 10, temperature: 0 };
  const r = await client.responses.create(ask);
  assert.equal(r.status, "incomplete");
  assert.equal(r.incomplete_details.reason, "max_output_tokens");
  assert.equal(r.usage.output_tokens, 10);
  let text = "", types = [], next = 0;
  for await (const e of await client.responses.create({ ...ask, stream: true })) {
    assert.equal(e.sequence_number, next++);
    types.push(e.type);
    if (e.type === "response.output_text.delta") text += e.delta;
  }
  assert.equal(text, r.output_text);
  assert.equal(types[0], "response.created");
  assert.equal(types.at(-1), "response.incomplete");
  await assert.rejects(client.responses.create({ ...ask, previous_response_id: "resp_1" }), refusal(400, "previous_response_id", "unsupported_parameter"));
  const json = await client.responses.create({ ...ask, max_output_tokens: 100, text: { format: { type: "json_schema", name: "x", schema: { type: "object", properties: { a: { type: "boolean" } }, required: ["a"], additionalProperties: false } } } });
  assert.equal(typeof JSON.parse(json.output_text).a, "boolean");
});

test("embeddings: the client's base64 gives the numbers of float; dimensions; tokens", { skip }, async () => {
  const input = ["the quick brown fox", "春眠不觉晓"];
  const coded = await client.embeddings.create({ model: "tiny", input });
  const plain = await client.embeddings.create({ model: "tiny", input, encoding_format: "float" });
  const f32 = (e) => Array.from(new Float32Array(e.embedding));
  assert.deepEqual(coded.data.map(f32), plain.data.map(f32));
  assert.equal(coded.data[0].embedding.length, 32);
  const short = await client.embeddings.create({ model: "tiny", input: input[0], dimensions: 5, encoding_format: "float" });
  assert.equal(short.data[0].embedding.length, 5);
  assert.ok(Math.abs(Math.hypot(...short.data[0].embedding) - 1) < 1e-6, "f32 rounding of 5 numbers");
  const { tokens } = await (await server.fetch("/tokenize", { key, body: JSON.stringify({ model: "tiny", content: input[0] }) })).json();
  const ids = await client.embeddings.create({ model: "tiny", input: tokens, encoding_format: "float" });
  assert.deepEqual(ids.data[0].embedding, plain.data[0].embedding);
  await assert.rejects(client.embeddings.create({ model: "tiny", input: "x", dimensions: 33 }), refusal(400, "dimensions"));
  await assert.rejects(client.embeddings.create({ model: "tiny", input: "the fox ".repeat(600) }), refusal(400, "input", "context_length_exceeded"));
});

test("files are kept, listed, read and deleted", { skip }, async () => {
  const bytes = '{"messages": []}\n';
  const f = await client.files.create({ file: new File([bytes], "a.jsonl"), purpose: "fine-tune" });
  assert.equal(f.bytes, bytes.length);
  assert.equal((await client.files.retrieve(f.id)).filename, "a.jsonl");
  assert.equal(await (await client.files.content(f.id)).text(), bytes);
  const ids = [];
  for await (const x of client.files.list({ purpose: "fine-tune" })) ids.push(x.id);
  assert.deepEqual(ids, [f.id]);
  assert.equal((await client.files.delete(f.id)).deleted, true);
  await assert.rejects(client.files.retrieve(f.id), refusal(404));
  await assert.rejects(client.files.create({ file: new File(["x"], "x"), purpose: "nonsense" }), refusal(400, "purpose"));
});

test("a fine-tuning job is made, told about, and has ended", { skip }, async () => {
  const f = await client.files.create({ file: new File(['{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'.repeat(8)], "t.jsonl"), purpose: "fine-tune" });
  await assert.rejects(client.fineTuning.jobs.create({ model: "none", training_file: f.id }), refusal(400, "model"));
  await assert.rejects(client.fineTuning.jobs.create({ model: "tiny", training_file: "file-none" }), refusal(400, "training_file"));
  const job = await client.fineTuning.jobs.create({ model: "tiny", training_file: f.id, suffix: "x", seed: 5, method: { type: "supervised", supervised: { hyperparameters: { n_epochs: 1 } } } });
  assert.equal(job.status, "queued");
  assert.equal(job.hyperparameters.n_epochs, 1);
  let now = job;
  for (let i = 0; i < 150 && ["queued", "running"].includes(now.status); i++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    now = await client.fineTuning.jobs.retrieve(job.id);
  }
  assert.ok(["succeeded", "failed"].includes(now.status), now.status);
  if (now.status === "failed") assert.ok(now.error.message.length > 0);
  else {
    const told = (await (await server.fetch(`/v1/jobs/${job.id}`, { key })).json()).events.filter((e) => e.data?.step);
    assert.ok(told.length > 0);
    for (const e of told) assert.ok(Number.isFinite(e.data.loss ?? e.data.eval_loss) && e.data.share <= 1, e.message);
  }
  const events = [];
  for await (const e of client.fineTuning.jobs.listEvents(job.id)) events.push(e.message);
  assert.ok(events.includes("the job was created"));
  assert.ok(Array.isArray((await client.fineTuning.jobs.checkpoints.list(job.id)).data));
  await assert.rejects(client.fineTuning.jobs.cancel(job.id), refusal(400, "id", "job_ended"));
});

test("what is wrong is told in OpenAI's shape", { skip }, async () => {
  const stranger = new OpenAI({ baseURL: server.url + "/v1", apiKey: "ig-wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), refusal(401, null, "invalid_api_key"));
  await assert.rejects(chat({ model: "none" }), refusal(404, "model", "model_not_found"));
  await assert.rejects(chat({ audio: { voice: "x", format: "wav" } }), refusal(400, "audio", "unsupported_parameter"));
  await assert.rejects(chat({ temprature: 1 }), (e) => refusal(400, "temprature", "unknown_parameter")(e) && /temperature/.test(e.message));
  await assert.rejects(chat({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] }), refusal(400, "messages[0]", "unsupported_content"));
  await assert.rejects(chat({ messages: [{ role: "user", content: "long ".repeat(600) }] }), (e) => refusal(400, "messages", "context_length_exceeded")(e) && /512/.test(e.message));
});

// So small a model may have written everything before the client is seen to be gone: some of ten attempts must end early.
test("an aborted stream ends the work, and the server goes on", { skip }, async () => {
  const gone = () => server.log.split("\n").filter((l) => l.includes('"status":499')).map((l) => JSON.parse(l));
  for (let attempt = 1; attempt <= 10 && !gone().some((l) => l.completion_tokens < 8 * 480); attempt++) {
    const stream = await chat({ stream: true, n: 8, max_completion_tokens: 480 });
    for await (const e of stream) {
      if (e.choices[0]?.delta.content) break;
    }
    stream.controller.abort();
    assert.equal((await chat()).choices.length, 1);
    for (let i = 0; i < 50 && gone().length < attempt; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(gone().some((l) => l.completion_tokens < 8 * 480), "the rest was not generated");
});

test("a key of the role app asks models only", { skip }, async () => {
  const app = new OpenAI({ baseURL: server.url + "/v1", apiKey: workspace.key(), maxRetries: 0 });
  assert.equal((await app.models.retrieve("tiny")).id, "tiny");
  await assert.rejects(app.files.list(), refusal(403));
});

test("a key's limits answer 429 with the time to wait", { skip }, async () => {
  const secret = workspace.key("--per-minute", "2");
  assert.equal((await server.fetch("/v1/models", { key: secret })).status, 200);
  assert.equal((await server.fetch("/v1/models", { key: secret })).status, 200);
  const third = await server.fetch("/v1/models", { key: secret });
  assert.equal(third.status, 429);
  assert.ok(Number(third.headers.get("retry-after")) >= 1);
});
