import { expect, onTestFinished, test } from "vitest";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { scenarioOperations } from "../../src/board/validation/scenario-operations.ts";
import { validateBoard } from "../../src/board/validation/validate.ts";
import { findScenario } from "../../src/cli/find-scenario.ts";
import { FakeBoard } from "../support/fake-board.ts";
import { QuickTimers } from "../support/quick-timers.ts";

const MQTT = findScenario("mqtt-tls");
const PLACE = { allocator: "newlib-nano", heapBytes: 48 * 1024 };

test("a scenario gives what it asks of its heap, each block released after it was allocated", async () => {
  const { operations, name } = await scenarioOperations(MQTT, { ...PLACE, most: 3000 });
  expect(operations).toHaveLength(3000);
  expect(name).toMatch(/^mqtt-tls\.ya?ml, heap /);
  const live = new Set<number>();
  for (const { verb, id } of operations) {
    if (verb === "allocate") live.add(id);
    else expect(live.has(id)).toBe(true);
    if (verb === "release") live.delete(id);
  }
  expect(operations.filter(({ verb }) => verb === "release").length).toBeGreaterThan(1000);
});

test("the same seed gives the same operations, another one others", async () => {
  const digest = async (seed: bigint) => (await scenarioOperations(MQTT, { ...PLACE, most: 2000, seed })).digest;
  expect(await digest(5n)).toBe(await digest(5n));
  expect(await digest(5n)).not.toBe(await digest(6n));
});

test("a heap that the scenario does not have is refused with those it has", async () => {
  await expect(scenarioOperations(MQTT, { ...PLACE, most: 10, heap: "nothing" })).rejects.toMatchObject({
    code: "bad-argument",
    hint: expect.stringMatching(/^It has: /),
  });
});

test("a scenario's operations validate a board with its own allocator and size", async () => {
  const fake = new FakeBoard({ allocator: "freertos-heap4", heapLow: 0x2000_8000, heapBytes: 40 * 1024 });
  const link = linkOver(fake.stream);
  onTestFinished(() => link.close());
  const { record } = await validateBoard(link, {
    source: (place) => scenarioOperations(MQTT, { ...place, most: 4000 }),
    restart: true,
    timers: new QuickTimers(),
  });
  expect(record).toMatchObject({ verdict: "equal", ram: { bytes: 40 * 1024, equal: true } });
  expect(record.operations).toBeGreaterThan(3900);
});
