import { afterEach, describe, expect, test } from "vitest";
import type { BoardLink, LinkItem } from "../../src/board/link/link.ts";
import { openLink } from "../../src/board/link/serial-link.ts";
import { run } from "./support/command-line.ts";
import { firmware } from "./support/firmware.ts";
import { VirtualBoard } from "./support/virtual-board.ts";
import { until } from "./support/wait.ts";

const links: BoardLink[] = [];
afterEach(async () => {
  for (const link of links.splice(0)) await link.close();
});

/** A link, and all that comes over it. */
async function opened(path: string): Promise<{ link: BoardLink; items: LinkItem[] }> {
  const link = await openLink({ path });
  links.push(link);
  const items: LinkItem[] = [];
  link.subscribe((more) => {
    items.push(...more);
  });
  return { link, items };
}

const kinds = (items: readonly LinkItem[]) => items.map(({ kind }) => kind);

describe.each(["pty", "socat", "paced"] as const)("a board behind a line of the kind %s", (line) => {
  test("says what it is when it starts, and when it is asked", async () => {
    const board = await VirtualBoard.plugged({ firmware: firmware({ workload: "off" }), line });
    const { link, items } = await opened(board.path);
    await board.run();
    const identity = await until("identity", async () => {
      await link.send({ kind: "hello" });
      return items.find((item) => item.kind === "identity");
    });
    expect(identity.names.slice(0, 1)).toEqual(["mps2-an385"]);
    await board.reset();
    const boot = await until("another boot", () =>
      items.find((item) => item.kind === "boot" && item.nonce !== identity.nonce),
    );
    expect(boot).toMatchObject({ heapLow: identity.heapLow, heapBytes: identity.heapBytes, names: identity.names });
    expect(link.counters).toMatchObject({ corrupt: 0, otherVersion: 0, unknownType: 0 });
  });
});

test("frames of every kind that a board sends by itself arrive in order, none of them damaged", async () => {
  const board = await VirtualBoard.plugged({ firmware: firmware({ workload: "on" }) });
  const { link, items } = await opened(board.path);
  await board.run();
  await until("identity", () => items.some(({ kind }) => kind === "identity" || kind === "boot"));
  await board.reset();
  await until("boot", () => items.some(({ kind }) => kind === "boot"));
  const kindsToCome = ["allocate", "release", "reallocate", "task", "stack", "statistics", "log", "heartbeat"] as const;
  for (const wanted of kindsToCome) await until(wanted, () => kinds(items).lastIndexOf(wanted) >= 0);
  const sinceBoot = items.slice(kinds(items).lastIndexOf("boot"));
  expect(kinds(sinceBoot)).not.toContain("gap");
  expect(link.counters).toMatchObject({ corrupt: 0, otherVersion: 0, unknownType: 0 });
});

test("a second program is told that the port is busy", async () => {
  const board = await VirtualBoard.running({ firmware: firmware({ workload: "off" }) });
  await opened(board.path);
  const { code, err } = await run("board", "watch", "--port", board.path);
  expect(code).toBe(2);
  expect(err).toMatch(/busy|in use|another program/i);
  expect(err).not.toMatch(/^\s+at /m);
});
