// What the tests of the console and the widget share: the built files, the mock of the server, a shop on another origin, and a
// browser. Without playwright-core (tests/node), web/node_modules or chromium they skip by name.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeMock } from "../../web/mock.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

function package_(name) {
  try {
    return createRequire(join(root, "tests/node/package.json"))(name);
  } catch {
    return null;
  }
}
const playwright = package_("playwright-core");
export const axe = package_("axe-core");
const program = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (p) => p && existsSync(p),
);

export const skip = !playwright
  ? "npm ci in tests/node installs playwright-core"
  : !program
    ? "there is no chromium (packaging/debian-test.txt)"
    : !existsSync(join(root, "web/node_modules/esbuild"))
      ? "npm ci in web/ installs esbuild"
      : false;

const listen = (server) =>
  new Promise((done) => server.listen(0, "127.0.0.1", () => done(`http://127.0.0.1:${server.address().port}`)));

const launch = () => playwright.chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
/* A page of a fresh browser, with what it complains about; what a server refuses (4xx) is no complaint. */
async function openPage(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage(),
    complaints = [];
  page.setDefaultTimeout(15000);
  page.on("pageerror", (e) => complaints.push(e.message));
  page.on("console", (m) => {
    if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) complaints.push(m.text());
  });
  return { page, complaints };
}
/* A browser of its own, with one page, for a server that runs already. */
export async function openBrowser() {
  const browser = await launch();
  return { ...(await openPage(browser)), close: () => browser.close() };
}

/* Two origins: the console's and a shop's, which carries the widget. `languages` are those of the browser. */
export class Site {
  static async open() {
    const site = new Site();
    site.files = mkdtempSync(join(tmpdir(), "ingot-web-"));
    execFileSync(process.execPath, [join(root, "web/build.mjs"), "--out", site.files], { cwd: root });
    site.origins = [];
    site.mock = makeMock({ files: site.files, origins: site.origins });
    site.url = await listen(site.mock);
    site.pageOfShop = (lang) =>
      `<!doctype html><html lang="${lang}"><head><meta name="viewport" content="width=device-width"></head><body><h1>Shop</h1>` +
      `<script src="${site.url}/widget.js" data-key="ig-public" data-feature="desk" data-lang="auto"></script></body></html>`;
    /* As strict as a page may be: the widget needs its script and its server, and no inline style. */
    const policy = `default-src 'none'; script-src ${site.url}; connect-src ${site.url}; style-src 'none'; require-trusted-types-for 'script'`;
    site.shop = createServer((req, res) =>
      res
        .writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy })
        .end(site.pageOfShop(req.url.startsWith("/zh") ? "zh-CN" : "en")),
    );
    site.shopUrl = await listen(site.shop);
    site.origins.push(site.shopUrl);
    site.browser = await launch();
    return site;
  }

  async page(options = {}) {
    const { page, complaints } = await openPage(this.browser, options);
    return Object.assign(page, { complaints });
  }
  async signedIn(options, key = "ig-admin") {
    const page = await this.page(options);
    await page.goto(`${this.url}/console/`);
    await page.fill("input[type=password]", key);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".side");
    return page;
  }
  at(page, ...parts) {
    return page.goto(`${this.url}/console/#/${parts.join("/")}`);
  }

  async close() {
    await this.browser?.close();
    this.mock.closeAllConnections();
    this.shop.closeAllConnections();
    this.mock.close();
    this.shop.close();
    rmSync(this.files, { recursive: true, force: true });
  }
}
