/**
 * node .ci/campaign-kill.mjs [--seed N]: runs a campaign on worker threads with --out, kills it 20 times without warning
 * at random moments, resumes it each time, and compares the record byte for byte with that of a campaign left alone, and
 * with that of two parts that are merged. Needs the built package.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomMoments } from "./random-moments.mjs";

const CAMPAIGN = ["mqtt-tls", "--horizon", "2h", "--allocators", "freertos-heap4,tlsf", "--heap-sizes", "30KiB,34KiB"];
const RUNS = 700;
const KILLS = 20;
/** From a campaign's first finished runs, or from its start, to its kill: no longer than this. */
const LATEST_KILL_MS = 400;
const COMMAND = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));

const random = randomMoments("campaign-kill");
const folder = mkdtempSync(join(tmpdir(), "heapsoak-campaign-"));
const results = join(folder, "killed", "runs.jsonl");
try {
  await compare();
} catch (problem) {
  console.error(`campaign-kill: ${problem.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function compare() {
  const alone = await record("alone.json", []);
  for (let kill = 1; kill <= KILLS; kill++) await killOnce(kill);
  const resumed = await record("resumed.json", ["--out", join(folder, "killed")]);
  if (!resumed.equals(alone)) throw new Error("the record after the kills differs");
  const lines = linesOf(results);
  const twice = lines.length - new Set(lines).size;
  if (twice > 0) throw new Error(`${twice} runs were written twice`);
  console.log(`after ${KILLS} kills: the same record, ${alone.length} bytes; no run of ${lines.length} written twice`);
  for (const part of ["1/2", "2/2"]) await finished(start(["--shard", part, "--out", partFolder(part)]));
  const merged = spawn(process.execPath, [COMMAND, "merge", partFolder("1/2"), partFolder("2/2"), "--json", "-"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (!(await output(merged)).equals(alone)) throw new Error("the record of the merged parts differs");
  console.log("two parts merged: the same record");
}

async function record(name, options) {
  const path = join(folder, name);
  await finished(start(["--json", path, ...options]));
  return readFileSync(path);
}

/** Starts the campaign where it was, and kills it some time after it has begun to write or, one time in four, before. */
async function killOnce(kill) {
  const before = runsIn(results);
  const child = start(["--out", join(folder, "killed")]);
  const ended = once(child, "exit");
  if (random() > 0.25) await grown(before, child);
  await new Promise((resolve) => setTimeout(resolve, random() * LATEST_KILL_MS));
  child.kill("SIGKILL");
  const [, signal] = await ended;
  if (signal !== "SIGKILL") throw new Error(`the campaign came to its end before kill ${kill}: it needs more runs`);
  const torn = existsSync(results) && !readFileSync(results, "utf8").endsWith("\n") ? ", and a torn line" : "";
  console.log(`kill ${String(kill).padStart(2)}: ${before} runs before, ${runsIn(results)} after${torn}`);
}

async function grown(before, child) {
  while (runsIn(results) <= before && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
}

function start(options) {
  const command = [COMMAND, "risk", ...CAMPAIGN, "--runs", String(RUNS), "--jobs", "2", "--quiet", ...options];
  return spawn(process.execPath, command, { stdio: ["ignore", "ignore", "inherit"] });
}

async function finished(child) {
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`a campaign exits with ${code}`);
}

async function output(child) {
  const parts = [];
  for await (const part of child.stdout) parts.push(part);
  return Buffer.concat(parts);
}

function partFolder(part) {
  return join(folder, `part-${part.replace("/", "-of-")}`);
}

function runsIn(path) {
  return Math.max(linesOf(path).length, 0);
}

/** Cell and number of each finished run. */
function linesOf(path) {
  if (!existsSync(path)) return [];
  return [...readFileSync(path, "utf8").matchAll(/^\{"crc32":"[0-9a-f]{8}",("cell":\d+,"run":\d+),.*\n/gm)].map(
    ([, run]) => run,
  );
}
