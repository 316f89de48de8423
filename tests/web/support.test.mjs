// A support desk (examples/shop) in the console and the widget, in both languages: asked, explained, judged, corrected to a piece of
// content and in free words, learned from, compared, put live; a visitor's ticket is answered.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, program } from "../server/program.mjs";
import { openBrowser, root, skip } from "./page.mjs";

const off = skip || (existsSync(join(root, "web/node_modules/esbuild")) ? false : "the program was built without its console");
let workspace, server, open, page, shop, tag;

const run = (...args) => execFileSync(program, args, { cwd: workspace.dir, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const at = (hash) => page.goto(`${server.url}/console/#/${hash}`);
const ask = async (question, answer, where = page) => {
  await where.getByLabel(/^(Question|问题|Your question|您的问题)/).fill(question);
  await where.keyboard.press("Enter");
  await where.locator(".answer-text, .msg.desk > p").filter({ hasText: answer }).last().waitFor();
};
async function speak(language) {
  await page.evaluate((l) => localStorage.setItem("ingot-language", l), language);
  await page.reload();
}

before(async () => {
  if (off) return;
  workspace = { dir: mkdtempSync(join(tmpdir(), "ingot-desk-")) };
  run("init");
  /* A part of the shop's table, so that learning is quick. */
  const rows = readFileSync(join(root, "examples/shop/faq.csv"), "utf8").split("\n");
  writeFileSync(join(workspace.dir, "faq.csv"), [...rows.slice(0, 34), ...rows.slice(146, 170)].join("\n") + "\n");
  run("new", "support", "desk", "--faq", "faq.csv", "--effort", "quick");
  run("key", "new", "--role", "admin", "--name", "console");
  server = await Server.start(workspace);
  open = await openBrowser();
  page = open.page;
  shop = createServer((req, res) => {
    const lang = req.url === "/zh" ? "zh-CN" : "en";
    res
      .writeHead(200, { "Content-Type": "text/html; charset=utf-8" })
      .end(`<!doctype html><html lang="${lang}"><body><h1>Shop</h1>${tag}</body></html>`);
  });
  await new Promise((done) => shop.listen(0, "127.0.0.1", done));
  shop.url = `http://127.0.0.1:${shop.address().port}`;
});
after(async () => {
  shop?.closeAllConnections();
  shop?.close();
  await open?.close();
  assert.equal((await server?.stop()) ?? 0, 0);
  if (workspace) rmSync(workspace.dir, { recursive: true, force: true });
});

test("the link signs in; English and Chinese questions are answered", { skip: off }, async () => {
  await page.goto(run("console", "--url", server.url).trim());
  await page.getByRole("heading", { name: "What to do next" }).waitFor();
  await at("features/desk/ask");
  await ask("do you ship to Norway?", "Switzerland, Norway and the United Kingdom");
  await ask("普洱茶怎么保存", "普洱可以存放几十年");
  await page.getByRole("button", { name: "New conversation" }).click();
  await ask("who won the football match?", "I do not know the answer to this.");
});

test("why: each part has a word in both languages, and none is a name of the program", { skip: off }, async () => {
  for (const [language, why, shown] of [
    ["en", "Why this answer?", "Words that go together"],
    ["zh", "为什么这样回答？", "词语的关联"],
  ]) {
    await speak(language);
    await at("features/desk/ask");
    await ask("do you ship to Norway?", "Switzerland, Norway");
    await page.getByRole("button", { name: why }).last().click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("summary").first().waitFor();
    const folded = dialog.locator("details:not([open]) > summary");
    while (await folded.count()) await folded.first().click();
    await dialog.getByText(shown).first().waitFor();
    const text = await dialog.innerText();
    assert.doesNotMatch(text, /\b(gram|translate|length2|begin|faq-[0-9a-f]+)\b/);
    if (language === "zh") assert.doesNotMatch(text, /\b(Made of|Probability|Candidates|Nearest)\b/);
    await page.keyboard.press("Escape");
  }
  await speak("en");
});

test("thumbs and corrections reach the desk, which learns, is compared and put live", { skip: off }, async () => {
  await at("features/desk/ask");
  await ask("normally how soon is stuff here", /.+/);
  await page.getByRole("button", { name: "A better answer" }).last().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox").fill("How long does delivery take");
  await dialog.locator("select option", { hasText: "How long does delivery take" }).waitFor({ state: "attached" });
  await dialog.getByLabel("The right answer").selectOption({ label: "How long does delivery take?" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  await at("features/desk/versions");
  await page.getByRole("button", { name: "Learn from feedback" }).click();
  await page.getByRole("link", { name: "To the versions" }).click({ timeout: 240000 });
  const candidate = page.locator(".card", { has: page.locator(".tag", { hasText: /^candidate$/ }) });
  await candidate.getByRole("link", { name: "Compare with the live one" }).click();
  await page.locator(".verdict").waitFor({ timeout: 120000 });
  await page.goBack();
  await candidate.getByRole("button", { name: /^Put live/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Put live" }).click();
  await page.locator(".is-live", { hasText: "2" }).waitFor();
});

test("the widget: an answer, a thumb, a better answer, a person, and what staff answer", { skip: off }, async () => {
  await at("keys");
  await page.locator("form").getByLabel("Name").fill("shop");
  await page.getByLabel("Pages it may be used from").fill(shop.url);
  await page.getByRole("button", { name: "Make a key" }).click();
  tag = await page.locator("code", { hasText: "<script" }).innerText();
  const visitor = await page.context().browser().newPage();
  visitor.setDefaultTimeout(15000);
  await visitor.goto(shop.url + "/zh");
  await visitor.getByRole("button", { name: "问一问" }).click();
  await ask("能寄到挪威吗？", "瑞士、挪威和英国", visitor);
  await visitor.getByRole("button", { name: "没有帮助" }).click();
  await visitor.getByLabel("正确的应该是？").fill("可以，五天送达。");
  await visitor.getByRole("button", { name: "提交" }).click();
  await visitor.getByLabel("正确的应该是？").waitFor({ state: "detached" });
  await visitor.getByRole("button", { name: "转人工" }).last().click();
  await visitor.getByLabel("是什么问题？").fill("我的订单 17 丢了");
  await visitor.getByLabel("邮箱或电话").fill("me@example.com");
  await visitor.locator(".msg form").getByRole("button", { name: "发送" }).click();
  await visitor.getByText("我们会在这里").waitFor();
  await at("inbox");
  await page.getByRole("link", { name: "我的订单 17 丢了" }).click();
  await page.getByLabel("Your answer").fill("马上补寄");
  await page.getByRole("button", { name: "Send" }).click();
  await visitor.locator(".msg.staff", { hasText: "马上补寄" }).waitFor({ timeout: 20000 });
  await at("features/desk/feedback");
  await page.getByRole("button", { name: "Questions and answers" }).click();
  await page.locator(".items li", { hasText: "能寄到挪威吗" }).getByText("corrected", { exact: true }).waitFor();
  assert.deepEqual(open.complaints, []);
});
