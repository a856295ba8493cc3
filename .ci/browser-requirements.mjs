/**
 * node .ci/browser-requirements.mjs: prints the packages that the browser tests miss here, if any.
 * Those tests run it as well, before all others: they end with a message, and are never skipped.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const BUILT = ["dist/src/main.js", "dist/page/page.js"];
const REMEDY =
  "The browser tests need Chromium, which is missing here. On Debian or Ubuntu:\n  apt-get install chromium";

/** The system's Chromium, or undefined. */
function browserPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** vitest's global set-up. */
export default function setup({ provide }) {
  const isBuilt = BUILT.every((file) => existsSync(fileURLToPath(new URL(`../${file}`, import.meta.url))));
  const path = browserPath();
  if (path !== undefined && isBuilt) {
    provide("browserPath", path);
    return;
  }
  console.error(path === undefined ? REMEDY : "The browser tests run the built package. Run: npm run build");
  process.exit(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(browserPath() === undefined ? "chromium" : "");
