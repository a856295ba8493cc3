import { describe, expect, test } from "vitest";
import type { LinkItem } from "../../src/board/link/link.ts";
import { CallSites } from "../../src/board/twin/call-sites.ts";
import { Holders } from "../../src/board/twin/holders.ts";
import type { HeapBlock } from "../../src/wasm/heap-record.ts";
import { buildElf } from "../image/elf-builder.ts";
import { bootFrame } from "../support/board-life.ts";

function allocate(address: number, requestBytes: number, site: number, task = 0): LinkItem {
  return { kind: "allocate", time: 0, address, requestBytes, site, task };
}

function release(address: number): LinkItem {
  return { kind: "release", time: 0, address, site: 0, task: 0 };
}

function reallocate(address: number, requestBytes: number, result: number): LinkItem {
  return { kind: "reallocate", time: 0, address, requestBytes, result, site: 0x200, task: 2 };
}

describe("who holds the heap", () => {
  test("is summed up by call site, the most bytes first, with the age of the oldest block", () => {
    const holders = new Holders();
    holders.apply(allocate(8, 10, 0x100), 1000);
    holders.apply(allocate(40, 30, 0x100), 2000);
    holders.apply(allocate(80, 100, 0x300), 3000);
    expect(holders.bySite()).toEqual([
      { key: 0x300, blocks: 1, bytes: 100, oldestMs: 3000 },
      { key: 0x100, blocks: 2, bytes: 40, oldestMs: 1000 },
    ]);
    holders.apply(release(80), 4000);
    expect(holders.bySite().map(({ key }) => key)).toEqual([0x100]);
  });

  test("is summed up by task, which have the names that the firmware gave them", () => {
    const holders = new Holders();
    holders.apply({ kind: "task", task: 2, name: "mqtt" }, 0);
    holders.apply(allocate(8, 10, 0x100, 2), 0);
    expect(holders.byTask()).toEqual([{ key: 2, blocks: 1, bytes: 10, oldestMs: 0 }]);
    expect(holders.taskName(2)).toBe("mqtt");
    expect(holders.taskName(3)).toBeUndefined();
  });

  test("follows reallocations: moved, refused, freed by size 0", () => {
    const holders = new Holders();
    const held = () => [...holders.blocks()].map(({ address, requestBytes }) => [address, requestBytes]);
    holders.apply(allocate(8, 10, 0x100), 0);
    holders.apply(reallocate(8, 500, 0), 0);
    expect(held()).toEqual([[8, 10]]);
    holders.apply(reallocate(8, 20, 64), 0);
    expect(held()).toEqual([[64, 20]]);
    expect(holders.bySite()[0]?.key).toBe(0x200);
    holders.apply(reallocate(64, 0, 0), 0);
    expect(held()).toEqual([]);
  });

  test("does not count what was refused, and begins anew at a boot", () => {
    const holders = new Holders();
    holders.apply(allocate(0, 10, 0x100), 0);
    expect(holders.bySite()).toEqual([]);
    holders.apply(allocate(8, 10, 0x100), 0);
    holders.apply(bootFrame(), 0);
    expect(holders.bySite()).toEqual([]);
  });

  test("is put right by a heap that was read back", () => {
    const holders = new Holders();
    holders.apply(allocate(8, 10, 0x100), 1000);
    holders.apply(allocate(64, 10, 0x100), 1000);
    const block = (payload: number, state: HeapBlock["state"]) => {
      return { address: payload - 8, bytes: 40, payload, requestBytes: 0, state };
    };
    holders.reconcile([block(64, "live"), block(200, "live"), block(300, "free")], () => 32, 5000);
    expect([...holders.blocks()]).toEqual([
      { address: 64, requestBytes: 10, site: 0x100, task: 0, sinceMs: 1000 },
      { address: 200, requestBytes: 32, site: 0, task: 0, sinceMs: 5000 },
    ]);
  });
});

describe("a call site", () => {
  test("without an ELF file is an address", () => {
    expect(new CallSites().name(0x0800_0421)).toBe("0x08000421");
    expect(new CallSites().name(0)).toBe("(unknown)");
  });

  describe("in an ELF file", () => {
    const FUNCTION = 2;
    const OBJECT = 1;
    const sites = CallSites.of(
      buildElf({
        sections: [{ name: ".text", flags: 6, low: 0x0800_0000, contents: new Uint8Array(0x100) }],
        symbols: [
          { name: "parse_topic", value: 0x0800_0001, bytes: 0x40, kind: FUNCTION },
          { name: "reconnect", value: 0x0800_0041, bytes: 0x20, kind: FUNCTION },
          { name: "table", value: 0x0800_0080, bytes: 0x20, kind: OBJECT },
        ],
      }),
      "app.elf",
    );

    test("is the function and how far behind its beginning the call returns to", () => {
      expect(sites.name(0x0800_001b)).toBe("parse_topic+0x1a");
      expect(sites.name(0x0800_001a)).toBe("parse_topic+0x1a");
    });

    test("is the function that called, also where the call is its last instruction", () => {
      expect(sites.name(0x0800_0041)).toBe("parse_topic+0x40");
      expect(sites.name(0x0800_0061)).toBe("reconnect+0x20");
    });

    test("is an address where there is no function", () => {
      expect(sites.name(0x0800_0085)).toBe("0x08000085");
      expect(sites.name(0x0900_0001)).toBe("0x09000001");
    });
  });
});
