/**
 * A process to be killed: soaks a scenario with checkpoints and prints the digest.
 * Arguments: scenario, checkpoint file, `fresh` or `resume`, simulated microseconds between checkpoints.
 */
import { loadScenario, soak } from "../../dist/src/index.js";

const [, , scenario, file, how, everyUs] = process.argv;
const run = soak(await loadScenario(scenario), {
  checkpoint: { file, everyUs: Number(everyUs) },
  ...(how === "resume" && { resume: file }),
});
process.stdout.write(`${(await run.record).digest}\n`);
