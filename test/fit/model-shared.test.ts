import { expect, test } from "vitest";
import { fitted, MadeFirmware } from "./model-traces.ts";

const SECOND = 1e6;
const MINUTES = 60 * SECOND;

/** Lines of a trace: births and frees with who asked and who freed. */
type Line = { readonly us: number; readonly text: string };

function traceOf(lines: readonly Line[]): string {
  const tasks = ["! task task=1 text=sensor", "! task task=2 text=logger", "! task task=3 text=radio"];
  return [...tasks, ...lines.map(({ us, text }) => `${text} t=${Math.round(us)}`), ""].join("\n");
}

/** When two tasks do something at random, and which of them. */
function arrivals(firmware: MadeFirmware, meanUs: number, untilUs: number): { us: number; task: number }[] {
  const found: { us: number; task: number }[] = [];
  for (let us = 0; us < untilUs; us += firmware.exponential(meanUs)) {
    found.push({ us, task: firmware.random.next() < 0.3 ? 1 : 2 });
  }
  return found;
}

test("a cache into which two tasks put their lines is one cache", { timeout: 120_000 }, async () => {
  const firmware = new MadeFirmware();
  const lines = arrivals(firmware, 5 * SECOND, 60 * MINUTES).flatMap(({ us, task }, id) => [
    { us, text: `a ${id} ${20 + firmware.random.below(60)} at=line${task} task=${task}` },
    ...(id < 12 ? [] : [{ us, text: `f ${id - 12} task=${task}` }]),
  ]);
  const { scenario, yaml } = await fitted(traceOf(lines));
  expect(scenario.caches).toMatchObject([{ slots: 12, evict: "oldest" }]);
  expect(yaml.match(/in: \S+-cache }/g)).toHaveLength(2);
});

/** Packets of two tasks, served one after the other by `server`. */
function served(server: number): string {
  const firmware = new MadeFirmware();
  let free = 0;
  const lines = arrivals(firmware, SECOND, 60 * MINUTES).flatMap(({ us, task }, id) => {
    free = Math.max(us, free) + firmware.uniform(0.4, 1) * SECOND;
    return [
      { us, text: `a ${id} 200 at=packet${task} task=${task}` },
      { us: free, text: `f ${id} task=${server === 0 ? task : server}` },
    ];
  });
  return traceOf(lines.sort((a, b) => a.us - b.us));
}

test("a queue into which two tasks send is one queue, with one task that serves it", { timeout: 120_000 }, async () => {
  const { scenario } = await fitted(served(3));
  expect(scenario.queues).toHaveLength(1);
  const senders = scenario.tasks.flatMap(({ steps }) => steps.filter(({ step }) => step === "send"));
  expect(senders).toHaveLength(2);
  const servers = scenario.tasks.filter(({ steps }) => steps[0]?.step === "receive");
  expect(servers.map(({ steps }) => steps[1])).toMatchObject([{ step: "wait", us: { kind: "uniform" } }]);
});

test("what a task frees itself waits in no queue", { timeout: 120_000 }, async () => {
  expect((await fitted(served(0))).scenario.queues).toEqual([]);
});
