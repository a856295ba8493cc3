import { describe, expect, test } from "vitest";
import { judgeLine, type LineFigures, printableIn } from "../../src/board/link/line-quality.ts";
import { encodeFrame, sealFrame } from "../../src/board/wire/frame-codec.ts";
import { FrameDecoder } from "../../src/board/wire/frame-decoder.ts";
import type { BoardMessage } from "../../src/board/wire/messages.ts";
import { FRAME_TYPES, PROTOCOL_VERSION } from "../../src/board/wire/protocol.ts";

/** The figures of a line over which these bytes came. */
function figuresOf(bytes: Uint8Array): LineFigures {
  const decoder = new FrameDecoder();
  decoder.resume();
  decoder.write(bytes);
  return { ...decoder.counters, printableBytes: printableIn(bytes), lastOtherVersion: decoder.lastOtherVersion };
}

function agentBytes(frames: number): Uint8Array {
  const parts = Array.from({ length: frames }, (_, index) => {
    const address = 0x2000_4000 + ((index * 88) % 0x8000);
    const event: BoardMessage = {
      kind: "allocate",
      time: index * 12_345,
      address,
      requestBytes: 16 + (index % 7) * 40,
      site: 0x0800_1234 + (index % 5) * 16,
      task: 1,
    };
    return encodeFrame(event, index & 0xffff);
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** What a UART gets that samples another's bits (8N1, no pause) at `ratio` times its rate. */
function resampled(bytes: Uint8Array, ratio: number): Uint8Array {
  const bits = [...bytes].flatMap((byte) => [0, ...Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1), 1]);
  const at = (time: number) => bits[Math.floor(time)] ?? 1;
  const received: number[] = [];
  for (let start = 0; start < bits.length; ) {
    if (at(start) !== 0) {
      start = Math.floor(start) + 1;
      continue;
    }
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte |= at(start + (bit + 1.5) / ratio) << bit;
    received.push(byte);
    start += 9.5 / ratio;
    while (start < bits.length && at(start) === 0) start = Math.floor(start) + 1; // a stop bit that is none: wait for one
  }
  return Uint8Array.from(received);
}

const TEXT = new TextEncoder().encode("I (312) wifi: connected to ap\r\nheap: 21344 bytes free\r\n".repeat(4));

describe("the judgement of a line", () => {
  test("is the agent's frames when they come whole", () => {
    expect(judgeLine(figuresOf(agentBytes(200)))).toMatchObject({ verdict: "good" });
    expect(resampled(agentBytes(20), 1)).toEqual(agentBytes(20));
  });

  test.each([
    ["half", 0.5],
    ["double", 2],
    ["a third of", 1 / 3],
    ["twelve times", 12],
    ["a twelfth of", 1 / 12],
    ["57600 instead of 115200 by", 57_600 / 115_200],
    ["230400 to 250000", 250_000 / 230_400],
  ])("is garbage at %s the rate, and names the rate in use", (_, ratio) => {
    const quality = judgeLine(figuresOf(resampled(agentBytes(400), ratio)), { baudRate: 9600 });
    expect(quality).toMatchObject({ verdict: "garbage", words: expect.stringContaining("a wrong baud rate") });
    expect(quality.remedy).toContain("9600 is used here");
  });

  test("is garbage for text at a wrong rate", () => {
    expect(judgeLine(figuresOf(resampled(TEXT, 0.5))).verdict).toBe("garbage");
    expect(judgeLine(figuresOf(resampled(TEXT, 2))).verdict).toBe("garbage");
  });

  test("is a console for text", () => {
    const quality = judgeLine(figuresOf(TEXT));
    expect(quality).toMatchObject({ verdict: "text", words: expect.stringContaining("look like a text console") });
  });

  test("is silence where nothing came", () => {
    expect(judgeLine(figuresOf(new Uint8Array()))).toMatchObject({ verdict: "silent", words: "Nothing was received." });
  });

  test("waits for more than the end of one frame", () => {
    expect(judgeLine(figuresOf(agentBytes(1).subarray(5))).verdict).toBe("undecided");
  });

  test("names the version of an agent of another time", () => {
    const body = Uint8Array.of(((PROTOCOL_VERSION + 2) << 5) | FRAME_TYPES.heartbeat, 0, 0, 1, 2, 3);
    const bytes = Uint8Array.from([0, ...sealFrame(body), ...sealFrame(body)]);
    expect(judgeLine(figuresOf(bytes))).toMatchObject({
      verdict: "other-version",
      words: "The board's agent speaks version 3 of the protocol (2 frames), heapsoak version 1.",
    });
  });

  test("recognises what we said ourselves", () => {
    expect(judgeLine(figuresOf(encodeFrame({ kind: "hello" }, 0))).verdict).toBe("echo");
  });

  test("calls a line noisy from one frame in fifty on", () => {
    const spoilt = (every: number) => {
      const bytes = agentBytes(1000);
      let frame = 0;
      for (let at = 0; at < bytes.length; at++) {
        if (bytes[at] !== 0) continue;
        frame++;
        if (frame % every === 0) bytes[at - 3] = (bytes[at - 3] ?? 0) ^ 0xff || 1;
      }
      return judgeLine(figuresOf(bytes));
    };
    expect(spoilt(20)).toMatchObject({ verdict: "noisy", words: "5.0 % of the frames are damaged (50 of 1000)." });
    expect(spoilt(200).verdict).toBe("good");
  });

  test("can look at the latest bytes alone", () => {
    const since = figuresOf(agentBytes(100));
    const bytes = Uint8Array.from([...agentBytes(100), ...TEXT]);
    expect(judgeLine(figuresOf(bytes)).verdict).toBe("good");
    expect(judgeLine(figuresOf(bytes), { since }).verdict).toBe("text");
    expect(judgeLine(since, { since }).verdict).toBe("silent");
  });
});
