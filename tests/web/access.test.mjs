// Every page for everybody: axe-core finds no fault (labels, names, order, contrast AA) in both languages and both appearances, and
// on a telephone nothing is wider than the screen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, Site, skip } from "./page.mjs";

const pages = [
  "",
  "features/desk/ask",
  "features/desk/content",
  "features/desk/feedback",
  "features/desk/versions",
  "features/desk/compare/3/2",
  "features/desk/report",
  "features/desk/settings",
  "inbox/tkt-1",
  "models",
  "runs",
  "runs/job-1",
  "keys",
  "new",
];
let site;
before(async () => {
  if (!skip) site = await Site.open();
});
after(() => site?.close());

/* A fault as one line, for the message. */
async function faults(page) {
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }),
  );
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} – ${n.any[0]?.message ?? v.help}`));
}

for (const [language, colorScheme, width] of [
  ["en", "light", 1200],
  ["zh", "dark", 1200],
  ["zh", "light", 390],
])
  test(
    `pages in ${language}, ${colorScheme}, ${width} pixels wide`,
    { skip: skip || (!axe && "npm ci in tests/node installs axe-core") },
    async () => {
      const page = await site.signedIn({
        colorScheme,
        viewport: { width, height: 844 },
        locale: language === "zh" ? "zh-CN" : "en-GB",
        reducedMotion: "reduce",
      });
      await page.evaluate(axe.source);
      for (const path of pages) {
        await page.evaluate((p) => (location.hash = "#/" + p), path);
        await page.waitForTimeout(150);
        while (await page.getByText(/^(Loading…|正在加载…)$/).count()) await page.waitForTimeout(50);
        assert.deepEqual(await faults(page), [], path);
        assert.ok(
          await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
          `${path || "the overview"} is too wide`,
        );
      }
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    },
  );

for (const colorScheme of ["light", "dark"])
  test(`the widget, ${colorScheme}`, { skip: skip || (!axe && "npm ci in tests/node installs axe-core") }, async () => {
    const page = await site.page({ colorScheme, reducedMotion: "reduce", bypassCSP: true });
    await page.goto(site.shopUrl);
    await page.evaluate(axe.source);
    await page.getByRole("button", { name: "Ask us" }).click();
    await page.getByLabel("Your question").fill("how do I return an item");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Not helpful" }).click();
    await page.getByLabel("What would be right?").waitFor();
    const found = await page.evaluate(() =>
      globalThis.axe.run({ fromShadowDom: ["[data-ingot-widget]", ".root"] }, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }),
    );
    assert.deepEqual(
      found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} – ${n.any[0]?.message ?? v.help}`)),
      [],
    );
    await page.context().close();
  });
