import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { parseCallGraph, parseStackUsage, readCompilerFiles } from "../../src/firmware-stack/compiler-files.ts";
import { analyseProgram } from "../../src/firmware-stack/program.ts";
import { stackBounds } from "../../src/firmware-stack/stack-bound.ts";
import { readElf } from "../../src/image/elf.ts";
import { analysed, M3 } from "./bounded-program.ts";
import { LOOP, PUSH_R4_LR, type ThumbFunction, thumbProgram } from "./thumb-program.ts";

describe("the compiler's files", () => {
  const functions: ThumbFunction[] = [{ name: "start", code: [PUSH_R4_LR, LOOP] }];
  const su = (text: string) => ({ nodes: new Map(), calls: [], lines: parseStackUsage(text, "main.su"), files: 1 });

  test("count where they say more than the code, and the difference is reported", () => {
    const program = analysed(functions, { files: su("main.c:3:6:start\t24\tstatic\n") });
    expect(stackBounds(program, M3).entries[0]?.bytes).toBe(24);
    expect(program.comparison).toEqual({
      compared: 1,
      equal: 0,
      different: [{ function: "start", compilerBytes: 24, codeBytes: 8 }],
    });
  });

  test.each([
    ["nothing of the build where they agree", "main.c:3:6:start\t8\tstatic", /^$/],
    ["another build where they give more than the code has", "main.c:3:6:start\t24\tstatic", /of this build\?$/],
    ["another program where they know nothing of it", "main.c:3:6:begin\t8\tstatic", /of another program/],
  ])("speak for %s", (_, line, note) => {
    expect(analysed(functions, { files: su(line) }).notes.join()).toMatch(note);
  });

  test("that have one title twice count with the larger frame", () => {
    const node = (bytes: number) =>
      `node: { title: "f" label: "f\\na.h:1:1\\n${bytes} bytes (static)\\n0 dynamic objects" }`;
    const { nodes } = parseCallGraph([node(24), node(8)].join("\n"), "a.ci");
    expect(nodes.get("f")?.frameBytes).toBe(24);
  });

  test("name dynamic frames", () => {
    const program = analysed(functions, { files: su("main.c:3:6:start\t8\tdynamic\n") });
    expect(stackBounds(program, M3).unknowns).toMatchObject([{ kind: "dynamic-frame" }]);
  });

  test.each(["garbage", "a.c:1:1:f\tmany\tstatic", "a.c:1:1:f\t8\tsometimes", "\u0000\u0001", "a.c:1:1:f 8 static"])(
    "are refused with file and line when they hold %j",
    (line) => {
      expect(() => parseStackUsage(`main.c:3:6:start\t24\tstatic\n${line}\n`, "x.su")).toThrow(/x\.su:2: got/);
      expect(() => parseCallGraph(`graph: { title: "a.c"\n${line}\n}\n`, "x.ci")).toThrow(/x\.ci:2: got/);
    },
  );

  test("are all there is for a program of another machine", () => {
    const text = [
      'graph: { title: "main.c"',
      'node: { title: "main" label: "main\\nmain.c:9:5\\n24 bytes (static)\\n0 dynamic objects" }',
      'node: { title: "main.c:work" label: "work\\nmain.c:3:5\\n40 bytes (static)\\n0 dynamic objects" }',
      'node: { title: "memcpy" label: "__builtin_memcpy\\n<built-in>" shape : ellipse }',
      'edge: { sourcename: "main" targetname: "main.c:work" label: "main.c:10:3" }',
      'edge: { sourcename: "main.c:work" targetname: "memcpy" }',
      "}",
    ].join("\n");
    const { nodes, calls } = parseCallGraph(text, "main.ci");
    const elf = readElf(thumbProgram(functions, { machine: 243 }), "app.elf");
    const program = analyseProgram({
      elf,
      files: { nodes, calls, lines: [], files: 1 },
      entries: [],
      calls: new Map(),
    });
    const { entries, unknowns } = stackBounds(program, M3);
    expect(entries[0]).toMatchObject({ name: "main", bytes: 64, bounded: false });
    expect(unknowns).toMatchObject([{ kind: "no-frame", function: "memcpy" }]);
  });
});

describe("files that no compiler wrote", () => {
  const usage = "a.cpp:7:31:int S::operator()(int) const\t16\tstatic\nmain.c:8:5:main\t32\tdynamic,bounded\n";
  const graph = [
    'graph: { title: "a.cpp"',
    'node: { title: "a.cpp:_ZL3aux" label: "int aux()\\na.cpp:5:50\\n32 bytes (static)\\n0 dynamic objects" }',
    'node: { title: "main" label: "main\\na.cpp:8:16\\n32 bytes (dynamic)\\n1 dynamic objects\\n c a.cpp:9:2" }',
    'node: { title: "memcpy" label: "__builtin_memcpy\\n<built-in>" shape : ellipse }',
    'edge: { sourcename: "main" targetname: "a.cpp:_ZL3aux" label: "a.cpp:8:126" }',
    "}",
  ].join("\n");

  /** Frames that can be added up, or a message with the file and the line. */
  function attempt(text: string): void {
    for (const read of [() => parseStackUsage(text, "x.su"), () => [...parseCallGraph(text, "x.ci").nodes.values()]]) {
      try {
        for (const { name, frameBytes } of read()) {
          expect(name).not.toBe("");
          expect(Number.isSafeInteger(frameBytes) && frameBytes >= 0).toBe(true);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
        expect((error as HeapsoakError).message).toMatch(/^x\.(su|ci):\d+: got ".{0,245}", expected/su);
      }
    }
  }

  test("random bytes and random text give frames or a message", () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString("utf8"));
    fc.assert(fc.property(fc.oneof(bytes, fc.string({ unit: "binary", maxLength: 300 })), attempt), { seed: 5 });
  });

  test("real files with bytes changed, left out or repeated give frames or a message", () => {
    const change = fc.record({
      at: fc.nat(600),
      gone: fc.nat(40),
      put: fc.oneof(fc.constantFrom("\n", '"', "\\", "\t", ":", "99999999999", "\u0000"), fc.string({ maxLength: 5 })),
      times: fc.constantFrom(1, 1, 1, 2000),
    });
    const property = fc.property(fc.constantFrom(usage, graph), fc.array(change, { maxLength: 4 }), (text, changes) => {
      attempt(
        changes.reduce((now, { at, gone, put, times }) => {
          const place = at % (now.length + 1);
          return now.slice(0, place) + put.repeat(times) + now.slice(place + gone);
        }, text),
      );
    });
    fc.assert(property, { seed: 6, numRuns: 400 });
  });

  test("are refused where they are larger than any compiler's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "heapsoak-su-"));
    try {
      await writeFile(join(folder, "a.su"), usage);
      expect((await readCompilerFiles(folder)).lines).toHaveLength(2);
      await writeFile(join(folder, "b.ci"), "");
      await truncate(join(folder, "b.ci"), 16 * 1024 * 1024 + 1);
      await expect(readCompilerFiles(folder)).rejects.toThrow(/b\.ci/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
