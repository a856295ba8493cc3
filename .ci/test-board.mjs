/**
 * node .ci/test-board.mjs [--full] [--json FILE] [NAME…]: the tests with a virtual board, those of the named files or all.
 * --full takes the sizes of the project's goals for the decoder's long run instead of what fits CI; --json writes
 * vitest's report. Needs the built package, and what board-requirements.mjs names.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { missingPackages, remedy } from "./board-requirements.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const VITEST = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/board-hardware/vitest.config.ts"];

process.exitCode = main();

function main() {
  const { values, positionals } = readArguments();
  const obstacle = whatIsMissing();
  if (obstacle !== undefined) {
    console.error(obstacle);
    return 2;
  }
  const report = values.json === undefined ? [] : ["--reporter=json", `--outputFile.json=${values.json}`];
  const { status } = spawnSync(process.execPath, [...VITEST, "--reporter=verbose", ...report, ...positionals], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ...(values.full && { HEAPSOAK_BOARD_TESTS: "full" }) },
  });
  return status ?? 1;
}

function readArguments() {
  try {
    const options = { full: { type: "boolean", default: false }, json: { type: "string" } };
    return parseArgs({ options, allowPositionals: true });
  } catch (problem) {
    console.error(`${problem.message}\nUsage: npm run test:board [-- [--full] [--json FILE] [NAME…]]`);
    process.exit(2);
  }
}

function whatIsMissing() {
  const missing = missingPackages();
  if (missing.length > 0) return remedy(missing);
  if (existsSync(`${ROOT}dist/src/main.js`)) return undefined;
  return "The tests with a virtual board run the built package. Run: npm run build";
}
