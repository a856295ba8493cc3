import { describe, expect, onTestFinished, test } from "vitest";
import { batchOperationsMost, placeOperations } from "../../src/board/commands/batches.ts";
import { BoardCommander } from "../../src/board/commands/commander.ts";
import type { LinkItem } from "../../src/board/link/link.ts";
import { linkOver } from "../../src/board/link/stream-link.ts";
import type { BoardOperation } from "../../src/board/wire/messages.ts";
import { FakeBoard, type FakeBoardOptions } from "../support/fake-board.ts";
import { lossyLine, randomFrom } from "../support/lossy-line.ts";
import { QuickTimers } from "../support/quick-timers.ts";

const PLAIN = { block: 0, blockIsReference: false, alignment: 0, requestBytes: 0 } as const;
const allocate = (requestBytes: number): BoardOperation => ({ ...PLAIN, verb: "allocate", requestBytes });
const releaseOf = (index: number): BoardOperation => ({
  ...PLAIN,
  verb: "release",
  block: index,
  blockIsReference: true,
});

function connected(options: FakeBoardOptions = {}, { seed = 0, badRatio = 0, turnsMost = 8 } = {}) {
  const fake = new FakeBoard(options);
  const stream = badRatio > 0 ? lossyLine(fake.stream, randomFrom(seed), badRatio, turnsMost) : fake.stream;
  const link = linkOver(stream, "/dev/fake");
  const items: LinkItem[] = [];
  const commander = new BoardCommander(link, { timers: new QuickTimers(), onItem: (item) => items.push(item) });
  onTestFinished(() => link.close());
  return { fake, link, commander, items };
}

/** What a board without a line in between would answer. */
function expected(operations: readonly BoardOperation[]): number[] {
  const { heap } = new FakeBoard();
  const addresses: number[] = [];
  for (const { verb, block, requestBytes } of operations) {
    if (verb === "release") heap.release(addresses[block] ?? 0);
    addresses.push(verb === "release" ? 0 : heap.allocate(requestBytes));
  }
  return addresses;
}

function churn(count: number): BoardOperation[] {
  return Array.from({ length: count }, (_, index) =>
    index % 3 === 2 ? releaseOf(index - 2) : allocate(8 + (index % 50)),
  );
}

describe("identification", () => {
  test("returns what the board says of itself", async () => {
    const { commander, fake } = connected();
    expect(await commander.identify()).toMatchObject({
      nonce: fake.nonce,
      names: ["fake-board", "build-1", "newlib-nano", "3.3.0"],
    });
  });

  test("of a silent line says that nothing was received", async () => {
    const { commander, fake } = connected();
    fake.commandsToLose = 1000;
    await expect(commander.identify({ timeoutMs: 500 })).rejects.toMatchObject({
      code: "no-agent",
      message: "/dev/fake: no agent has answered for 0.5 s. Nothing was received.",
    });
    expect(fake.commands).toHaveLength(0);
  });

  test("says hello every 100 ms, so that the first bytes may be lost", async () => {
    const { commander, fake } = connected();
    fake.commandsToLose = 20;
    await commander.identify();
    expect(commander.retries).toBe(20);
  });

  test("tells bytes without frames from another version", async () => {
    const garbled = connected();
    garbled.fake.commandsToLose = 1000;
    garbled.fake.line.noise(Uint8Array.from({ length: 200 }, (_, index) => 0x80 | (index % 100)));
    await expect(garbled.commander.identify({ timeoutMs: 300 })).rejects.toThrow(/wrong baud rate/);
    const foreign = connected({ protocolVersion: 3 });
    foreign.fake.boot();
    await expect(foreign.commander.identify({ timeoutMs: 300 })).rejects.toThrow(/speaks version 3 of the protocol/);
  });

  test("of a board that sends but does not hear says so", async () => {
    const { commander, fake } = connected();
    fake.commandsToLose = 1000;
    fake.heartbeat();
    await expect(commander.identify({ timeoutMs: 300 })).rejects.toThrow(/does not hear us/);
  });
});

describe("operations", () => {
  test("are cut into batches the agent can take, references across them included", async () => {
    const { commander, fake } = connected({ commandBytes: 60 });
    await commander.identify();
    const operations = churn(90);
    const results = await commander.run(operations);
    expect(results.map(({ address }) => address)).toEqual(expected(operations));
    expect(fake.commands.filter(({ kind }) => kind === "batch")).toHaveLength(Math.ceil(90 / 4));
  });

  test("fit the ring with their results", () => {
    const identity = { commandBytes: 1000, ringBytes: 100 } as Parameters<typeof batchOperationsMost>[0];
    expect(batchOperationsMost(identity)).toBe(10);
    expect(batchOperationsMost({ ...identity, ringBytes: 4096 })).toBe(83);
    expect(batchOperationsMost({ ...identity, commandBytes: 0 })).toBe(0);
  });

  test("of an earlier batch are named by the address it returned, refused ones by 0", () => {
    const results = [
      { address: 0x2000_4008, cycles: 0 },
      { address: 0, cycles: 0 },
    ];
    const operations = [allocate(8), allocate(8), releaseOf(0), releaseOf(1), allocate(4), releaseOf(4)];
    expect(
      placeOperations(operations, results, 6).map(({ block, blockIsReference }) => [block, blockIsReference]),
    ).toEqual([
      [0x2000_4008, false],
      [0, false],
      [0, false],
      [2, true],
    ]);
  });

  test("are carried out once when their results are lost", async () => {
    const { commander, fake } = connected();
    await commander.identify();
    fake.line.spoilNext("drop", { kind: "results", count: 2 });
    const results = await commander.run([allocate(100), allocate(100)]);
    expect(results.map(({ address }) => address)).toEqual(expected([allocate(100), allocate(100)]));
    expect(fake.heap.leaks()).toHaveLength(2);
  });

  test("go out again when they never arrived", async () => {
    const { commander, fake } = connected();
    await commander.identify();
    await commander.run([allocate(8)]);
    fake.commandsToLose = 1;
    await commander.run([allocate(8)]);
    expect(fake.heap.leaks()).toHaveLength(2);
  });

  test("of an earlier session are not taken for these", async () => {
    const { commander, fake, link } = connected();
    await commander.identify();
    await commander.run([allocate(8)]);
    commander.close();
    const later = new BoardCommander(link, { timers: new QuickTimers() });
    await later.identify();
    const [result] = await later.run([allocate(24)]);
    expect(fake.heap.leaks().map(({ requestBytes }) => requestBytes)).toEqual([8, 24]);
    expect(result?.address).toBe(fake.heap.leaks()[1]?.payload);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("are carried out exactly once over a bad line (seed %i)", async (seed) => {
    const { commander } = connected({}, { seed, badRatio: 0.15, turnsMost: 40 });
    await commander.identify();
    const operations = churn(600);
    const results = await commander.run(operations);
    expect(results.map(({ address }) => address)).toEqual(expected(operations));
    expect(commander.retries).toBeGreaterThan(0);
  });

  test("end when the board restarts, also where its boot frame is lost", async () => {
    const heard = connected();
    await heard.commander.identify();
    heard.fake.boot();
    await expect(heard.commander.run([allocate(8)])).rejects.toMatchObject({ code: "board-rebooted" });
    const unheard = connected();
    await unheard.commander.identify();
    await unheard.commander.run([allocate(8)]);
    // Enough further frames for the numbers to look as if the same boot went on.
    unheard.fake.line.spoilNext("drop", { count: 21 });
    unheard.fake.boot();
    for (let line = 0; line < 20; line++) unheard.fake.log("started");
    unheard.fake.commandsToLose = 1;
    await expect(unheard.commander.run([allocate(8)])).rejects.toMatchObject({ code: "board-rebooted" });
    expect(unheard.fake.heap.leaks()).toHaveLength(0);
  });

  test("end when the board falls silent", async () => {
    const { commander, fake } = connected();
    await commander.identify();
    fake.commandsToLose = 1000;
    await expect(commander.run([allocate(8)])).rejects.toMatchObject({ code: "board-silent" });
  });

  test("are refused by an agent without command mode", async () => {
    const { commander } = connected({ commandBytes: 0 });
    await commander.identify();
    await expect(commander.run([allocate(8)])).rejects.toMatchObject({ code: "board-refused" });
  });
});

describe("memory", () => {
  test("is read whole over a bad line", async () => {
    const content = Uint8Array.from({ length: 16 * 1024 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
    const { commander, fake } = connected(
      { allocator: "freertos-heap1", ramContent: content },
      { seed: 11, badRatio: 0.1 },
    );
    const { heapLow, heapBytes } = await commander.identify();
    const image = await commander.readMemory(heapLow + 5, heapBytes - 9);
    expect(Buffer.from(image).equals(Buffer.from(content.subarray(5, heapBytes - 4)))).toBe(true);
    expect(fake.commands.some(({ kind }) => kind === "readMemory")).toBe(true);
  });

  test("outside what the board lets be read is refused", async () => {
    const { commander } = connected();
    await commander.identify();
    await expect(commander.readMemory(0x4000_0000, 16)).rejects.toThrow(/outside what the firmware lets be read/);
  });
});

describe("a restart", () => {
  test("ends with the identity of another boot", async () => {
    const { commander, fake } = connected();
    const before = await commander.identify();
    const after = await commander.restart();
    expect(after.nonce).not.toBe(before.nonce);
    expect(after.nonce).toBe(fake.nonce);
    await commander.run([allocate(8)]);
  });

  test.each([1, 2, 3, 4])("over a bad line leaves no restart behind that comes later (seed %i)", async (seed) => {
    const { commander, fake } = connected({}, { seed, badRatio: 0.3 });
    await commander.identify();
    await commander.restart();
    const { nonce } = fake;
    await commander.run(churn(60));
    expect(fake.nonce).toBe(nonce);
  });
});

test("figures and static variables are read, and what the firmware does meanwhile is passed on", async () => {
  const { commander, fake, items } = connected();
  await commander.identify();
  fake.allocate(40);
  expect(await commander.statistics()).toEqual(fake.heap.statistics());
  expect(await commander.statics()).toHaveLength(3);
  expect(items.filter(({ kind }) => kind === "allocate")).toHaveLength(1);
});
