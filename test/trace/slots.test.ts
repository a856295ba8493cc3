import { describe, expect, test } from "vitest";
import { QUARANTINE_SLOTS, SlotTable, UNKNOWN } from "../../src/trace/slots.ts";

const everySlotHolds = () => true;

describe("the slot table", () => {
  test("finds what was bound, and nothing else", () => {
    const table = new SlotTable(everySlotHolds);
    const slot = table.bind(0x2000_0400);
    expect(table.find(0x2000_0400)).toBe(slot);
    expect(table.find(0x2000_0404)).toBe(UNKNOWN);
  });

  test("remembers a freed id until as many others are freed as the quarantine holds", () => {
    const table = new SlotTable(everySlotHolds);
    table.retire(table.bind(0));
    for (let id = 1; id < QUARANTINE_SLOTS; id++) table.retire(table.bind(id));
    expect(table.find(0)).not.toBe(UNKNOWN);
    table.retire(table.bind(QUARANTINE_SLOTS));
    expect(table.find(0)).toBe(UNKNOWN);
    expect(table.find(1)).not.toBe(UNKNOWN);
  });

  test("uses no more slots than are live and quarantined, however many ids pass", () => {
    const table = new SlotTable(everySlotHolds);
    for (let id = 0; id < 300_000; id++) table.retire(table.bind(id));
    expect(table.high).toBeLessThanOrEqual(QUARANTINE_SLOTS + 1);
  });

  test("gives a freed id that is allocated again its slot back, and does not recycle it", () => {
    const table = new SlotTable(everySlotHolds);
    const slot = table.bind(7);
    table.retire(slot);
    expect(table.bind(7)).toBe(slot);
    for (let id = 100; id < 100 + 2 * QUARANTINE_SLOTS; id++) table.retire(table.bind(id));
    expect(table.find(7)).toBe(slot);
  });

  test("abandons the block of a live id that is bound anew", () => {
    const table = new SlotTable(everySlotHolds);
    const old = table.bind(7);
    const fresh = table.bind(7);
    expect(fresh).not.toBe(old);
    expect(table.find(7)).toBe(fresh);
    expect(table.settle()).toBe(1);
    expect([...table.unfreed()].map(({ slot }) => slot)).toEqual([old, fresh]);
  });

  test("reuses the slot of a live id that is bound anew when its request had been refused", () => {
    const table = new SlotTable(() => false);
    const old = table.bind(7);
    table.bind(7);
    expect(table.settle()).toBe(0);
    expect(table.bind(8)).toBe(old);
  });

  test("makes room by giving up freed ids, then refused ones, and says when all slots hold blocks", () => {
    const held = new Set<number>();
    const table = new SlotTable((slot) => held.has(slot), 4);
    const slots = [0, 1, 2, 3].map((id) => table.bind(id));
    expect(table.exhausted).toBe(true);
    for (const slot of slots) held.add(slot);
    table.retire(slots[1] ?? 0);
    table.reclaim();
    expect(table.find(1)).toBe(UNKNOWN);
    held.add(table.bind(4));
    held.delete(slots[2] ?? 0);
    table.reclaim();
    expect(table.find(2)).toBe(UNKNOWN);
    held.add(table.bind(5));
    expect(() => table.reclaim()).toThrow("More than 4 blocks of the trace are live at once.");
  });

  test("agrees with a plain map over a long random sequence", () => {
    const table = new SlotTable(everySlotHolds);
    const model = new Map<number, number>();
    let state = 1;
    for (let step = 0; step < 200_000; step++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const id = Math.imul((state >>> 8) % 5000, 64) >>> 0; // like addresses: multiples of 64
      const slot = model.get(id);
      expect(table.find(id)).toBe(slot ?? UNKNOWN);
      if (slot === undefined) model.set(id, table.bind(id));
      else table.retire(slot);
    }
    expect(new Set(model.values()).size).toBe(model.size);
  });
});
