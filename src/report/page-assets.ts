import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { HeapsoakError } from "../errors.ts";
import type { PageAssets } from "./html/shell.ts";

const require = createRequire(import.meta.url);

/** The page's script and style as .ci/bundle-page.mjs made them. Throws `cannot-read` where they are not built. */
export function readPageAssets(): PageAssets {
  return { script: readAsset("page.js"), style: readAsset("page.css") };
}

function readAsset(file: string): string {
  try {
    return readFileSync(require.resolve(`#page/${file}`), "utf8");
  } catch (cause) {
    throw new HeapsoakError("cannot-read", `The page's ${file} is not built.`, { hint: "Run: npm run build", cause });
  }
}
