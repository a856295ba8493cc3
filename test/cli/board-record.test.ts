import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openLink } from "../../src/board/link/serial-link.ts";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { boardRecordCommand } from "../../src/cli/board-record.ts";
import { FakeBoard } from "../support/fake-board.ts";
import { churn, newPath, settle } from "../support/recorded.ts";
import { temporaryFolder } from "../support/traces.ts";

vi.mock("../../src/board/link/serial-link.ts");

const { folder } = temporaryFolder();
let board: FakeBoard;
let shown: string;

beforeEach(() => {
  board = new FakeBoard();
  shown = "";
  vi.mocked(openLink).mockImplementation(async ({ path }) => linkOver(board.stream, path));
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    shown += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.mocked(openLink).mockClear();
});

/** Runs the command as the command line does; `work` moves the board before the signal that ends it. */
async function record(args: readonly string[], work: () => void, signal: "SIGINT" | "SIGTERM" = "SIGINT") {
  const listeners = process.listenerCount(signal);
  const ended = boardRecordCommand()
    .exitOverride()
    .parseAsync(["--port", "fake", ...args], { from: "user" });
  await vi.waitFor(() => expect(process.listenerCount(signal)).toBe(listeners + 1));
  await settle();
  work();
  await settle();
  process.emit(signal);
  await ended;
  expect(process.listenerCount(signal)).toBe(listeners);
}

describe("board record", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("ends cleanly at %s: the file is whole and summed up", async (signal) => {
    const out = newPath();
    await record(["--out", out], () => void churn(board, 40), signal);
    expect(shown).toContain(`${out}: 40 operations in `);
    expect(readFileSync(out, "utf8")).toMatch(/\n! end operations=40 boots=1 gaps=0 .*\n$/);
    expect(board.stream.destroyed).toBe(true);
  });

  test("writes its figures as JSON to a file", async () => {
    const [out, json] = [newPath(), newPath()];
    await record(["--out", out, "--json", json], () => void churn(board, 40));
    const figures = JSON.parse(readFileSync(json, "utf8"));
    expect(figures).toMatchObject({
      ...{ format: "heapsoak.recording", version: 1, file: out, port: "fake", operations: 40, boots: 1, gaps: 0 },
      ...{ names: ["fake-board", "build-1", "newlib-nano", "3.3.0"], missingFrames: 0, ringDropped: 0 },
      line: { corrupt: 0, lost: 0, repeated: 0 },
    });
    expect(figures.fileBytes).toBe(readFileSync(out).length);
    expect(shown).toContain("40 operations");
  });

  test("writes nothing but JSON to standard output where that is asked for", async () => {
    await record(["--out", newPath(), "--json", "-"], () => void churn(board, 7));
    expect(JSON.parse(shown)).toMatchObject({ operations: 7 });
  });

  test("refuses before it starts to write the figures over the recording, or where they cannot be written", async () => {
    const out = newPath();
    const refused = (json: string) =>
      boardRecordCommand().parseAsync(["--port", "fake", "--out", out, "--json", json], { from: "user" });
    await expect(refused(`${dirname(out)}/./${basename(out)}`)).rejects.toMatchObject({ code: "bad-argument" });
    await expect(refused(join(folder, "none", "x.json"))).rejects.toMatchObject({ code: "cannot-write" });
    expect(existsSync(out)).toBe(false);
    expect(openLink).not.toHaveBeenCalled();
  });

  test("leaves a file alone that is there already, and what is no file", async () => {
    const out = newPath();
    writeFileSync(out, "mine");
    const refused = (...args: string[]) =>
      expect(boardRecordCommand().parseAsync(["--port", "fake", ...args], { from: "user" })).rejects;
    await refused("--out", out).toMatchObject({ code: "cannot-write", hint: expect.stringContaining("--append") });
    await refused("--out", out, "--append").toMatchObject({ code: "bad-trace" });
    await refused("--out", folder).toMatchObject({ message: `${folder}: is no plain file.` });
    expect(readFileSync(out, "utf8")).toBe("mine");
    expect(openLink).not.toHaveBeenCalled();
  });
});
