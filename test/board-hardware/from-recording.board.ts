import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { run } from "./support/command-line.ts";
import { firmware } from "./support/firmware.ts";
import { Recording } from "./support/recording.ts";
import { VirtualBoard } from "./support/virtual-board.ts";

const { folder } = temporaryFolder();
const file = (name: string) => join(folder, name);

test("a recording leads to a soak: imported as it is, repeated, and fitted by a scenario that passes check and runs", async () => {
  const board = await VirtualBoard.running({ firmware: firmware({ workload: "on" }) });
  const recording = await Recording.start(board.path, file("board.trace"));
  await recording.tells("identity");
  await board.reset();
  await recording.tells("boot");
  await recording.grows(600);
  expect(await recording.stop()).toBe(0);

  const imported = await run("import", file("board.trace"), "--out", file("imported.trace.gz"));
  expect(imported.code, imported.err).toBe(0);
  expect(imported.out).toContain("It is a trace already");

  const repeated = await run("replay", file("imported.trace.gz"), "--repeat", "5", "--json", file("replay.json"));
  expect(repeated.code, repeated.err).toBe(0);
  const { replays } = JSON.parse(readFileSync(file("replay.json"), "utf8"));
  expect(replays[0].results[0]).toMatchObject({ allocator: "newlib-nano", passes: 5 });

  const fitted = await run("fit", file("board.trace"), "--out", file("board.yaml"), "--json", file("fit.json"));
  const { verdict } = JSON.parse(readFileSync(file("fit.json"), "utf8")).evaluation;
  expect({ verdict, code: fitted.code }, fitted.err).toEqual({ verdict, code: EXIT_CODES[verdict] });
  expect(fitted.out).toMatch(/newlib-nano, 64 KiB/);

  expect(await run("check", file("board.yaml"))).toMatchObject({ code: 0 });
  const soaked = await run("run", file("board.yaml"), "--uptime", "1h", "--quiet");
  expect(soaked.err).toBe("");
  expect(soaked.out).toContain("newlib-nano");
  console.log(fitted.out);
});

const EXIT_CODES: Readonly<Record<string, number>> = { fits: 0, "does-not-fit": 1, undecided: 3 };
