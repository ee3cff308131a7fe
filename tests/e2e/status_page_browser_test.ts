import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { HubScene } from "../testing/hub_scene.ts";
import { lowContrasts } from "../testing/page_contrast.ts";
import { servePageScene } from "../testing/page_scene.ts";

const chromiumPath = [process.env["HOLDFAST_CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find((path) => path !== "" && existsSync(path));
const skip = chromiumPath === undefined
  ? "there is no Chromium: apt-get install chromium, or HOLDFAST_CHROMIUM=/path/to/it"
  : false;
const images = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const desktop = { viewport: { width: 1180, height: 1500 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

test(
  "the status page in Chromium: live, on a phone, in the dark, read out, and nothing but the hub's own",
  { skip },
  () =>
    servePageScene(async (scene) => {
      const browser = await launch();
      try {
        await looksRight(browser, scene);
        await worksWithoutScript(browser, scene);
        await isLive(browser, scene);
      } finally {
        await browser.close();
      }
    }),
);

async function launch(): Promise<Browser> {
  const { chromium } = await import("playwright-core"); // not loaded where there is nothing to start
  return await chromium.launch({ ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }) });
}

interface OpenedPage {
  readonly page: Page;
  /** What the browser complained about, and what was asked of anybody but the hub. */
  readonly complaints: readonly string[];
}

async function open(browser: Browser, { statusOrigin }: HubScene, options: BrowserContextOptions): Promise<OpenedPage> {
  const page = await (await browser.newContext(options)).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${statusOrigin}/`) && !url.startsWith("data:")) complaints.push(url);
  });
  await page.goto(statusOrigin, { waitUntil: "load" });
  return { page, complaints };
}

async function looksRight(browser: Browser, scene: HubScene): Promise<void> {
  for (
    const [name, options] of [
      ["status_page", { ...desktop, colorScheme: "light" }],
      ["status_page_dark", { ...desktop, colorScheme: "dark" }],
      ["status_page_phone", { ...phone, colorScheme: "light" }],
      ["status_page_phone_dark", { ...phone, colorScheme: "dark" }],
    ] as const
  ) {
    const { page, complaints } = await open(browser, scene, options);
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    assert.ok(width <= options.viewport.width, `${name} is ${width} wide`);
    assert.deepEqual(await lowContrasts(page), [], name);
    const [red = 0] = await page.evaluate<number[]>(
      "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)",
    );
    assert.equal(red < 64, options.colorScheme === "dark", name);
    if (name === "status_page" || name === "status_page_phone") {
      assertReadOut(await page.locator("body").ariaSnapshot());
    }
    assert.deepEqual(complaints, [], name);
    await picture(page, name);
    await page.context().close();
  }
}

/** As assistive technology gets it, on a phone too, where the tables do not look like tables. */
function assertReadOut(snapshot: string): void {
  for (const landmark of ["banner", "main", "contentinfo", 'navigation "The same for programs"']) {
    assert.match(snapshot, new RegExp(`^ *- ${landmark}`, "m"), landmark);
  }
  assert.match(snapshot, /- heading "node-1" \[level=1\]/);
  for (
    const part of ["Link to the cloud", "At a glance", "API servers", "Collections", "Clients and traffic", "Outbox"]
  ) {
    assert.match(snapshot, new RegExp(`- region "${part}":?\\n *- heading "${part}" \\[level=2\\]`), part);
  }
  assert.match(snapshot, /- status:\n *- strong: Online\.\n *- text: The cloud answers\./);
  assert.match(snapshot, /img "The link in the last hour: online \w+, offline \w+"/);
  assert.match(snapshot, /- table "Each is the complete state of one query, kept up to date by one watch"/);
  assert.match(snapshot, /- columnheader "Query"/);
  assert.match(snapshot, /- rowheader "services all namespaces"/);
  // Once, by its column's head: not a second time by the label of a card.
  assert.match(snapshot, /- row "services all namespaces live \w+ 12 2\.8 KiB 3 now":/);
  assert.equal(snapshot.match(/^ *- table(?! "[A-Z])/m), null, "every table has a name");
}

/** `HOLDFAST_SCREENSHOTS=1` writes the two of the documents. */
async function picture(page: Page, name: string): Promise<void> {
  if (process.env["HOLDFAST_SCREENSHOTS"] === undefined) return;
  if (name !== "status_page" && name !== "status_page_phone_dark") return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: `${images}${name}.png` });
}

async function worksWithoutScript(browser: Browser, scene: HubScene): Promise<void> {
  const { page, complaints } = await open(browser, scene, { ...desktop, javaScriptEnabled: false });
  assert.equal(await page.getByRole("status").textContent(), "Online. The cloud answers.");
  assert.equal(await page.getByRole("rowheader", { name: "services all namespaces" }).count(), 1);
  assert.equal(await page.locator("#foot noscript span").isVisible(), true);
  assert.deepEqual(complaints, []);
  await page.context().close();
}

async function isLive(browser: Browser, scene: HubScene): Promise<void> {
  const { page, complaints } = await open(browser, scene, desktop);
  const listens = () =>
    fetch(`${scene.statusOrigin}/metrics`).then(async (answer) =>
      /^holdfast_status_listeners 1$/m.test(await answer.text())
    );
  await scene.until(listens);
  // What has not changed stays the same element, with the reader's place in it.
  await page.evaluate("void (document.getElementById('collections').kept = true)");
  await scene.cut();
  await page.getByText("Offline. The cloud is out of reach. The replica answers.").waitFor();
  await page.getByText("It is cut now.").waitFor();
  assert.match(await page.title(), /^offline: node-1/);
  assert.equal(await page.evaluate("document.getElementById('collections').kept"), true);
  await scene.heal();
  await page.getByText("Online. The cloud answers.").waitFor();
  assert.deepEqual(complaints, []);
  assert.equal(await page.getByRole("alert").count(), 0);
  await scene.restart(); // on another port: this page's hub is gone
  await page.getByRole("alert").getByText("The hub does not answer. What stands here is as of").waitFor();
  await page.context().close();
}
