// The whole way through the console and the widget against the program with the tests' tiny kind (tests/cli/table_kind.c): make a
// feature, ask, judge, correct, learn, compare, put live, roll back; a shop's visitor asks, is answered by staff.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, Workspace } from "../server/program.mjs";
import { openBrowser, root, skip } from "./page.mjs";

const off = skip || (existsSync(join(root, "web/node_modules/esbuild")) ? false : "the program was built without its console");
const csv = (text) => ({ name: "faq.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
let workspace, server, open, page, shop, shopUrl, tag;

before(async () => {
  if (off) return;
  workspace = new Workspace();
  const key = workspace.key("--role", "admin");
  server = await Server.start(workspace);
  open = await openBrowser();
  page = open.page;
  await page.goto(server.url + "/console/");
  await page.getByLabel("Key").fill(key);
  await page.keyboard.press("Enter");
  await page.getByText("There is no feature yet.").waitFor();
  shop = createServer((req, res) =>
    res
      .writeHead(200, { "Content-Type": "text/html" })
      .end(`<!doctype html><html lang="en"><body><h1>Shop</h1>${tag}</body></html>`),
  );
  await new Promise((done) => shop.listen(0, "127.0.0.1", done));
  shopUrl = `http://127.0.0.1:${shop.address().port}`;
});
after(async () => {
  shop?.closeAllConnections();
  shop?.close();
  await open?.close();
  assert.equal((await server?.stop()) ?? 0, 0);
  workspace?.close();
});
const at = (hash) => page.goto(`${server.url}/console/#/${hash}`);
const shows = (text) => page.getByText(text, { exact: false }).first().waitFor();

test("a feature is made from a file", { skip: off }, async () => {
  await page.getByRole("link", { name: "+ New feature" }).click();
  await page.getByLabel("Name of the feature").fill("desk");
  await page
    .getByLabel("Table", { exact: true })
    .setInputFiles(csv("refund,three days\nshipping,two days\nhours,nine to five\n"));
  await page.getByRole("button", { name: "Make it" }).click();
  await shows("desk is live.");
  await page.getByText("Version 1 is live").waitFor();
});

test("it answers; the answer is judged, explained and corrected", { skip: off }, async () => {
  await page.getByLabel("Question").fill("refund");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator(".answer-text", { hasText: "three days" }).waitFor();
  await page.getByRole("button", { name: "Bad answer" }).click();
  await page.getByRole("button", { name: "Wrong", exact: true }).click();
  await page.locator(".chip[aria-pressed=true]").waitFor();
  await page.getByRole("button", { name: "Why this answer?" }).click();
  await page.locator("dialog .why").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "A better answer" }).click();
  await page.getByRole("dialog").getByLabel("Answer").fill("five days");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await at("features/desk/feedback");
  await page.getByRole("button", { name: "Questions and answers" }).click();
  await page.locator(".items li", { hasText: "refund" }).getByText("corrected · by staff").waitFor();
});

test("content is added with its bad rows told, found and withdrawn", { skip: off }, async () => {
  await at("features/desk/content");
  await page.locator("input[type=file]").setInputFiles(csv("parking,behind the house\nno comma here\n"));
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await shows("Version 2 is live");
  await page.getByText("1 rows were left out").waitFor();
  await page.getByLabel("Search in the content").fill("parking");
  await page.getByRole("button", { name: "Withdraw: parking" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
  await page.locator(".items li", { hasText: "parking" }).waitFor({ state: "detached" });
});

test("it learns; the candidate is compared, put live and rolled back", { skip: off }, async () => {
  await at("features/desk/versions");
  await page.getByRole("button", { name: "Learn from feedback" }).click();
  await page.getByRole("link", { name: "To the versions" }).click({ timeout: 60000 });
  const candidate = page.locator(".card", { has: page.locator(".tag", { hasText: /^candidate$/ }) });
  await candidate.getByRole("link", { name: "Compare with the live one" }).click();
  await page.locator(".verdict").waitFor();
  await page.goBack();
  const title = await candidate.getByRole("heading").innerText();
  await candidate.getByRole("button", { name: /^Put live/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Put live" }).click();
  await page.locator(".is-live", { hasText: title }).waitFor();
  await page.getByRole("button", { name: "Roll back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await page.locator(".is-live").filter({ hasNotText: title }).waitFor();
});

test("a public key's line works on its page: ask, like, a person, an answer", { skip: off }, async () => {
  await at("keys");
  await page.locator("form").getByLabel("Name").fill("shop");
  await page.getByLabel("Pages it may be used from").fill(shopUrl);
  await page.getByRole("button", { name: "Make a key" }).click();
  tag = await page.locator("code", { hasText: "<script" }).innerText();
  const visitor = await page.context().browser().newPage();
  await visitor.goto(shopUrl);
  await visitor.getByRole("button", { name: "Ask us" }).click();
  await visitor.getByLabel("Your question").fill("shipping");
  await visitor.keyboard.press("Enter");
  await visitor.getByText("two days").waitFor();
  await visitor.getByRole("button", { name: "Helpful", exact: true }).click();
  await visitor.getByText("Thank you.").waitFor();
  await visitor.getByRole("button", { name: "Talk to a person" }).click();
  await visitor.getByLabel("What is it about?").fill("order 17 is lost");
  await visitor.getByLabel("E-mail or telephone").fill("me@example.com");
  await visitor.locator(".msg form").getByRole("button", { name: "Send" }).click();
  await visitor.getByText("We answer here").waitFor();
  await at("inbox");
  await page.getByRole("link", { name: "order 17 is lost" }).click();
  await page.locator(".messages").getByText("shipping").waitFor();
  await page.getByLabel("Your answer").fill("we send a new one");
  await page.getByRole("button", { name: "Send" }).click();
  await visitor.locator(".msg.staff", { hasText: "we send a new one" }).waitFor({ timeout: 20000 });
});

test("the report and the overview count it; a setting is cleared again", { skip: off }, async () => {
  await at("features/desk/report");
  await page.getByText("By version").waitFor();
  await at("features/desk/settings");
  const field = page.getByLabel("Sign-off");
  for (const value of ["Yours", ""]) {
    await field.fill(value);
    await page.getByRole("button", { name: "Save" }).click();
    await shows("Saved as version");
    await page.reload();
    await page.waitForTimeout(200);
    assert.equal(await field.inputValue(), value);
  }
  await at("");
  await page.getByRole("link", { name: "desk" }).first().waitFor();
  assert.deepEqual(open.complaints, []);
});
