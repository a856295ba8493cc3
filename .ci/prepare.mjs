// `npm ci` and `npm pack` end here. Builds everything, or says what to do when the compilers are not installed.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

function installed(name) {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

const missing = ["assemblyscript", "esbuild", "typescript", "uplot"].filter((name) => !installed(name));
if (missing.length > 0) {
  console.log(
    `heapsoak: not built, because ${missing.join(" and ")} ${missing.length > 1 ? "are development dependencies" : "is a development dependency"}.`,
  );
  console.log(
    "heapsoak: run `npm ci` without --omit=dev to build from source, or install the published package, which is built.",
  );
} else {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  execFileSync(npm, ["run", "--silent", "build"], { stdio: "inherit", shell: process.platform === "win32" });
}
