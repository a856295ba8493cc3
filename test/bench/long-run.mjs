/** Whole runs in a process of their own: how long they take, and how much memory the process has at the end. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const DAY_SECONDS = 86_400;

const SUBJECTS = [
  { name: "soak/mqtt-tls/30d", shipped: "mqtt-tls", seconds: 30 * DAY_SECONDS },
  { name: "soak/year/2d", scenario: "year", seconds: 2 * DAY_SECONDS },
];

/** `fileOf` gives the path of a subject's scenario. */
export async function measureLongRuns(wanted, fileOf) {
  const rows = [];
  for (const subject of SUBJECTS.filter(wanted)) {
    const row = await inOwnProcess(fileOf(subject), subject.seconds);
    rows.push({ name: subject.name, ...row });
  }
  return rows;
}

async function inOwnProcess(file, seconds) {
  const script = fileURLToPath(new URL("one-run.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, file, String(seconds)]);
  return JSON.parse(stdout);
}
