/**
 * What a campaign's two worker threads do beside two processes that know nothing of each other, and what a run costs
 * besides its own steps. Rounds of both take turns; the best of each counts, and the processor time of all of them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const WORKERS = 2;
const RUNS_EACH = 120;
const HORIZON = "2 h";
const SCENARIO = "mqtt-tls";
const THIS = fileURLToPath(import.meta.url);

if (process.argv[1] === THIS) await runAlone(Number(process.argv[2]));

/** Prints the throughput of both and their ratio. */
export async function printCampaign(rounds) {
  const { campaignExecutor } = await import("../../dist/src/risk/campaign/executor.js");
  const plan = await planOf(WORKERS * RUNS_EACH);
  const [threads, processes] = [[], []];
  for (let round = 0; round < rounds; round++) {
    processes.push(await measureProcesses());
    threads.push(await measureThreads(campaignExecutor, plan));
  }
  const [together, apart] = [bestOf(threads), bestOf(processes)];
  const cpu = sum(processes) / sum(threads);
  console.log(`campaign/threads    ${together.toFixed(1)} runs/s on ${WORKERS} worker threads (best of ${rounds})`);
  console.log(`campaign/processes  ${apart.toFixed(1)} runs/s in ${WORKERS} independent processes`);
  console.log(`campaign/ratio      ${(together / apart).toFixed(3)} by wall time, ${cpu.toFixed(3)} by processor time`);
  console.log(`campaign/start      ${(await overheadMs(plan)).toFixed(3)} ms a run besides its steps`);
}

/** Runs a second; start-up does not count on either side, the first chunk does. */
async function measureThreads(campaignExecutor, plan) {
  let startMs = Number.NaN;
  let before = process.cpuUsage();
  let [finished, warm] = [0, 0];
  const sink = {
    report: () => {
      finished++;
      // All threads are up once each has done a part.
      if (finished < 2 * WORKERS || !Number.isNaN(startMs)) return;
      [startMs, warm, before] = [performance.now(), finished, process.cpuUsage()];
    },
    needs: (_, run) => run < plan.runs,
  };
  const executor = campaignExecutor({ jobs: WORKERS, tell: () => {} });
  await executor(plan, sink, new AbortController().signal);
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const runs = finished - warm;
  return { perSecond: runs / seconds, cpuSeconds: (user + system) / 1e6 / runs };
}

async function measureProcesses() {
  const children = Array.from({ length: WORKERS }, (_, index) =>
    spawn(process.execPath, [THIS, String(index * RUNS_EACH)], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  const lines = children.map((child) => readLines(child.stdout));
  for (const line of lines) await line.next(); // ready
  const startMs = performance.now();
  for (const child of children) child.stdin.end("go");
  const costs = await Promise.all(lines.map(async (line) => Number((await line.next()).value)));
  const seconds = (performance.now() - startMs) / 1000;
  await Promise.all(children.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)));
  return {
    perSecond: (WORKERS * RUNS_EACH) / seconds,
    cpuSeconds: costs.reduce((total, cost) => total + cost, 0) / (WORKERS * RUNS_EACH),
  };
}

/** One of the independent processes: lays its cell out, says so, and runs when it is told to. */
async function runAlone(firstRun) {
  const [plan, { CellRunner }] = await Promise.all([planOf(1), import("../../dist/src/risk/run/cell-runner.js")]);
  const runner = new CellRunner(plan.cells[0]);
  runner.run(0n);
  console.log("ready");
  await once(process.stdin, "data");
  const before = process.cpuUsage();
  for (let run = firstRun; run < firstRun + RUNS_EACH; run++) runner.run(BigInt(run + 1));
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1e6);
  process.exit();
}

/** Starting a run: the snapshot put back, the draws seeded. */
async function overheadMs(plan) {
  const { CellRunner } = await import("../../dist/src/risk/run/cell-runner.js");
  const runner = new CellRunner(plan.cells[0]);
  const times = [];
  for (let run = 0; run < 200; run++) {
    const startMs = performance.now();
    runner.start(BigInt(run));
    times.push(performance.now() - startMs);
  }
  return times.sort((a, b) => a - b)[times.length / 2];
}

async function planOf(runs) {
  const [{ findScenario }, { loadScenario }, plan] = await Promise.all([
    import("../../dist/src/cli/find-scenario.js"),
    import("../../dist/src/index.js"),
    import("../../dist/src/risk/plan.js"),
  ]);
  const scenario = await loadScenario(findScenario(SCENARIO), { uptime: HORIZON });
  const [heap] = scenario.heaps;
  const rest = { horizonUs: scenario.uptimeUs, failOn: "failure" };
  const cell = { scenario, heap: heap.name, allocator: heap.allocator, heapBytes: heap.parts[0].bytes, ...rest };
  return plan.planOf({ cells: [cell], baseSeed: 1n, runs, precision: null, ...rest });
}

async function* readLines(stream) {
  let text = "";
  for await (const part of stream) {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

function bestOf(rounds) {
  return Math.max(...rounds.map(({ perSecond }) => perSecond));
}

function sum(rounds) {
  return rounds.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0);
}
