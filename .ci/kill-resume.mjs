/**
 * node .ci/kill-resume.mjs [--seed N]: runs the MQTT scenario with checkpoints, kills it ten times without warning
 * at random moments, resumes it each time, and compares the final digest with that of a run left alone. Needs the
 * built package.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findScenario } from "../dist/src/cli/find-scenario.js";
import { loadScenario } from "../dist/src/index.js";
import { SoakDriver } from "../dist/src/soak/driver.js";
import { randomMoments } from "./random-moments.mjs";

const SCENARIO = "mqtt-tls";
const UPTIME_DAYS = 180;
const EVERY = "1d";
const KILLS = 10;
const DAY_US = 86_400e6;
/** Share of an undisturbed run's wall time after which a child is killed at the latest. */
const LATEST_KILL_SHARE = 1 / 6;
/** A machine that has become faster may end a run too soon: then all ten kills come again, in half the time. */
const ATTEMPTS = 4;
/** All that may be there in the end. */
const FILES = ["alone", "alone.json", "checkpoint", "resumed.json"];
const COMMAND = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));

const random = randomMoments("kill-resume");
const folder = mkdtempSync(join(tmpdir(), "heapsoak-kill-"));
const checkpoint = join(folder, "checkpoint");
try {
  process.exitCode = await compare();
} catch (problem) {
  console.error(`kill-resume: ${problem.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function compare() {
  const { digest, wallMs } = await undisturbed();
  console.log(`undisturbed: ${UPTIME_DAYS} days in ${(wallMs / 1000).toFixed(1)} s, digest ${digest}`);
  const sizes = await killRepeatedly(wallMs * LATEST_KILL_SHARE);
  const resumed = await finished(start("resumed.json"), "resumed.json");
  console.log(`after ${KILLS} kills: digest ${resumed.digest}`);
  const leftOver = readdirSync(folder).filter((name) => !FILES.includes(name));
  if (leftOver.length > 0) throw new Error(`files are left over: ${leftOver.join(", ")}`);
  if (sizes.size !== 1) throw new Error(`the checkpoint had several sizes: ${[...sizes].join(", ")} bytes`);
  if (resumed.digest !== digest) throw new Error("the digests differ");
  console.log(`digests equal; the checkpoint had ${[...sizes][0]} bytes each time`);
  return 0;
}

async function undisturbed() {
  const startMs = performance.now();
  const { digest } = await finished(start("alone.json", join(folder, "alone")), "alone.json");
  return { digest, wallMs: performance.now() - startMs };
}

/** Ten kills, each of a run that goes on from the one before. Returns the sizes that the checkpoint had. */
async function killRepeatedly(latestMs) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sizes = new Set();
    let kill = 0;
    while (kill < KILLS && (await killOnce(kill + 1, (random() * latestMs) / 2 ** attempt, sizes))) kill++;
    if (kill === KILLS) return sizes;
    console.log(`the run came to its end before kill ${kill + 1}: from the start again, with earlier kills`);
    rmSync(checkpoint);
  }
  throw new Error(`${ATTEMPTS} times the run came to its end before it was killed ${KILLS} times`);
}

/** Starts the run, from the checkpoint if there is one, and kills it after that time. False if it had ended by then. */
async function killOnce(kill, afterMs, sizes) {
  const from = existsSync(checkpoint) ? await savedDays() : 0;
  const child = start("resumed.json");
  const ended = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const [, signal] = await ended;
  clearTimeout(timer);
  if (signal !== "SIGKILL") return false;
  const saved = existsSync(checkpoint);
  if (saved) sizes.add(statSync(checkpoint).size);
  const reached = saved ? `day ${(await savedDays()).toFixed(2)} is saved` : "nothing is saved yet";
  const during = existsSync(`${checkpoint}.tmp`) ? ", one more was being written" : "";
  console.log(
    `kill ${String(kill).padStart(2)} after ${(afterMs / 1000).toFixed(3)} s from day ${from.toFixed(2)}: ${reached}${during}`,
  );
  return true;
}

function start(record, file = checkpoint) {
  const command = [COMMAND, "run", SCENARIO, "--uptime", `${UPTIME_DAYS}d`, "--quiet", "--json", join(folder, record)];
  command.push("--checkpoint", file, "--every", EVERY);
  if (existsSync(file)) command.push("--resume", file);
  return spawn(process.execPath, command, { stdio: ["ignore", "ignore", "inherit"] });
}

/** The record of a run that is left to end. */
async function finished(child, record) {
  const [code] = await once(child, "exit");
  // 0 passes, 1 fails an expectation, 3 is undecided: all are whole runs.
  if (![0, 1, 3].includes(code)) throw new Error(`the run exits with ${code}`);
  return JSON.parse(readFileSync(join(folder, record), "utf8"));
}

/** Simulated days in the checkpoint, as a run that resumes finds them. */
async function savedDays() {
  const scenario = await loadScenario(findScenario(SCENARIO));
  const driver = new SoakDriver(scenario, { uptimeUs: UPTIME_DAYS * DAY_US, resume: checkpoint });
  return driver.machine.nowUs / DAY_US;
}
