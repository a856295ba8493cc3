/** Pages of reports in the system's Chromium. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { inject } from "vitest";
import { htmlPage } from "../../src/report/html/page.ts";
import { readPageAssets } from "../../src/report/page-assets.ts";
import type { NamedRecord } from "../../src/report/report-record.ts";

/** Screenshots and pages are left here, to be looked at. */
const RESULTS = fileURLToPath(new URL("../../test-results/browser/", import.meta.url));
/** The browser is to do nothing but show the page. */
const QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

declare module "vitest" {
  interface ProvidedContext {
    /** Chromium's program, from .ci/browser-requirements.mjs. */
    browserPath: string;
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: inject("browserPath"),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", ...QUIET],
  });
}

/** A page under test, and whatever it did that no page should do: errors, dialogs, requests beyond its own file. */
export interface OpenPage {
  readonly page: Page;
  readonly misdeeds: readonly string[];
}

/** The records' page, written as `name`.html and opened. */
export async function openPage(
  browser: Browser,
  name: string,
  records: readonly NamedRecord[],
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const url = writePage(name, records);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const misdeeds: string[] = [];
  page.on("pageerror", (error) => misdeeds.push(`error: ${error.stack}`));
  page.on("console", (message) => misdeeds.push(`console: ${message.text()}`));
  page.on("request", (request) => request.url() === url || misdeeds.push(`request: ${request.url()}`));
  page.on("dialog", (dialog) => {
    misdeeds.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, misdeeds };
}

function writePage(name: string, records: readonly NamedRecord[]): string {
  const path = join(RESULTS, `${name}.html`);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(path, htmlPage(records, readPageAssets()));
  return pathToFileURL(path).href;
}

/** What axe-core finds wrong, one line each. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map((fault) => {
      return `${fault.id}: ${fault.help}: ${fault.nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`;
    });
  });
}

/** Draws all there is on the page by scrolling through it, and comes back to the top. */
export async function scrollThrough(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frames = (count: number): Promise<void> =>
      new Promise((done) => requestAnimationFrame(() => (count > 1 ? frames(count - 1).then(done) : done())));
    for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
      scrollTo({ top: y, behavior: "instant" });
      await frames(3);
    }
    scrollTo({ top: 0, behavior: "instant" });
    await frames(3);
  });
}

/** A screenshot into the folder of results: of a part of the page, or of all of it, as in a window as high. */
export async function picture(page: Page, name: string, selector?: string): Promise<void> {
  const path = join(RESULTS, `${name}.png`);
  if (selector !== undefined) {
    await page.locator(selector).first().screenshot({ path });
    return;
  }
  const width = page.viewportSize()?.width ?? 0;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height });
  await page.waitForTimeout(300);
  await page.screenshot({ path, fullPage: true });
}

/** As it comes out of a printer. */
export async function print(page: Page, name: string): Promise<void> {
  await page.pdf({ path: join(RESULTS, `${name}.pdf`), format: "A4", printBackground: false });
}
