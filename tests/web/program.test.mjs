// The console as the program itself serves it: the files, their headers, signing in with a key and with `ingot console`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, Workspace } from "../server/program.mjs";
import { openBrowser, root, skip } from "./page.mjs";

const built = existsSync(join(root, "web/node_modules/esbuild")) ? false : "the program was built without its console";
let workspace, server, key;
before(async () => {
  workspace = new Workspace();
  key = workspace.key("--role", "admin");
  server = await Server.start(workspace);
});
after(async () => {
  const code = await server?.stop();
  workspace?.close();
  assert.equal(code, 0);
});

test("the console's files have their types and a strict policy", { skip: built }, async () => {
  for (const [path, type] of [
    ["/console/", "text/html"],
    ["/console/app.js", "text/javascript"],
    ["/console/app.css", "text/css"],
    ["/widget.js", "text/javascript"],
  ]) {
    const r = await fetch(server.url + path);
    assert.equal(r.status, 200, path);
    assert.ok(r.headers.get("content-type").startsWith(type), path);
    assert.match(r.headers.get("content-security-policy"), /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(r.headers.get("content-security-policy"), /unsafe/);
    assert.ok((await r.text()).length > 100);
  }
  assert.equal((await fetch(server.url + "/console/none.js")).status, 404);
});

test("a key signs in; keys are made and revoked; signing out ends it", { skip: skip || built }, async () => {
  const { page, complaints, close } = await openBrowser();
  await page.goto(server.url + "/console/");
  await page.getByLabel("Key").fill(key);
  await page.keyboard.press("Enter");
  await page.getByText("There is no feature yet.").waitFor();
  await page.getByRole("link", { name: "Models" }).click();
  await page.getByRole("cell", { name: "tiny", exact: true }).waitFor();
  await page.getByRole("link", { name: "Runs" }).click();
  await page.getByText("Nothing was run yet.").waitFor();
  await page.getByRole("link", { name: "Keys" }).click();
  await page.getByLabel("Name").fill("helpers");
  await page.locator("form").getByLabel("Role").selectOption("staff");
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByText("It is shown only once").waitFor();
  await page.getByRole("button", { name: "Revoke: helpers" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page
    .getByRole("row", { name: /helpers/ })
    .getByText("revoked")
    .waitFor();
  await page.getByRole("link", { name: "Inbox" }).click();
  await page.getByText("No tickets here.").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await close();
  assert.deepEqual(complaints, []);
});

test("the link of `ingot console` signs in once", { skip: skip || built }, async () => {
  const link = execFileSync(process.env.INGOT, ["console", "--url", server.url], {
    cwd: workspace.dir,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
  const { page, complaints, close } = await openBrowser();
  await page.goto(link);
  await page.getByRole("heading", { name: "What to do next" }).waitFor();
  await page.context().clearCookies();
  await page.goto("about:blank");
  await page.goto(link);
  await page.getByRole("alert").getByText("used or is too old").waitFor();
  await close();
  assert.deepEqual(complaints, []);
});
