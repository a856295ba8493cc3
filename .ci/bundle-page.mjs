/**
 * node .ci/bundle-page.mjs: dist/page/page.js and page.css, the script and the style that every page of
 * `heapsoak report --html` carries. Each begins with the licence of uPlot, which is part of it.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const licence = readFileSync(createRequire(import.meta.url).resolve("uplot/LICENSE"), "utf8").trim();
const notice = `/*! uPlot, part of this file:\n\n${licence}\n*/`;

await build({
  absWorkingDir: ROOT,
  entryPoints: { page: "src/page/main.ts" },
  outdir: "dist/page",
  bundle: true,
  minify: true,
  format: "iife",
  // Plain letters only: the page is the same whatever its encoding is taken for.
  charset: "ascii",
  target: ["chrome109", "firefox115", "safari16"],
  banner: { js: notice, css: notice },
  logLevel: "warning",
});
