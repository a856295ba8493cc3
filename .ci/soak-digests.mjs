/**
 * node soak-digests.mjs FOLDER [SCENARIO…]: soaks shipped scenarios in every way that must not matter, and prints
 * `[{ scenario, uptime, how, digest }]`. Checkpoints go to FOLDER. Started by determinism.mjs, under several Nodes.
 */
import { join } from "node:path";
import { shippedScenarios } from "../dist/src/cli/find-scenario.js";
import { loadScenario, soak } from "../dist/src/index.js";

const UPTIME = { us: 3600e6, text: "1h" };
const ONE_BATCH = 2 ** 31 - 1;
const BATCHES = 200;
/** One scenario is cut as small as anybody would; for each batch a run keeps a copy of the device's memory. */
const MANY_BATCHES = { scenario: "mqtt-tls", count: 10_000 };

const [folder, ...names] = process.argv.slice(2);
const runs = [];
for (const { name, theme, file } of shippedScenarios()) {
  if (names.length > 0 && !names.includes(name)) continue;
  const scenario = `${theme}/${name}`;
  const batches = name === MANY_BATCHES.scenario ? MANY_BATCHES.count : BATCHES;
  for (const [how, digest] of Object.entries(await digestsOf(await loadScenario(file), batches))) {
    runs.push({ scenario, uptime: UPTIME.text, how, digest });
  }
}
console.log(JSON.stringify(runs));

async function digestsOf(scenario, batches) {
  const whole = await finish(scenario, { batch: ONE_BATCH });
  const batch = Math.max(Math.floor(whole.steps / batches), 1);
  const file = join(folder, "checkpoint");
  const saving = await finish(scenario, { checkpoint: { file, everyUs: Math.round(UPTIME.us / 3) } });
  return {
    "one batch": whole.digest,
    [`${batches} batches`]: (await finish(scenario, { batch })).digest,
    "checkpoints saved": saving.digest,
    "resumed from a checkpoint": (await finish(scenario, { resume: file })).digest,
    "debug build": (await finish(scenario, { build: "debug" })).digest,
  };
}

async function finish(scenario, options) {
  const run = soak(scenario, { uptimeUs: UPTIME.us, ...options });
  let steps = 0;
  for await (const progress of run) steps = progress.steps;
  return { steps, digest: (await run.record).digest };
}
