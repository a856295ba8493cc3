/** How long pages' main threads were at work, in their own time: other programs on the machine do not count. */
import type { Browser } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Of the thread's own time, in microseconds. */
  readonly tdur?: number;
  /** By the clock, in microseconds. */
  readonly dur?: number;
  readonly args?: { readonly name?: string };
}

export interface MainThreadWork {
  /** Of each task that main threads of pages ran, in milliseconds. */
  readonly tasksMs: readonly number[];
  /** The longest by the clock, waits for the processor included. */
  readonly longestByClockMs: number;
}

/** What the main threads of all pages did while `act` ran. */
export async function mainThreadWork(browser: Browser, act: () => Promise<void>): Promise<MainThreadWork> {
  await browser.startTracing(undefined, {
    categories: ["toplevel", "disabled-by-default-devtools.timeline", "devtools.timeline"],
  });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const threads = traceEvents.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const isMain = ({ pid, tid }: TraceEvent) => threads.some((thread) => thread.pid === pid && thread.tid === tid);
  const tasks = traceEvents.filter((event) => event.name.endsWith("RunTask") && event.ph === "X" && isMain(event));
  if (tasks.length === 0) throw new Error("The trace has no tasks of a page's main thread.");
  return {
    tasksMs: tasks.map(({ tdur = 0 }) => tdur / 1000),
    longestByClockMs: Math.max(...tasks.map(({ dur = 0 }) => dur / 1000)),
  };
}
