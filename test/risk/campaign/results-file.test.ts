import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exactJson, parseExactJson } from "../../../src/risk/campaign/exact-json.ts";
import { identityOf } from "../../../src/risk/campaign/identity.ts";
import { packCells, unpackCells } from "../../../src/risk/campaign/packed-cells.ts";
import { parseLine, type ResultsHeader } from "../../../src/risk/campaign/result-lines.ts";
import { ResultsFile, readResultsOf, resultsPath } from "../../../src/risk/campaign/results-file.ts";
import { planOf } from "../../../src/risk/plan.ts";
import { outcomeOf, smallPlan } from "./plan.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "heapsoak-results-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function header(changes: Parameters<typeof smallPlan>[0] = {}): Promise<ResultsHeader> {
  const { cells, baseSeed, runs, precision } = await smallPlan(changes);
  const packed = packCells(cells);
  return { identity: identityOf(packed, baseSeed), wanted: { runs, precision, question: null }, cells: packed };
}

function write(head: ResultsHeader, runs: readonly number[]): void {
  const file = new ResultsFile(folder, head);
  file.append(runs.map((run) => ({ cell: 0, run, outcome: outcomeOf(run) })));
  file.close();
}

function keptRuns(head: ResultsHeader): number[] {
  const file = new ResultsFile(folder, head);
  const runs = [...file.store.all()].map(({ run }) => run);
  file.close();
  return runs;
}

describe("a results file", () => {
  test("gives finished runs back, each once", async () => {
    const head = await header();
    write(head, [0, 1]);
    write(head, [1, 2]);
    expect(keptRuns(head)).toEqual([0, 1, 2]);
    expect(readFileSync(resultsPath(folder), "utf8").split("\n")).toHaveLength(1 + 3 + 1);
  });

  test("loses no more than the line that was being written, wherever it is cut", async () => {
    const head = await header();
    write(head, [0, 1, 2, 3]);
    const whole = readFileSync(resultsPath(folder));
    const first = whole.indexOf("\n") + 1;
    fc.assert(
      fc.property(fc.integer({ min: first, max: whole.length }), (bytes) => {
        writeFileSync(resultsPath(folder), whole);
        truncateSync(resultsPath(folder), bytes);
        const kept = whole.subarray(0, bytes).toString("latin1").split("\n").length - 2;
        expect(keptRuns(head)).toEqual([0, 1, 2, 3].slice(0, kept));
        write(head, [0, 1, 2, 3]);
        expect(readFileSync(resultsPath(folder)).equals(whole)).toBe(true);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  test("leaves damaged lines out, and counts them", async () => {
    const head = await header();
    write(head, [0, 1, 2]);
    const text = readFileSync(resultsPath(folder), "utf8");
    writeFileSync(resultsPath(folder), text.replace('"run":1,', '"run":7,'));
    expect(readResultsOf(folder).damagedLines).toBe(1);
    expect(keptRuns(head)).toEqual([0, 2]);
  });

  test("is extended by more runs", async () => {
    write(await header(), [0]);
    const more = await header({ runs: 100 });
    expect(keptRuns(more)).toEqual([0]);
    expect(readResultsOf(folder).wanted.runs).toBe(100);
  });

  test.each([
    ["seeds", { baseSeed: 8n }, /seeds from 7 on, not from 8/],
    ["horizon", { horizonUs: 60e6 }, /a horizon of 1 h, not 1 min/],
    ["kind of failure", { failOn: "failure" as const }, /--fail-on request, not failure/],
  ])("of another %s is refused, and is left as it is", async (_, changes, message) => {
    write(await header(), [0]);
    const before = readFileSync(resultsPath(folder));
    const other = await header(changes);
    expect(() => new ResultsFile(folder, other)).toThrow(message);
    expect(readFileSync(resultsPath(folder)).equals(before)).toBe(true);
    expect(keptRuns(await header())).toEqual([0]);
  });

  test("of another version, build, grid or scenario is refused with what differs", async () => {
    const head = await header();
    write(head, [0]);
    const { identity } = head;
    const refused = (changes: Partial<typeof identity>) => () =>
      new ResultsFile(folder, { ...head, identity: { ...identity, ...changes } });
    expect(refused({ heapsoak: "9.9.9" })).toThrow(/heapsoak 0\.\d+\.\d+, not 9\.9\.9/);
    expect(refused({ core: "ab".repeat(32) })).toThrow(/another build of heapsoak \(core \w{12}, not abababababab\)/);
    expect(refused({ grid: identity.grid.slice(1) })).toThrow(
      /the grid of freertos-heap4 2 KiB, newlib-nano 2 KiB, not of newlib-nano/,
    );
    expect(refused({ scenario: "0" })).toThrow(/another scenario/);
  });

  test("that another living process writes to is busy; a dead one's lock counts for nothing", async () => {
    const head = await header();
    writeFileSync(join(folder, "running"), `${process.ppid} ${hostname()}\n`);
    expect(() => new ResultsFile(folder, head)).toThrow(/is writing to this folder/);
    writeFileSync(join(folder, "running"), `4194999 ${hostname()}\n`);
    write(head, [0]);
    expect(keptRuns(head)).toEqual([0]);
  });

  test.each(["", "\n", "{}\n", "\0".repeat(5000), '{"crc32":"00000000","format":"heapsoak.campaign"}\n', "a: yaml\n"])(
    "that is none is refused: %j",
    async (text) => {
      writeFileSync(resultsPath(folder), text);
      const head = await header();
      expect(() => new ResultsFile(folder, head)).toThrow(/not the results of a campaign/);
    },
  );

  test("two outcomes of one run are refused", async () => {
    const head = await header();
    write(head, [0]);
    const line = readFileSync(resultsPath(folder), "utf8").split("\n")[1] ?? "";
    const other = new ResultsFile(join(folder, "other"), head);
    other.append([{ cell: 0, run: 0, outcome: outcomeOf(5) }]);
    other.close();
    appendFileSync(resultsPath(join(folder, "other")), `${line}\n`);
    expect(() => readResultsOf(join(folder, "other"))).toThrow(/run 0 of cell 0 has two different outcomes/);
  });
});

test("a line with any byte changed is no line", async () => {
  const head = await header();
  write(head, [3]);
  const line = readFileSync(resultsPath(folder), "utf8").split("\n")[1] ?? "";
  expect(parseLine(line)).toMatchObject({ kind: "run", cell: 0, run: 3 });
  fc.assert(
    fc.property(fc.nat(line.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
      const character = String.fromCharCode(code);
      fc.pre(line[at] !== character);
      expect(parseLine(line.slice(0, at) + character + line.slice(at + 1))).toBeUndefined();
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("cells come back from JSON as they were, and give the same plan", async () => {
  const plan = await smallPlan();
  const cells = unpackCells(parseExactJson(exactJson(packCells(plan.cells))) as ReturnType<typeof packCells>);
  expect(planOf({ ...plan, cells }).identity).toBe(plan.identity);
  expect(cells[1]?.scenario.seed).toBe(plan.cells[1]?.scenario.seed);
});

test("exact JSON keeps what JSON has no word for", () => {
  const value = {
    seed: 2n ** 63n,
    most: Number.POSITIVE_INFINITY,
    list: [1, -0.1, "x", null, Number.NEGATIVE_INFINITY],
  };
  expect(parseExactJson(exactJson(value))).toEqual(value);
});
