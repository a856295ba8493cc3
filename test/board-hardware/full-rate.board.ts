import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { firmware } from "./support/firmware.ts";
import { Recording, verify } from "./support/recording.ts";
import { VirtualBoard } from "./support/virtual-board.ts";

const SECONDS = 60;
/** By then the port is open, and QEMU has noticed. */
const OPENING_MS = 3000;
/** By then the program has been compiled and its buffers have been made. */
const WARM_SECONDS = 25;
/** The recorder's own objects: a minute's 600,000 operations would not fit if they were kept. */
const OBJECTS_MIB_MOST = 48;
/** What a garbage collector may keep at one moment and not at another, outside of those too. */
const GROWTH_MIB_MOST = 64;
const { folder } = temporaryFolder();

function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

/** The largest of a process's resident sizes over some seconds, one look each half second. */
async function largestMib(pid: number, seconds: number): Promise<number> {
  let largest = 0;
  for (let look = 0; look < seconds * 2; look++) {
    await delay(500);
    largest = Math.max(largest, residentMib(pid));
  }
  return largest;
}

test("a minute at the board's full rate loses nothing on the line, in flat memory", { timeout: 300_000 }, async () => {
  const board = await VirtualBoard.plugged({ firmware: firmware({ workload: "flood" }) });
  vi.stubEnv("NODE_OPTIONS", `--max-old-space-size=${OBJECTS_MIB_MOST}`);
  const recording = await Recording.start(board.path, join(folder, "flood.trace"));
  vi.unstubAllEnvs();
  await delay(OPENING_MS);
  await board.run();
  await recording.tells("boot");
  const startMs = performance.now();
  const early = await largestMib(recording.child.pid, WARM_SECONDS);
  const late = await largestMib(recording.child.pid, SECONDS - WARM_SECONDS);
  await board.hang(); // so that the last heartbeat is not long ago
  const seconds = (performance.now() - startMs) / 1000;
  expect(await recording.stop()).toBe(0);

  const { missing, dropped, operations } = account(recording.text);
  console.log(
    `${operations} operations in ${seconds.toFixed(0)} s, ${(operations / seconds).toFixed(0)} a second; ` +
      `${missing} frames missing, ${dropped} dropped by the board's ring; ` +
      `resident ${early.toFixed(0)} MiB, then ${late.toFixed(0)} MiB\n${recording.reports("end").join("\n")}`,
  );
  expect(missing).toBe(dropped);
  expect(late - early).toBeLessThan(GROWTH_MIB_MOST);
  expect(await verify(recording.file)).toMatchObject({ code: 0, text: expect.stringContaining(" 0 mismatches") });
});

test("what the board's ring has no room for is missing in the recording, frame by frame, and nothing else", async () => {
  const board = await VirtualBoard.plugged({ firmware: firmware({ workload: "burst" }) });
  const recording = await Recording.start(board.path, join(folder, "burst.trace"));
  await delay(OPENING_MS);
  await board.run();
  await recording.tells("boot");
  await recording.tells("heartbeat", 5);
  expect(await recording.stop()).toBe(0);

  const { missing, dropped } = account(recording.text);
  console.log(`${missing} frames missing, ${dropped} dropped by the board's ring`);
  expect(dropped).toBeGreaterThan(100);
  expect(missing).toBe(dropped);
  expect((await verify(recording.file)).text).toContain(" 0 mismatches");
});

/** Frames missing between the boot and the last heartbeat, and what that heartbeat says the ring had no room for. */
function account(text: string): { missing: number; dropped: number; operations: number } {
  const sinceBoot = text.slice(text.lastIndexOf("! boot"));
  const untilHeartbeat = sinceBoot.slice(0, sinceBoot.indexOf("\n", sinceBoot.lastIndexOf("! heartbeat")));
  const number = (line: string, key: string) => Number(new RegExp(` ${key}=(\\d+)`).exec(line)?.[1]);
  const lines = untilHeartbeat.split("\n");
  const gaps = lines.filter((line) => line.startsWith("! gap")).map((line) => number(line, "frames"));
  return {
    missing: gaps.reduce((sum, frames) => sum + frames, 0),
    dropped: number(lines.at(-1) ?? "", "dropped"),
    operations: lines.filter((line) => /^[azrf] /.test(line)).length,
  };
}
