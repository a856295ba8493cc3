import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { LinkItem } from "../../src/board/link/link.ts";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { encodeFrame } from "../../src/board/wire/frame-codec.ts";
import type { BoardMessage } from "../../src/board/wire/messages.ts";

const HELLO = { kind: "hello" } as const;
const log = (text: string): BoardMessage => ({ kind: "log", time: 0, text });

/** A line whose other end is in the test's hands. */
function testLine(write: (chunk: Buffer, done: () => void) => void = (_, done) => done()) {
  const stream = new Duplex({ read() {}, write: (chunk: Buffer, _, done) => write(chunk, done) });
  const link = linkOver(stream, "line");
  const items: LinkItem[] = [];
  const listen = () =>
    link.subscribe((more) => {
      items.push(...more);
    });
  return { stream, link, items, listen };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a link over a stream", () => {
  test("keeps what arrives before anybody listens", async () => {
    const { stream, items, listen } = testLine();
    stream.push(encodeFrame(log("early"), 0));
    await turn();
    listen();
    await turn();
    expect(items).toEqual([log("early")]);
  });

  test("hands the same items to all who listen, with the time of their arrival", async () => {
    const { stream, link, items, listen } = testLine();
    listen();
    const times: number[] = [];
    link.subscribe((_, receivedMs) => {
      times.push(receivedMs);
    });
    stream.push(encodeFrame(log("a"), 0));
    await turn();
    expect(items).toEqual([log("a")]);
    expect(times).toHaveLength(1);
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(5000);
  });

  test("sends nothing to those who no longer listen", async () => {
    const { stream, items, listen } = testLine();
    const end = listen();
    end();
    stream.push(encodeFrame(log("late"), 0));
    await turn();
    expect(items).toEqual([]);
  });

  test("holds the line while a listener is at work", async () => {
    const { stream, link } = testLine();
    const seen: string[] = [];
    let goOn = () => {};
    link.subscribe((items) => {
      for (const item of items) if (item.kind === "log") seen.push(item.text);
      return new Promise<void>((resolve) => {
        goOn = resolve;
      });
    });
    stream.push(encodeFrame(log("one"), 0));
    await turn();
    for (let sequence = 1; sequence < 400; sequence++) stream.push(encodeFrame(log("x".repeat(900)), sequence));
    await turn();
    expect(seen).toEqual(["one"]);
    expect(stream.isPaused()).toBe(true);
    goOn();
    await turn();
    expect(seen).toHaveLength(2);
  });

  test("numbers what it sends", async () => {
    const sent: Buffer[] = [];
    const { link } = testLine((chunk, done) => {
      sent.push(chunk);
      done();
    });
    await link.send(HELLO);
    await link.send(HELLO);
    expect(sent).toEqual([0, 1].map((sequence) => Buffer.from(encodeFrame(HELLO, sequence))));
  });

  test("tells of the end of the stream behind the last items", async () => {
    const { stream, link, items, listen } = testLine();
    listen();
    stream.push(encodeFrame(log("last"), 0));
    stream.push(null);
    await turn();
    await turn();
    expect(items).toEqual([log("last"), { kind: "disconnected", reason: "the stream ended" }]);
    expect(link.connected).toBe(false);
    await expect(link.send(HELLO)).rejects.toMatchObject({ code: "board-unreachable" });
  });

  test("tells of an error of the stream, and of nothing behind it", async () => {
    const { stream, items, listen } = testLine();
    listen();
    stream.destroy(new Error("wire cut"));
    await turn();
    await turn();
    expect(items).toEqual([{ kind: "disconnected", reason: "wire cut" }]);
  });

  test("gives up a write that is not taken within five seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { link } = testLine(() => {});
    const sent = link.send(HELLO).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await sent).toMatchObject({
      code: "board-unreachable",
      message: "line: the board cannot be reached: the port has not taken what was sent within 5 s.",
    });
  });

  test("refuses to pile up more than 64 KiB that nobody takes", async () => {
    const { link } = testLine(() => {});
    const release = { verb: "release", block: 0, blockIsReference: false, alignment: 0, requestBytes: 0 } as const;
    const operations = Array.from({ length: 80 }, () => release);
    const batch = { kind: "batch", batch: 1, count: 80, reserved: 0, operations } as const;
    const sends = Array.from({ length: 100 }, () => link.send(batch).then(undefined, (error: Error) => error.message));
    const late = await Promise.race(sends);
    expect(late).toBe("line: the board cannot be reached: the port takes no more bytes.");
    await link.close();
    await Promise.all(sends);
  });

  test("closes at once, also while a listener holds the line and a write is blocked", async () => {
    const { stream, link } = testLine(() => {});
    link.subscribe(() => new Promise(() => {}));
    stream.push(encodeFrame(log("a"), 0));
    await turn();
    const sent = link.send(HELLO).catch((error: unknown) => error);
    await link.close();
    expect(await sent).toMatchObject({ code: "board-unreachable" });
    expect(stream.destroyed).toBe(true);
  });
});
