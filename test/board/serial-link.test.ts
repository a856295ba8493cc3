import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BoardLink, LinkItem } from "../../src/board/link/link.ts";
import { openLink } from "../../src/board/link/serial-link.ts";
import { encodeFrame } from "../../src/board/wire/frame-codec.ts";
import type { BoardMessage } from "../../src/board/wire/messages.ts";
import { MockPorts, PORT } from "../support/mock-ports.ts";

const LOG: BoardMessage = { kind: "log", time: 1, text: "hello" };
const HELLO = { kind: "hello" } as const;

let ports: MockPorts;
let link: BoardLink;
let items: LinkItem[];

/** Lets everything happen that is due within so many milliseconds. */
const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

async function open(options: { reconnect?: boolean } = {}): Promise<void> {
  link = await openLink({ path: PORT, ...options }, ports);
  items = [];
  link.subscribe((more) => {
    items.push(...more);
  });
  await pass();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  ports = new MockPorts();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a serial link", () => {
  test("hands over what the board sends, and sends commands", async () => {
    await open();
    ports.emit(encodeFrame(LOG, 0));
    await link.send(HELLO);
    await pass();
    expect(items).toEqual([LOG]);
    expect(link.counters).toMatchObject({ frames: 1, corrupt: 0, lost: 0 });
    expect(ports.written).toEqual(Buffer.from(encodeFrame(HELLO, 0)));
    await link.close();
    expect(ports.isOpen).toBe(false);
  });

  test("tells of a port that is pulled out, and opens it again within half a second of its return", async () => {
    await open();
    ports.pullOut();
    await pass();
    expect(items).toEqual([
      {
        kind: "disconnected",
        reason: "the port is gone: unplugged, or the program behind it has ended (bad file descriptor)",
      },
    ]);
    expect(link.connected).toBe(false);
    await expect(link.send(HELLO)).rejects.toMatchObject({ code: "board-unreachable" });
    await pass(60_000);
    expect(ports.opened).toBe(1);
    ports.plugIn();
    await pass(500);
    ports.emit(encodeFrame(LOG, 7));
    await pass();
    expect(items.slice(1)).toEqual([{ kind: "connected" }, LOG]);
    expect(link.connected).toBe(true);
  });

  test("adds up the counters of its connections", async () => {
    await open();
    ports.emit(encodeFrame(LOG, 0));
    await pass();
    const { bytes } = link.counters;
    ports.pullOut();
    await pass();
    expect(link.counters).toMatchObject({ bytes, frames: 1 });
    ports.plugIn();
    await pass(500);
    ports.emit(encodeFrame(LOG, 1));
    await pass();
    expect(link.counters).toMatchObject({ bytes: 2 * bytes, frames: 2 });
  });

  test("notices a port that goes on reading nothing, by its path", async () => {
    await open();
    ports.vanish();
    await pass(500);
    expect(items).toEqual([{ kind: "disconnected", reason: "the port is gone: its path has vanished" }]);
    expect(ports.isOpen).toBe(false);
  });

  test("notices a port that the system has hung up under its path, but not one that misses a question", async () => {
    await open();
    ports.linesFail = "Error: Input/output error, cannot get";
    await pass(500);
    ports.linesFail = "Error: Inappropriate ioctl for device, cannot get";
    await pass(5000);
    expect(items).toEqual([]);
    ports.linesFail = "Error: Input/output error, cannot get";
    await pass(1000);
    expect(items).toEqual([{ kind: "disconnected", reason: "the port is gone: the system has hung it up" }]);
    expect(ports.isOpen).toBe(false);
  });

  test("stays apart when it is not to come back", async () => {
    await open({ reconnect: false });
    ports.pullOut();
    await pass();
    ports.plugIn();
    await pass(5000);
    expect(items.map(({ kind }) => kind)).toEqual(["disconnected"]);
    expect(ports.opened).toBe(1);
  });

  test("says once that a port is back but in use, and takes it when it is free", async () => {
    await open();
    ports.pullOut();
    await pass();
    ports.refusal = "Error Resource temporarily unavailable Cannot lock port";
    ports.plugIn();
    await pass(5000);
    expect(items.slice(1)).toEqual([
      { kind: "disconnected", reason: "the port is back, but another program has it open" },
    ]);
    ports.refusal = undefined;
    await pass(500);
    expect(items.at(-1)).toEqual({ kind: "connected" });
  });

  test("does not mention rights that a port gets a moment after it is plugged in", async () => {
    await open();
    ports.pullOut();
    await pass();
    ports.refusal = "Error: Permission denied, cannot open";
    ports.plugIn();
    await pass(500);
    ports.refusal = undefined;
    await pass(500);
    expect(items.map(({ kind }) => kind)).toEqual(["disconnected", "connected"]);
  });

  test("rejects the write during which the port is pulled out", async () => {
    await open();
    const fail = ports.blockWrites();
    const sent = link.send(HELLO).catch((error: unknown) => error);
    ports.vanish();
    fail(new Error("input/output error"));
    await pass();
    expect(await sent).toMatchObject({ code: "board-unreachable" });
    expect(items).toMatchObject([{ kind: "disconnected" }]);
  });

  test("closes while a write is blocked, and rejects it", async () => {
    await open();
    ports.blockWrites();
    const sent = link.send(HELLO).catch((error: unknown) => error);
    const closed = link.close();
    await pass(2000);
    await closed;
    expect(await sent).toMatchObject({ code: "board-unreachable" });
    expect(ports.isOpen).toBe(false);
  });

  test("closes while it waits for its port, and looks for it no more", async () => {
    await open();
    ports.pullOut();
    await pass();
    await link.close();
    ports.plugIn();
    await pass(5000);
    expect(ports.opened).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("sends nothing about a port that it closes itself", async () => {
    await open();
    await link.close();
    await pass(5000);
    expect(items).toEqual([]);
    await expect(link.send(HELLO)).rejects.toMatchObject({ code: "board-unreachable" });
  });
});

describe("opening a port", () => {
  const open = (path: string) => openLink({ path }, ports);

  test("that another program has open fails as busy", async () => {
    ports.refusal = "Error Resource temporarily unavailable Cannot lock port";
    await expect(open(PORT)).rejects.toMatchObject({ code: "port-busy" });
  });

  test("twice fails the second time as busy", async () => {
    const first = await open(PORT);
    await expect(open(PORT)).rejects.toMatchObject({ code: "port-busy" });
    await first.close();
    await (await open(PORT)).close();
  });

  test("without the right to fails as denied", async () => {
    ports.refusal = "Error: Permission denied, cannot open /dev/ttyACM0";
    await expect(open(PORT)).rejects.toMatchObject({ code: "port-denied" });
  });

  test("that is not there fails as missing", async () => {
    await expect(open("/dev/ttyACM7")).rejects.toMatchObject({ code: "port-missing" });
  });
});

describe.skipIf(process.platform === "win32")("opening what is no port", () => {
  const folder = mkdtempSync(join(tmpdir(), "heapsoak-port-"));
  const plain = join(folder, "plain");
  writeFileSync(plain, "text");
  const link = join(folder, "link");
  symlinkSync(plain, link);
  const dangling = join(folder, "dangling");
  symlinkSync(join(folder, "nothing"), dangling);

  test.each([
    ["a folder", folder, "port-unusable", "is a folder, expected a serial port or a pty"],
    ["a file", plain, "port-unusable", "is a file, expected"],
    ["a link to a file", link, "port-unusable", "is a file, expected"],
    ["a device of another kind", "/dev/null", "port-unusable", "is no terminal device, expected"],
    ["a link to nothing", dangling, "port-missing", "there is no such port"],
    ["a path below a file", join(plain, "x"), "port-missing", "there is no such port"],
  ])("fails for %s", async (_, path, code, words) => {
    vi.useRealTimers();
    const error = await openLink({ path }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code, message: expect.stringContaining(`${path}: ${words}`) });
    expect(error).toHaveProperty("hint", expect.stringMatching(/\S/));
  });
});
