/**
 * How long a checkpoint takes to write, and how long from a parsed scenario to a run that goes on from one. The
 * start without a checkpoint stands beside it: what is left is reading, checking and restoring.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROUNDS = 15;
/** Simulated time before the checkpoint. */
const AFTER_US = 86_400e6;
const BUDGET = 1_000_000;

const SUBJECTS = [
  { name: "soak/mqtt-tls/checkpoint", shipped: "mqtt-tls" },
  // With its external memory, the largest device that comes with heapsoak.
  { name: "soak/json-gateway/checkpoint", shipped: "json-gateway" },
];

export async function measureCheckpoints(host, wanted) {
  const rows = [];
  for (const subject of SUBJECTS.filter(wanted)) {
    const scenario = await host.loadScenario(host.findScenario(subject.shipped));
    rows.push({ name: subject.name, ...measure(host, scenario) });
  }
  return rows;
}

function measure({ SoakDriver }, scenario) {
  const folder = mkdtempSync(join(tmpdir(), "heapsoak-bench-"));
  const file = join(folder, "checkpoint");
  const checkpoint = { file, everyUs: AFTER_US };
  try {
    const first = new SoakDriver(scenario, { checkpoint });
    while (!first.ended && first.machine.nowUs < AFTER_US) first.advance(BUDGET);
    first.interrupt();
    const starts = [];
    const resumes = [];
    const writes = [];
    for (let round = 0; round < ROUNDS; round++) {
      starts.push(timedMs(() => new SoakDriver(scenario)));
      resumes.push(timedMs(() => new SoakDriver(scenario, { resume: file })));
      const driver = new SoakDriver(scenario, { resume: file, checkpoint });
      writes.push(timedMs(() => driver.interrupt()));
    }
    return {
      startMs: median(starts),
      checkpointMs: median(writes),
      slowestCheckpointMs: Math.max(...writes),
      resumeMs: median(resumes),
      slowestResumeMs: Math.max(...resumes),
      fileBytes: statSync(file).size,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function timedMs(run) {
  const start = performance.now();
  run();
  return Number((performance.now() - start).toFixed(2));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >>> 1];
}
