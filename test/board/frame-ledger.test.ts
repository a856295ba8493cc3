import { describe, expect, test } from "vitest";
import { crc16 } from "../../src/board/wire/crc.ts";
import { frameBody } from "../../src/board/wire/frame-codec.ts";
import type { FrameOf } from "../../src/board/wire/messages.ts";
import { boot, heartbeat, numbersOf, received, release, run, wire, withoutBytes } from "../support/board-frames.ts";

/** Another nonce that gives a boot the same check. */
function nonceWithCheckOf(frame: FrameOf<"boot">): number {
  const check = crc16(frameBody(frame, 0));
  let nonce = frame.nonce + 1;
  while (crc16(frameBody({ ...frame, nonce }, 0)) !== check) nonce++;
  return nonce;
}

describe("the sequence", () => {
  test("begins with the first frame that arrives", async () => {
    const { items, counters } = await received(...run(40_000, 40_003));
    expect(numbersOf(items)).toEqual([40_000, 40_001, 40_002]);
    expect(counters.lost).toBe(0);
  });

  test("wraps without a gap, and with one", async () => {
    const { items, counters } = await received(...run(65_534, 65_538), ...run(65_540, 65_541));
    expect(numbersOf(items)).toEqual([65_534, 65_535, 65_536, 65_537, "gap 2", 65_540]);
    expect(counters.lost).toBe(2);
  });

  test("tells a repetition within the last 256 frames", async () => {
    const { items, counters } = await received(...run(0, 300), ...run(44, 300), ...run(300, 301));
    expect(items).toHaveLength(301);
    expect(withoutBytes(counters)).toEqual({ frames: 301, repeated: 256 });
  });

  test("that goes back with other content is a gap of unknown size, not a repetition", async () => {
    const { items, counters } = await received(...run(500, 503), wire(release(7), 501), wire(release(8), 502));
    expect(numbersOf(items)).toEqual([500, 501, 502, "perhaps 65534", 7, 8]);
    expect(withoutBytes(counters)).toEqual({ frames: 5 });
  });

  test("ahead by 32,767 is a loss, by 32,768 it went back", async () => {
    const ahead = await received(...run(0, 1), ...run(32_768, 32_769));
    expect(numbersOf(ahead.items)).toEqual([0, "gap 32767", 32_768]);
    const back = await received(...run(0, 1), ...run(32_769, 32_770));
    expect(numbersOf(back.items)).toEqual([0, "perhaps 32768", 32_769]);
    expect([ahead.counters.lost, back.counters.lost]).toEqual([32_767, 0]);
  });
});

describe("a boot", () => {
  test("in mid-stream begins the sequence again; what it cost cannot be counted", async () => {
    const { items, counters } = await received(...run(900, 903), wire(boot(1), 0), ...run(1, 3));
    expect(numbersOf(items)).toEqual([900, 901, 902, "boot", 1, 2]);
    expect(withoutBytes(counters)).toEqual({ frames: 6 });
  });

  test("that cuts a frame off costs that frame and nothing else when a zero stands in front of it", async () => {
    const [cut = new Uint8Array()] = run(903, 904);
    const chunks = [...run(900, 903), cut.subarray(0, 9), Uint8Array.of(0), wire(boot(1), 0), ...run(1, 2)];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual([900, 901, 902, "boot", 1]);
    expect(withoutBytes(counters)).toEqual({ frames: 5, corrupt: 1 });
  });

  test("soon after another is no repetition of it, the same one is", async () => {
    const { items, counters } = await received(
      wire(boot(1), 0),
      wire(boot(1), 0),
      ...run(1, 2),
      wire(boot(2), 0),
      ...run(1, 3),
    );
    expect(numbersOf(items)).toEqual(["boot", 1, "boot", 1, 2]);
    expect(counters.repeated).toBe(1);
  });

  test("with the check of the one before is no repetition of it either", async () => {
    const twin = nonceWithCheckOf(boot(1));
    const { items } = await received(wire(boot(1), 0), ...run(1, 3), wire(boot(twin), 0), ...run(1, 2));
    expect(numbersOf(items)).toEqual(["boot", 1, 2, "boot", 1]);
  });

  test("that got lost shows by the nonce of the next heartbeat", async () => {
    const chunks = [wire(boot(1), 0), ...run(1, 5), ...run(5, 8), wire(heartbeat(2, 8), 8), ...run(9, 10)];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual(["boot", 1, 2, 3, 4, 5, 6, 7, "perhaps 0", "heartbeat", 9]);
    expect(counters.lost).toBe(0);
  });
});

describe("a heartbeat", () => {
  test("settles losses of more than 65,535", async () => {
    const { items, counters } = await received(wire(boot(1), 0), ...run(1, 4), wire(heartbeat(1, 200_004), 200_004));
    expect(numbersOf(items)).toEqual(["boot", 1, 2, 3, "gap 3392", "gap 196608", "heartbeat"]);
    expect(counters.lost).toBe(200_000);
  });

  test("settles a loss of exactly 65,536, which no sequence shows", async () => {
    const chunks = [wire(boot(1), 0), ...run(1, 4), wire(heartbeat(1, 65_540), 65_540), ...run(65_541, 65_543)];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual(["boot", 1, 2, 3, "gap 65536", "heartbeat", 65_541, 65_542]);
    expect(counters.lost).toBe(65_536);
  });

  test("settles a loss of 40,000, which the sequence takes for going back", async () => {
    const chunks = [wire(boot(1), 0), ...run(1, 4), ...run(40_004, 40_006), wire(heartbeat(1, 40_006), 40_006)];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual(["boot", 1, 2, 3, "perhaps 40000", 40_004, 40_005, "gap 40000", "heartbeat"]);
    expect(counters.lost).toBe(40_000);
  });

  test("counts from the first one on where the boot was not seen", async () => {
    const start = 4_000_000;
    const chunks = [
      ...run(start - 2, start),
      wire(heartbeat(1, start), start),
      wire(heartbeat(1, start + 65_537), start + 65_537),
    ];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual([start - 2, start - 1, "heartbeat", "gap 65536", "heartbeat"]);
    expect(counters.lost).toBe(65_536);
  });

  test("goes on counting when the board's count wraps", async () => {
    const last = 2 ** 32 - 1;
    const chunks = [wire(heartbeat(1, last), last), wire(release(0), 0), wire(heartbeat(1, 3), 3)];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual(["heartbeat", 0, "gap 2", "heartbeat"]);
    expect(counters.lost).toBe(2);
  });

  test("takes back what a damaged sequence with a good check made it count", async () => {
    const chunks = [wire(boot(1), 0), ...run(1, 3), wire(release(3), 5003), ...run(4, 6), wire(heartbeat(1, 6), 6)];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual(["boot", 1, 2, "gap 5000", 3, "perhaps 60536", 4, 5, "heartbeat"]);
    expect(counters.lost).toBe(0);
  });

  test("whose count contradicts its own sequence settles nothing", async () => {
    const { counters } = await received(wire(boot(1), 0), ...run(1, 3), wire(heartbeat(1, 900_000), 3));
    expect(counters.lost).toBe(0);
  });

  test("that counts less than has arrived is that of a board that started again", async () => {
    const chunks = [
      ...run(998, 1000),
      wire(heartbeat(1, 1000), 1000),
      wire(heartbeat(1, 3), 3),
      wire(heartbeat(1, 4), 4),
    ];
    const { items, counters } = await received(...chunks);
    expect(numbersOf(items)).toEqual([998, 999, "heartbeat", "perhaps 64538", "heartbeat", "heartbeat"]);
    expect(counters.lost).toBe(0);
  });
});
