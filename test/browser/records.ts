/** Records of every kind, made by the commands themselves; those that take a board or a compiler are kept ones. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readRecord } from "../../src/records/read-record.ts";
import type { NamedRecord } from "../../src/report/report-record.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Traces that others of the records are made of. */
const FAILING_TRACE = "failing.trace.gz";
const DAY_TRACE = "day.trace.gz";

/** By name: what makes the record. Those of the second list take traces of the first. */
const FROM_SCENARIOS: Readonly<Record<string, string>> = {
  run: "run mqtt-tls",
  failing: "run mqtt-tls-too-small",
  year: "run mqtt-tls --uptime 1y",
  "two-heaps": "run json-gateway --uptime 1d",
  "stack-overflow": "run overflow-none",
  crash: `run ten-bytes --trace ${FAILING_TRACE}`,
  day: `run mqtt-tls --uptime 6h --trace ${DAY_TRACE}`,
  compare: "compare mqtt-tls --uptime 1d --allocators freertos-heap4,tlsf,newlib-nano",
  risk: "risk mqtt-tls --heap-sizes 27KiB,36KiB --horizon 1h --runs 8",
  size: "size mqtt-tls --horizon 10min --risk 50% --step 1KiB",
  hunt: "hunt mqtt-tls --heap-size main=27KiB --horizon 1h --steps 200000",
  worst: "worst --allocator first-fit --live 4 --largest 2",
  forecast: `forecast ${join(ROOT, "firmware-scenarios/counters/slow-leak.csv")}`,
};
const FROM_TRACES: Readonly<Record<string, string>> = {
  replay: `replay ${FAILING_TRACE}`,
  shrink: `shrink ${FAILING_TRACE}`,
  blame: `blame ${FAILING_TRACE}`,
  fit: `fit ${DAY_TRACE} --out again.yaml`,
};
const KEPT = ["validation", "stack-bound"] as const;

export const KINDS: readonly string[] = [...Object.keys(FROM_SCENARIOS), ...Object.keys(FROM_TRACES), ...KEPT];

/** All of them, by name. */
export async function makeRecords(): Promise<ReadonlyMap<string, NamedRecord>> {
  const folder = mkdtempSync(join(tmpdir(), "heapsoak-browser-"));
  const records = new Map<string, NamedRecord>();
  for (const commands of [FROM_SCENARIOS, FROM_TRACES]) {
    for (const [name, command] of Object.entries(commands)) {
      await heapsoak(folder, `${command} --json ${name}.json`);
      records.set(name, namedRecord(name, folder));
    }
  }
  for (const name of KEPT) records.set(name, namedRecord(name, join(ROOT, "test/report/page-records")));
  return records;
}

function namedRecord(name: string, folder: string): NamedRecord {
  const file = `${name}.json`;
  return { name, record: readRecord(readFileSync(join(folder, file), "utf8"), file) };
}

/** Failed and open verdicts are as good as any; bad input is not. */
function heapsoak(folder: string, command: string): Promise<void> {
  const program = join(ROOT, "dist/src/main.js");
  return new Promise((done, fail) => {
    execFile(process.execPath, [program, ...command.split(" ")], { cwd: folder }, (error, _, text) => {
      if (error && error.code !== 1 && error.code !== 3) fail(new Error(`heapsoak ${command}: ${text}`));
      else done();
    });
  });
}
