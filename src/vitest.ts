/**
 * Matchers for vitest, registered by `import "heapsoak/vitest"`:
 *
 * ```ts
 * await expect("scenarios/gateway.yaml").toSurvive("30 d");
 * await expect(soak(scenario)).toKeepLargestFree("4 KiB", { heap: "main" });
 * await expect(run.record).toKeepStackHeadroom("20 %", { stack: "uplink" });
 * ```
 *
 * They take a record, a promise of one, a run, a scenario, or the path of one, which is then soaked.
 */
import { expect } from "vitest";
import { HeapsoakError } from "./errors.ts";
import { formatBytes, parseSize } from "./quantities.ts";
import { loadScenario } from "./scenario/load.ts";
import type { Scenario } from "./scenario/model.ts";
import { formatDuration, parseShare, parseTime } from "./scenario/quantities.ts";
import { RUN_FORMAT, type RunRecord } from "./soak/record.ts";
import { type SoakRun, soak } from "./soak/soak.ts";

/** What the matchers judge. */
export type Soaked = RunRecord | Promise<RunRecord> | SoakRun | Scenario | string;

export interface HeapsoakMatchers {
  /** No failure within the time, as `30 d`. A path or scenario is soaked for as long. */
  toSurvive(time: string): Promise<void>;
  /** The largest request that would have succeeded, at the worst moment of the run: of one heap, or of all. */
  toKeepLargestFree(size: string | number, options?: { readonly heap?: string }): Promise<void>;
  /** What is left of a stack in the worst case, as `20 %` or `256 B`: of one stack, or of all. */
  toKeepStackHeadroom(headroom: string | number, options?: { readonly stack?: string }): Promise<void>;
}

declare module "vitest" {
  interface Matchers<T> extends HeapsoakMatchers {}
}

interface Judged {
  readonly pass: boolean;
  readonly message: () => string;
}

expect.extend({
  async toSurvive(received: unknown, time: string): Promise<Judged> {
    const us = parseTime(time);
    return survival(await recordOf(received, us), us);
  },
  async toKeepLargestFree(received: unknown, size: string | number, options: { heap?: string } = {}): Promise<Judged> {
    const leastBytes = parseSize(size);
    return largestFree(await recordOf(received), leastBytes, options.heap);
  },
  async toKeepStackHeadroom(
    received: unknown,
    headroom: string | number,
    options: { stack?: string } = {},
  ): Promise<Judged> {
    return stackHeadroom(await recordOf(received), headroom, options.stack);
  },
});

async function recordOf(received: unknown, uptimeUs?: number): Promise<RunRecord> {
  const options = uptimeUs === undefined ? {} : { uptimeUs };
  const given = await received;
  if (typeof given === "string") return soak(await loadScenario(given), options).record;
  if (isScenario(given)) return soak(given, options).record;
  const record = isRun(given) ? await given.record : given;
  if (isRecord(record)) return record;
  throw new HeapsoakError("bad-argument", "expected a record of a run, a run, a scenario, or the path of one.", {
    hint: 'As in: await expect(soak(scenario)).toSurvive("30 d")',
  });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
function isRecord(value: unknown): value is RunRecord {
  return isObject(value) && "format" in value && value.format === RUN_FORMAT;
}
function isRun(value: unknown): value is SoakRun {
  return isObject(value) && "record" in value && Symbol.asyncIterator in value;
}
function isScenario(value: unknown): value is Scenario {
  return isObject(value) && "tasks" in value && "source" in value && "uptimeUs" in value;
}

function survival(record: RunRecord, us: number): Judged {
  const { failure, simulatedUs } = record;
  const title = `"${record.scenario.title}"`;
  const wanted = formatDuration(us);
  if (failure && failure.atUs < us) {
    const where = [failure.task, failure.step].filter((word) => word !== null).join(", ");
    const place = where === "" ? "" : ` in ${where}`;
    return judged(
      false,
      `${title} failed after ${formatDuration(failure.atUs)}${place}: ${failure.message}; wanted: no failure in ${wanted}`,
    );
  }
  if (simulatedUs < us && !failure) {
    return judged(false, `${title} ran for ${formatDuration(simulatedUs)} only, which says nothing about ${wanted}`);
  }
  return judged(true, `${title} survived ${wanted}, wanted: a failure before`);
}

function largestFree(record: RunRecord, leastBytes: number, heap: string | undefined): Judged {
  const heaps = chosen(record.heaps, heap, "heap");
  const kept = heaps.map(([name, { minimumLargestFreeBytes }]) => ({ name, bytes: minimumLargestFreeBytes }));
  return figuresJudged(
    kept.map(({ name, bytes }) => ({
      pass: bytes >= leastBytes,
      text: `heap ${name}: at the worst moment the largest request that would have succeeded was ${formatBytes(bytes)}`,
    })),
    `at least ${formatBytes(leastBytes)}`,
  );
}

function stackHeadroom(record: RunRecord, headroom: string | number, stack: string | undefined): Judged {
  const isShare = typeof headroom === "string" ? headroom.trim().endsWith("%") : headroom > 0 && headroom < 1;
  const least = isShare ? parseShare(headroom) : parseSize(headroom);
  return figuresJudged(
    chosen(record.stacks, stack, "stack").map(([name, { sizeBytes, worstCaseBytes }]) => {
      const left = sizeBytes - worstCaseBytes;
      const share = ((100 * left) / sizeBytes).toFixed(1);
      return {
        pass: (isShare ? left / sizeBytes : left) >= least,
        text: `stack ${name}: the worst case takes ${worstCaseBytes} of ${sizeBytes} B and leaves ${left} B (${share} %)`,
      };
    }),
    `at least ${isShare ? `${Number((100 * least).toPrecision(12))} %` : formatBytes(least)}`,
  );
}

/** The entry by that name, or all of them. */
function chosen<T>(entries: Readonly<Record<string, T>>, name: string | undefined, what: string): [string, T][] {
  const names = Object.keys(entries);
  const found = Object.entries(entries).filter(([key]) => name === undefined || key === name);
  if (found.length > 0) return found;
  const known = names.length > 0 ? `it has ${names.join(", ")}` : `it has no ${what}s`;
  throw new HeapsoakError("bad-argument", `The run has no ${what}${name === undefined ? "" : ` "${name}"`}: ${known}.`);
}

/** All must pass; what is said is about those that decided. */
function figuresJudged(figures: readonly { readonly pass: boolean; readonly text: string }[], wanted: string): Judged {
  const failing = figures.filter(({ pass }) => !pass);
  const pass = failing.length === 0;
  const texts = (pass ? figures : failing).map(({ text }) => text);
  return judged(pass, `${texts.join("\n")}\nwanted: ${pass ? "not " : ""}${wanted}`);
}

function judged(pass: boolean, message: string): Judged {
  return { pass, message: () => message };
}
