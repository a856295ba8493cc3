import type { Page } from "playwright-core";

/** Roles that make up the page's structure. */
const STRUCTURE =
  /^\s*- '?(banner|main|contentinfo|navigation|article|region|heading|figure|table|application|combobox|button|img|status)\b/;

/**
 * The structure of the page as assistive technology is told it: landmarks, headings, pictures, tables and controls,
 * one a line. What stands in a picture is left out, and figures in names become #, so that the outline says how the page is built, not what came out.
 */
export async function outlineOf(page: Page): Promise<string> {
  const tree = await page.locator("body").ariaSnapshot();
  const lines = tree.split("\n").filter((line) => STRUCTURE.test(line));
  return `${lines
    .map((line) =>
      line
        .replace(/("'?): .*$/, "$1")
        .replace(/\d[\d,.]*/g, "#")
        .replace(/:$/, ""),
    )
    .join("\n")}\n`;
}
