/**
 * node one-run.mjs SCENARIO SECONDS: runs a scenario for that much simulated time and prints how long it took and
 * how much memory this process held, as JSON.
 */
import { loadScenario, soak } from "../../dist/src/index.js";

const [file, seconds] = process.argv.slice(2);
const run = soak(await loadScenario(file), { uptimeUs: Number(seconds) * 1e6 });
const startMs = performance.now();
let peakResidentBytes = 0;
for await (const _ of run) peakResidentBytes = Math.max(peakResidentBytes, process.memoryUsage.rss());
const { failure } = await run.record;
if (failure) throw new Error(`the run failed: ${failure.kind}`);
const residentBytes = process.memoryUsage.rss();
const wallSeconds = (performance.now() - startMs) / 1000;
console.log(
  JSON.stringify({
    wallSeconds: Number(wallSeconds.toFixed(2)),
    // What it would take on a core of its own; garbage collection and compilation beside it are in it.
    processorSeconds: Number((process.resourceUsage().userCPUTime / 1e6).toFixed(2)),
    simulatedSecondsPerSecond: Math.round(Number(seconds) / wallSeconds),
    residentBytes,
    peakResidentBytes: Math.max(peakResidentBytes, residentBytes),
  }),
);
