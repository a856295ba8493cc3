import { describe, expect, test } from "vitest";
import { parseCallGraph, parseStackUsage } from "../../src/firmware-stack/compiler-files.ts";
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
