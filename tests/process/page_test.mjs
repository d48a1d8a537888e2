// The page at / of both daemons, in a headless Chromium: what it shows is what there is, what comes from documents is never markup, nothing is
// fetched from elsewhere, and its policy is never violated. Screenshots go to the folder given.
//
//     node page_test.mjs WRITER READER SCREENSHOTS PLAYWRIGHT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [writerBinary, readerBinary, screenshots, playwrightFolder] = process.argv.slice(2).map((path) => resolve(path));
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
let playwright;
try {
  playwright = createRequire(join(playwrightFolder, "x.js"))("playwright-core");
} catch {
  /* said below */
}
if (!chromium || !playwright) {
  console.log(`SKIPPED: there is no ${chromium ? "playwright-core" : "chromium"} (docs/testing.md, "The page")`);
  process.exit(0);
}

const kReadKey = "page-test-read-key";
const kKey = "page-test-key";
const children = [];

function start(binary, folder, ...args) {
  const child = spawn(binary, ["--data-dir", folder, "--listen", "127.0.0.1:0", ...args], {
    env: { ...process.env, NDB_API_KEY: kKey, NDB_READ_API_KEY: kReadKey },
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (data) => {
      said += data;
      const found = /listening on (\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on("exit", () => reject(new Error(said)));
  });
}

async function api(url, method, path, body) {
  const answer = await fetch(url + path, { method, headers: { "api-key": kKey }, body: body && JSON.stringify(body) });
  assert(answer.ok, `${method} ${path}: ${await answer.clone().text()}`);
  return answer.json();
}

const evil = '<img src=x onerror="document.title=1">';

async function fillWith(url) {
  await api(url, "PUT", "/v1/collections/docs", { dim: 2, distance: "euclidean" });
  const documents = [];
  for (let i = 0; i < 200; ++i) documents.push({ id: `doc-${i}`, vector: [i, 1], payload: { n: i, text: `<b>${i}</b>` } });
  documents.push({ id: evil, vector: [1000, 1], payload: { html: evil } });
  await api(url, "POST", "/v1/collections/docs/documents", { documents });
  await api(url, "POST", "/v1/collections/docs/flush?wait=true");
}

async function look(browser, url, name) {
  const context = await browser.newContext({ httpCredentials: { username: "me", password: kReadKey }, viewport: { width: 1200, height: 1000 } });
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("request", (request) => request.url().startsWith(url) || trouble.push(`asked for ${request.url()}`));
  const answer = await page.goto(url + "/");
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'.*script-src 'self'/);

  await page.waitForSelector("#health.good");
  const row = page.locator("#collections tbody tr");
  await row.first().waitFor();
  assert.equal(await row.count(), 1);
  assert.match(await row.innerText(), /docs\s+2\s+euclidean\s+201\s+1/);
  assert.match(await page.locator("#role").innerText(), new RegExp(`^${name} `));
  await page.locator("#collections a.name").click();
  await page.waitForSelector("#one:not([hidden])");

  const firstId = () => page.locator("#matches tbody tr td").first().innerText();
  await page.fill("#query", "[41.2, 1]");
  await page.fill("#filter", '{"n":{"$lt":150}}');
  await page.click("#search button");
  await page.waitForSelector("#matches:not([hidden])");
  assert.equal(await firstId(), "doc-41");
  assert.match(await page.locator("#plan").innerText(), /10 matches in \d+ µs: \w+.*150 rows match the filter; seq 201, version \d+/);
  assert.match(await page.locator("#matches tbody td.payload").first().innerText(), /<b>41<\/b>/);

  // More like this: the document itself is not among them.
  await page.locator("#matches tbody tr").nth(3).locator("a").click();
  await page.waitForFunction(() => document.querySelector("#query").value.startsWith("doc-"));
  const asked = await page.inputValue("#query");
  await page.waitForFunction((id) => ![...document.querySelectorAll("#matches tbody tr")].some((tr) => tr.cells[0].textContent === id), asked);

  // What is wrong is said, and what is in documents is text.
  await page.fill("#query", "[1, 2, 3]");
  await page.click("#search button");
  await page.waitForFunction(() => document.querySelector("#problem").textContent.includes("vector"));
  await page.fill("#filter", "");
  await page.fill("#query", "1000, 1");
  await page.click("#search button");
  await page.waitForFunction((id) => document.querySelector("#matches tbody td").textContent === id, evil);
  assert.equal(await page.locator("main img").count(), 0);
  assert.equal(await page.title(), "nDB");

  // Live numbers move.
  const shown = () => page.locator("#live div", { hasText: "searches/s" }).locator("dd").innerText();
  for (let i = 0; i < 200 && !(Number(await shown().catch(() => "0")) > 0); ++i) await page.click("#search button");
  assert(Number(await shown()) > 0);
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  const expected = trouble.filter((text) => !text.includes("400 (Bad Request)"));
  assert.deepEqual(expected, []);
  if (name === "writer") assert(await page.locator("#replicas tbody tr").count() > 0);
  await context.close();
}

async function needsKey(browser, url) {
  for (const credentials of [undefined, { username: "me", password: "wrong" }]) {
    const context = await browser.newContext({ httpCredentials: credentials });
    const page = await context.newPage();
    const answer = await page.goto(url + "/").catch(() => null);
    assert(answer === null || answer.status() === 401);
    await context.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), "ndb-page-"));
let failed = false;
try {
  mkdirSync(screenshots, { recursive: true });
  const writer = await start(writerBinary, join(folder, "data"));
  const reader = await start(readerBinary, join(folder, "data"), "--writer-url", writer);
  await fillWith(writer);
  const browser = await playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  await look(browser, writer, "writer");
  await look(browser, reader, "reader");
  await needsKey(browser, writer);
  await browser.close();
  console.log("the page shows what there is, on both daemons");
} catch (error) {
  console.error(error);
  failed = true;
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
