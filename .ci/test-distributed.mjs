/**
 * npm run test:distributed: a campaign over a real Redis on loopback with two workers, of which one is killed without
 * warning midway, against the record of the same campaign on this machine; then a queue that goes away, and a worker of
 * another build. Needs the built package and redis-server.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { missingPackages, remedy } from "./distributed-requirements.mjs";

const CAMPAIGN = ["mqtt-tls", "--horizon", "4h", "--allocators", "freertos-heap4,tlsf", "--heap-sizes", "30KiB,34KiB"];
const RUNS = 200;
const COMMAND = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));
/** What everything together may take. */
const PATIENCE_MS = 600_000;

const missing = missingPackages();
if (missing.length > 0 || !existsSync(COMMAND)) {
  console.error(missing.length > 0 ? remedy(missing) : "This test runs the built package. Run: npm run build");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "heapsoak-distributed-"));
/** All that was started here, and nothing else, is ended here. */
const children = new Set();
const tooLate = setTimeout(() => stop(new Error(`not done within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
try {
  const port = await freePort();
  const server = await startServer(port);
  const url = `redis://127.0.0.1:${port}`;
  const local = await localRecord();
  await killedWorker(url, local);
  await queueThatGoesAway(url, server, local);
  await startServer(port);
  await otherBuild(url);
} catch (problem) {
  stop(problem);
}
clearTimeout(tooLate);
cleanUp();

async function localRecord() {
  const path = join(folder, "local.json");
  const { code } = await ended(risk(["--json", path]));
  if (code !== 0) throw new Error(`the local campaign exits with ${code}`);
  return readFileSync(path);
}

/** Two workers, one of which dies in the midst of a chunk: the record is that of the local campaign. */
async function killedWorker(url, local) {
  const path = join(folder, "queued.json");
  const campaign = risk(["--queue", url, "--json", path]);
  const [doomed, other] = [worker(url), worker(url)];
  const before = await finishedRuns(url, 4 * RUNS * 0.2);
  doomed.kill("SIGKILL");
  console.log(`worker ${doomed.pid} is killed after ${before} of ${4 * RUNS} runs`);
  const { code, text } = await ended(campaign);
  if (code !== 0) throw new Error(`the campaign exits with ${code}: ${text}`);
  if (!readFileSync(path).equals(local)) throw new Error("the record differs from the local one");
  const { text: farewell } = await ended(other);
  console.log(`same record, ${local.length} bytes; the other worker: ${farewell.trim().split("\n").at(-1)}`);
  const redis = new Redis(url);
  const left = await redis.keys("heapsoak*");
  redis.disconnect();
  if (left.length > 0) throw new Error(`the queue is not left empty: ${left.join(", ")}`);
}

/** The server is killed midway: the campaign says so and ends, and what was finished is in --out. */
async function queueThatGoesAway(url, server, local) {
  const out = join(folder, "out");
  const campaign = risk(["--queue", url, "--out", out]);
  const helper = worker(url);
  while (runsIn(out) < RUNS) {
    if (campaign.exitCode !== null) throw new Error(`the campaign ends: ${campaign.text}`);
    await sleep(50);
  }
  server.kill("SIGKILL");
  const { code, text } = await ended(campaign);
  if (code !== 2 || !/the queue is lost/.test(text))
    throw new Error(`without its queue it exits with ${code}: ${text}`);
  const lost = await ended(helper);
  if (lost.code !== 2) throw new Error(`without its queue the worker exits with ${lost.code}: ${lost.text}`);
  const kept = runsIn(out);
  const path = join(folder, "resumed.json");
  const resumed = await ended(risk(["--out", out, "--json", path]));
  if (resumed.code !== 0 || !readFileSync(path).equals(local)) throw new Error("the record after the loss differs");
  console.log(`the queue is lost after ${kept} runs, which are kept: resumed without it, the same record`);
}

/** A worker is refused where all there is to do is for another core. */
async function otherBuild(url) {
  const redis = new Redis(url);
  const digest = "0".repeat(64);
  const [seconds] = await redis.time();
  await redis.hset(`heapsoak:campaign:${digest}`, { heapsoak: "0.0.0", core: digest, work: "{}" });
  await redis.zadd("heapsoak:campaigns", Number(seconds) * 1000, digest);
  redis.disconnect();
  const { code, text } = await ended(worker(url));
  if (code !== 2 || !/Another build is asked for/.test(text)) throw new Error(`another build: ${code}, ${text}`);
  console.log("a worker of another build is refused");
}

function risk(options) {
  return run(["risk", ...CAMPAIGN, "--runs", String(RUNS), "--quiet", ...options]);
}

function worker(url) {
  return run(["worker", "--queue", url, "--jobs", "1", "--once"]);
}

function run(command) {
  return keep(spawn(process.execPath, [COMMAND, ...command], { stdio: ["ignore", "pipe", "pipe"] }));
}

function keep(child) {
  children.add(child);
  child.text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      child.text = (child.text + text).slice(-20_000);
    });
  }
  child.gone = once(child, "close").then(([code]) => {
    children.delete(child);
    return { code, text: child.text };
  });
  return child;
}

function ended(child) {
  return child.gone;
}

async function finishedRuns(url, least) {
  const redis = new Redis(url);
  try {
    for (;;) {
      const [key] = await redis.keys("heapsoak:outcomes:*");
      const count = key === undefined ? 0 : await redis.hlen(key);
      if (count >= least) return count;
      await sleep(50);
    }
  } finally {
    redis.disconnect();
  }
}

function runsIn(out) {
  const path = join(out, "runs.jsonl");
  return existsSync(path) ? (readFileSync(path, "utf8").match(/^\{"crc32":"[0-9a-f]{8}","cell":/gm)?.length ?? 0) : 0;
}

async function startServer(port) {
  const options = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no", "--dir", folder];
  const server = keep(spawn("redis-server", options, { stdio: ["ignore", "pipe", "pipe"] }));
  while (!/Ready to accept connections/.test(server.text)) {
    if (server.exitCode !== null) throw new Error(`redis-server ends: ${server.text}`);
    await sleep(20);
  }
  return server;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

function stop(problem) {
  console.error(`test-distributed: ${problem.message}`);
  process.exitCode = 1;
  clearTimeout(tooLate);
  cleanUp();
}

function cleanUp() {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
