import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHistory, type TraceHistory } from "../../src/fit/history/history.ts";
import { fitModel } from "../../src/fit/model/fit-model.ts";
import type { FittedModel } from "../../src/fit/model/model.ts";
import { scenarioOf } from "../../src/fit/scenario/write.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import { Random } from "../../src/statistics/random.ts";

/** A block of a made-up firmware. */
interface MadeBlock {
  readonly bornUs: number;
  /** Infinity: never freed. */
  readonly diedUs: number;
  readonly bytes: number;
  readonly site: string;
}

/** A firmware whose rules are known: collects blocks, and tells them as a trace. */
export class MadeFirmware {
  readonly random = new Random(20261121);
  readonly #blocks: MadeBlock[] = [];

  exponential(meanUs: number): number {
    return -Math.log(1 - this.random.next()) * meanUs;
  }

  uniform(low: number, high: number): number {
    return low + this.random.next() * (high - low);
  }

  hold(site: string, bytes: number, bornUs: number, lifeUs: number): void {
    const born = Math.round(bornUs);
    this.#blocks.push({ bornUs: born, diedUs: Math.round(bornUs + lifeUs), bytes: Math.round(bytes), site });
  }

  /**
   * Lines up to `untilUs`; at one instant frees come first, unless the block is of that instant. `hasTasks`: each site
   * is a task of its own.
   */
  trace(untilUs: number, hasTasks = false): string {
    const events = this.#blocks.flatMap(({ bornUs, diedUs, bytes, site }, id) => [
      { us: bornUs, rank: 1, line: `a ${id} ${bytes} t=${bornUs} at=${site}${hasTasks ? ` task=${site}` : ""}` },
      { us: diedUs, rank: diedUs === bornUs ? 2 : 0, line: `f ${id} t=${diedUs}` },
    ]);
    const lines = events.filter(({ us }) => us <= untilUs).sort((a, b) => a.us - b.us || a.rank - b.rank);
    return lines.map(({ line }) => `${line}\n`).join("");
  }
}

/** The history of a trace's text. */
export async function historyOf(text: string | Uint8Array): Promise<TraceHistory> {
  const folder = mkdtempSync(join(tmpdir(), "heapsoak-fit-"));
  try {
    const file = join(folder, "made.trace");
    writeFileSync(file, text);
    return await readHistory(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A trace's model, its scenario as text, and as `check` reads it. */
export async function fitted(text: string): Promise<{ model: FittedModel; yaml: string; scenario: Scenario }> {
  const history = await historyOf(text);
  const model = fitModel(history, { untilUs: history.durationUs + 1 });
  const place = { allocator: "freertos-heap4", options: {}, heapBytes: 65_536, title: "made", source: "made.trace" };
  const yaml = scenarioOf(model, place);
  return { model, yaml, scenario: await parseScenario(yaml, "made.yaml") };
}
