import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { ALLOCATORS, firmware } from "./support/firmware.ts";
import { Recording, verify } from "./support/recording.ts";
import { VirtualBoard } from "./support/virtual-board.ts";

const { folder } = temporaryFolder();

test.each(ALLOCATORS)(
  "a recording of a board with %s has every call from the boot on, and replays equal",
  async (allocator) => {
    const board = await VirtualBoard.running({ firmware: firmware({ allocator, workload: "on" }) });
    const recording = await Recording.start(board.path, join(folder, `${allocator}.trace`));
    await recording.tells("identity");
    await board.reset();
    await recording.tells("boot");
    await recording.grows(300);
    await recording.tells("heartbeat", 2);
    expect(await recording.stop()).toBe(0);

    const sinceBoot = recording.text.slice(recording.text.indexOf("! boot"));
    expect(sinceBoot).not.toMatch(/^! (gap|disconnected|joined|unmatched|handed-out)/m);
    expect(recording.reports("end")).toHaveLength(1);
    expect(await verify(recording.file)).toMatchObject({ code: 0, text: expect.stringContaining(" 0 mismatches") });
  },
);

test("a recording that is killed holds all it had written, and replays equal", async () => {
  const board = await VirtualBoard.running({ firmware: firmware({ workload: "on" }) });
  const recording = await Recording.start(board.path, join(folder, "killed.trace"));
  await recording.tells("identity");
  await board.reset();
  await recording.grows(150);
  const before = recording.text;
  recording.child.signal("SIGKILL");
  await recording.child.ended;
  expect(recording.text.startsWith(before)).toBe(true);
  expect(await verify(recording.file)).toMatchObject({ code: 0, text: expect.stringContaining(" 0 mismatches") });
});
