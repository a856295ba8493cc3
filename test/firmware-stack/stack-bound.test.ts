import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coreFrames } from "../../src/device/frames.ts";
import { HeapsoakError } from "../../src/errors.ts";
import { parseCallGraph, parseStackUsage } from "../../src/firmware-stack/compiler-files.ts";
import { analyseProgram, type ProgramRequest } from "../../src/firmware-stack/program.ts";
import { judgeLimits, overallVerdict, stackBounds } from "../../src/firmware-stack/stack-bound.ts";
import { stackRecord } from "../../src/firmware-stack/stack-record.ts";
import { readElf } from "../../src/image/elf.ts";
import { stackBoundText } from "../../src/report/stack-bound-text.ts";
import { buildElf } from "../image/elf-builder.ts";
import {
  BLX_R3,
  BX_LR,
  call,
  LOOP,
  POP_PC,
  POP_R4_PC,
  PUSH_LR,
  PUSH_R4_LR,
  type ThumbFunction,
  type ThumbOptions,
  tail,
  thumbProgram,
  word,
} from "./thumb-program.ts";

const M3 = coreFrames({ core: "armv7-m", coreName: "Cortex-M3" });

type Wanted = Partial<Pick<ProgramRequest, "entries" | "handlers" | "calls" | "files">>;

function analysed(functions: readonly ThumbFunction[], options: ThumbOptions & Wanted = {}) {
  const elf = readElf(thumbProgram(functions, options), "app.elf");
  return analyseProgram({ elf, entries: [], calls: new Map(), ...options });
}

function bounds(functions: readonly ThumbFunction[], options: ThumbOptions & Wanted = {}) {
  return stackBounds(analysed(functions, options), M3);
}

/** The bound of a function that is the reset handler. */
function bound(code: ThumbFunction["code"], others: readonly ThumbFunction[] = []) {
  const { entries, unknowns } = bounds([{ name: "start", code }, ...others]);
  const { bytes, bounded } = entries[0] ?? { bytes: -1, bounded: false };
  return { bytes, bounded, unknowns: unknowns.map(({ kind }) => kind) };
}
const exactly = (bytes: number) => ({ bytes, bounded: true, unknowns: [] });

const leaf: ThumbFunction = { name: "leaf", code: [PUSH_R4_LR, 0xb082, 0xb002, POP_R4_PC] }; // 16 bytes

describe("a frame read from the code", () => {
  test.each([
    ["push", [PUSH_R4_LR, POP_R4_PC], 8],
    ["stmdb sp! of eight registers", [0xe92d, 0x43f8, 0xe8bd, 0x83f8], 32],
    ["str lr, [sp, #-4]!", [0xf84d, 0xed04, 0xf85d, 0xfb04], 4],
    ["sub sp by a small constant", [PUSH_LR, 0xb085, 0xb005, POP_PC], 24],
    ["sub.w sp by a modified constant", [PUSH_LR, 0xf5ad, 0x7d00, 0xf50d, 0x7d00, POP_PC], 516],
    ["a frame from movw", [PUSH_LR, 0xf241, 0x7370, 0xebad, 0x0d03, 0x449d, POP_PC], 6004],
    [
      "a negative literal added to sp",
      [PUSH_R4_LR, 0x4c02, 0x44a5, 0x4c02, 0x44a5, POP_R4_PC, 0xe890, 0xffff, 0x1770, 0x0000],
      6008,
    ],
    ["vpush of d8 and d9", [PUSH_LR, 0xed2d, 0x8b04, 0xecbd, 0x8b04, POP_PC], 20],
    ["a frame pointer that restores sp", [0xb580, 0xb084, 0xaf00, 0x3710, 0x46bd, 0xbd80], 24],
    ["parameters pushed and the return address popped into r3", [0xb40f, PUSH_LR, 0xf85d, 0xeb04, 0xb004, BX_LR], 20],
    ["returns inside if-then blocks", [0x2800, 0xbf08, BX_LR, PUSH_LR, 0xbf18, POP_PC, 0xb081, 0xb001, POP_PC], 8],
    ["no push at all", [BX_LR], 0],
  ] as const)("is exact for %s", (_, code, bytes) => {
    expect(bound(code)).toEqual(exactly(bytes));
  });
});

describe("a call", () => {
  test("adds the callee to what is in use there", () => {
    expect(bound([PUSH_LR, call("leaf"), POP_PC], [leaf])).toEqual(exactly(20));
  });

  test("at the end of a function whose frame is gone adds nothing of it", () => {
    expect(bound([PUSH_LR, 0xb085, 0xb005, 0xf85d, 0xeb04, tail("leaf")], [leaf])).toEqual(exactly(24));
    expect(bound([PUSH_LR, 0xf85d, 0xeb04, tail("leaf")], [leaf])).toEqual(exactly(16));
  });

  test("through a veneer is followed", () => {
    const veneer: ThumbFunction = { name: "__leaf_veneer", code: [0xf85f, 0xf000, word("leaf")] };
    expect(bound([PUSH_LR, call("__leaf_veneer"), POP_PC], [veneer, leaf])).toEqual(exactly(20));
  });

  test("that never returns ends the way: the data behind it is not code", () => {
    const dead: ThumbFunction = { name: "dead", code: [LOOP] };
    const code = [PUSH_LR, call("dead"), 0xb0ff, 0xb0ff];
    expect(bound(code, [dead])).toEqual(exactly(4));
  });

  test("through a register is named, and the bound is a lower bound", () => {
    expect(bound([PUSH_LR, BLX_R3, POP_PC])).toEqual({ bytes: 4, bounded: false, unknowns: ["indirect-call"] });
  });

  test("through a register with a known address is a call like any other", () => {
    const code = [PUSH_LR, 0x4b01, BLX_R3, POP_PC, word("leaf")];
    expect(bound(code, [leaf])).toEqual(exactly(20));
  });

  test("through a register leads where the user says", () => {
    const functions = [{ name: "start", code: [PUSH_LR, BLX_R3, POP_PC] }, leaf];
    const { entries, unknowns } = bounds(functions, { calls: new Map([["start", ["leaf"]]]) });
    expect([entries[0]?.bytes, entries[0]?.bounded, unknowns]).toEqual([20, true, []]);
  });

  test("in a case of a tbb table is found", () => {
    // cmp r0, #1; bhi out; tbb [pc, r0]; .byte 1, 2; case 0: b out; case 1: bl leaf; out: pop
    const code = [PUSH_LR, 0x2801, 0xd805, 0xe8df, 0xf000, 0x0201, 0xe001, call("leaf"), POP_PC];
    expect(bound(code, [leaf])).toEqual(exactly(20));
  });
});

describe("the flow of control", () => {
  test("goes on behind a breakpoint, where a debugger does", () => {
    expect(bound([0xbeab, PUSH_LR, call("leaf"), POP_PC], [leaf])).toEqual(exactly(20));
  });

  test("ends at a breakpoint behind which another function begins", () => {
    expect(bound([PUSH_LR, 0xbe00], [leaf])).toEqual(exactly(4));
  });

  test("runs on into the next function where one of two ways does not end in a call", () => {
    // b 2f; 1: b 3f; 2: beq 1b; bl leaf; 3: nop; and then into the next function, whose frame counts
    const next: ThumbFunction = { name: "next", code: [PUSH_R4_LR, 0xb084, 0xb004, POP_R4_PC] };
    expect(bound([0xe000, 0xe002, 0xd0fd, call("leaf"), 0xbf00], [next, leaf])).toEqual(exactly(24));
  });

  test("of a secure entry begins behind its gateway", () => {
    expect(bound([0xe97f, 0xe97f, PUSH_LR, call("leaf"), POP_PC], [leaf])).toEqual(exactly(20));
  });
});

describe("what cannot be known", () => {
  test("is a function that calls itself: its cycle is named and gone through once", () => {
    const { entries, unknowns } = bounds([
      { name: "start", code: [PUSH_LR, call("ping"), POP_PC] },
      { name: "ping", code: [PUSH_R4_LR, call("pong"), POP_R4_PC] },
      { name: "pong", code: [PUSH_R4_LR, 0xb082, call("ping"), 0xb002, POP_R4_PC] },
    ]);
    expect(entries[0]).toMatchObject({ bytes: 28, bounded: false });
    expect(unknowns).toMatchObject([{ kind: "recursion", text: "calls itself: ping → pong → ping" }]);
  });

  test("is a frame that depends on what runs", () => {
    const code = [0xb580, 0xaf00, 0xebad, 0x0d00, 0x46bd, 0xbd80];
    expect(bound(code)).toEqual({ bytes: 8, bounded: false, unknowns: ["dynamic-frame"] });
  });

  test("is a loop that pushes each time round", () => {
    expect(bound([PUSH_LR, 0xe7fd]).unknowns).toContain("dynamic-frame");
  });

  test("is a jump out of the file's code", () => {
    expect(bound([PUSH_LR, 0xf000, 0xf9ff, POP_PC])).toMatchObject({ bounded: false, unknowns: ["unknown-code"] });
  });

  test("is assembly that takes back more than it pushed", () => {
    expect(bound([0xb002, BX_LR]).bounded).toBe(false);
  });
});

describe("the main stack", () => {
  const functions: ThumbFunction[] = [
    { name: "start", code: [PUSH_R4_LR, LOOP] },
    { name: "uart", code: [PUSH_LR, call("leaf"), POP_PC] },
    { name: "timer", code: [BX_LR] },
    { name: "trap", code: [LOOP] },
    leaf,
  ];
  const vectors = ["trap", "trap", undefined, "uart", "timer", "uart"];

  test("holds every handler on top of the others, once for each of its interrupts; the deepest trap once", () => {
    const { mainStack } = bounds(functions, { vectors });
    // 8 + trap 32 + uart 2 × (32 + 24) + timer 32
    expect([mainStack.bytes, mainStack.bounded]).toEqual([184, true]);
    expect(mainStack.nested.map(({ name, times }) => [name, times])).toEqual([
      ["trap", 1],
      ["uart", 2],
      ["timer", 1],
    ]);
  });

  test("holds one handler of each priority", () => {
    const wanted = ["uart", "timer"].map((name) => ({ function: name, priority: 5 }));
    const { mainStack } = bounds(functions, { vectors, handlers: wanted });
    expect(mainStack.bytes).toBe(8 + 32 + 24);
  });

  test("needs larger exception frames when anything on it uses floating point", () => {
    const withFloat = [{ name: "start", code: [PUSH_R4_LR, 0xee30, 0x0a20, LOOP] }, ...functions.slice(1)];
    expect(bounds(withFloat, { vectors }).mainStack.bytes).toBe(184 + 4 * 72);
  });
});

describe("a task", () => {
  const functions: ThumbFunction[] = [
    { name: "start", code: [LOOP] },
    { name: "sensor", code: [PUSH_R4_LR, call("leaf"), LOOP] },
    leaf,
  ];

  test("needs an exception frame, the kernel's context and an aligned start besides its functions", () => {
    const { entries } = bounds(functions, { entries: [{ name: "sense", function: "sensor" }] });
    expect(entries[1]).toMatchObject({ name: "sense", kind: "task", pathBytes: 24, savedBytes: 72, bytes: 96 });
  });

  test("is found where the code makes it, with the stack it is given", () => {
    const creator: ThumbFunction = { name: "xTaskCreate", code: [BX_LR] };
    // ldr r0, =sensor; movs r1, #0; movs r2, #64; bl xTaskCreate
    const code = [PUSH_LR, 0x4803, 0x2100, 0x2240, call("xTaskCreate"), LOOP, 0xbf00, word("sensor")];
    const { entries } = bounds([{ name: "start", code }, creator, ...functions.slice(1)]);
    expect(entries[1]).toMatchObject({ name: "sensor", kind: "task", stackBytes: 256, bytes: 96 });
  });

  test("is not looked for where one function that makes tasks calls another", () => {
    const makers: ThumbFunction[] = [
      { name: "xTaskCreate", code: [PUSH_LR, call("xTaskCreateStatic"), POP_PC] },
      { name: "xTaskCreateStatic", code: [BX_LR] },
    ];
    const code = [PUSH_LR, 0x4803, 0x2100, 0x2240, call("xTaskCreate"), LOOP, 0xbf00, word("sensor")];
    const program = analysed([{ name: "start", code }, ...makers, ...functions.slice(1)]);
    expect(program.notes).toEqual([]);
    expect(program.entries.map(({ name }) => name)).toEqual(["start", "sensor"]);
  });
});

describe("limits", () => {
  const bounded = bounds([{ name: "start", code: [PUSH_R4_LR, LOOP] }]);
  const open = bounds([{ name: "start", code: [PUSH_R4_LR, BLX_R3, LOOP] }]);

  test.each([
    ["a bound within it passes", bounded, 8, "pass"],
    ["a bound beyond it fails", bounded, 7, "fail"],
    ["a lower bound within it decides nothing", open, 8, "undecided"],
    ["a lower bound beyond it fails", open, 7, "fail"],
  ] as const)("%s", (_, of, bytes, verdict) => {
    const limits = judgeLimits(of, new Map([["start", bytes]]));
    expect([limits[0]?.verdict, overallVerdict(of, limits)]).toEqual([verdict, verdict]);
  });

  test("on what is not there are refused", () => {
    expect(() => judgeLimits(bounded, new Map([["nobody", 8]]))).toThrow(HeapsoakError);
  });
});

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

describe("a file that cannot be bounded", () => {
  const functions: ThumbFunction[] = [{ name: "start", code: [BX_LR] }];
  const analyse = (bytes: Uint8Array) =>
    analyseProgram({ elf: readElf(bytes, "app.elf"), entries: [], calls: new Map() });

  test.each([
    ["without symbols", thumbProgram(functions, { withoutSymbols: true }), /no symbols of functions/],
    ["for RISC-V", thumbProgram(functions, { machine: 243 }), /for RISC-V; heapsoak reads Arm's code only/],
    ["that is not linked", buildElf({ type: 1 }), /a relocatable file, expected a linked program/],
  ])("%s is refused", (_, bytes, message) => {
    expect(() => analyse(bytes)).toThrow(message);
  });

  test("cut anywhere, or with any byte changed, gives bounds or a message", () => {
    const bytes = thumbProgram([{ name: "start", code: [PUSH_LR, call("leaf"), POP_PC] }, leaf], {
      vectors: ["leaf"],
    });
    const attempt = (mutant: Uint8Array) => {
      try {
        stackBounds(analyse(mutant), M3);
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
      }
    };
    for (let length = 0; length < bytes.length; length++) attempt(bytes.slice(0, length));
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 0xff, 0x80, 0xe8]) {
        const mutant = bytes.slice();
        mutant[at] = value;
        attempt(mutant);
      }
    }
  });

  test("code of random instructions gives bounds or a message, and ends", () => {
    // Pushes, conditional branches and the like, so that the ways through it cross each other.
    const tops = [0xd0, 0xb4, 0x46, 0x20, 0x18, 0xd1, 0xb1, 0xbf, 0xb0, 0x30, 0xe0, 0xe7];
    const half = fc.tuple(fc.constantFrom(...tops), fc.nat(255)).map(([top, low]) => top * 256 + low);
    const code = fc.oneof(fc.array(half, { maxLength: 400 }), fc.array(fc.nat(0xffff), { maxLength: 400 }));
    const property = fc.property(code, code, (first, second) => {
      try {
        const program = analysed([{ name: "start", code: first }, { name: "other", code: second }, leaf]);
        const { entries, mainStack } = stackBounds(program, M3);
        expect(mainStack.bytes).toBeGreaterThanOrEqual(entries[0]?.bytes ?? 0);
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
      }
    });
    fc.assert(property, { seed: 7, numRuns: 100 });
  });

  test("code made to be tangled is refused", { timeout: 30_000 }, () => {
    // Each function is a maze of branches between pushes; eight of them are more than the code's size pays for.
    const maze = Array.from({ length: 1000 }, (_, at) => [0xb401, 0xd000 + ((at * 89) % 254)][at % 2] ?? 0);
    const mazes = Array.from({ length: 8 }, (_, index) => ({ name: `maze${index}`, code: maze }));
    const starts = mazes.map(({ name }) => call(name));
    expect(() => analysed([{ name: "start", code: [PUSH_LR, ...starts, POP_PC] }, ...mazes])).toThrow(/too tangled/);
  });

  test("a chain of calls deeper than our own stack is bounded", { timeout: 30_000 }, () => {
    const links = 20_000;
    const chain = Array.from({ length: links }, (_, index): ThumbFunction => {
      const name = `f${index}`;
      return { name, code: index === links - 1 ? [BX_LR] : [PUSH_LR, call(`f${index + 1}`), POP_PC] };
    });
    expect(bounds(chain).entries[0]?.bytes).toBe((links - 1) * 4);
  });
});

describe("the page", () => {
  test("shows names that a terminal would obey as text", () => {
    const program = analysed([{ name: "a\u001b[31mb\nc", code: [BLX_R3, LOOP] }]);
    const text = stackBoundText(
      stackRecord(program, { elf: "x\u001b.elf", coreName: "", frames: M3, limits: new Map() }),
    );
    expect(text).toContain("a\\x1b[31mb c");
    expect(text).not.toContain("\u001b");
  });

  test("shows the paths, the nesting and what is not known", () => {
    const program = analysed(
      [
        { name: "start", code: [PUSH_R4_LR, call("leaf"), BLX_R3, LOOP] },
        { name: "uart", code: [PUSH_LR, POP_PC] },
        leaf,
      ],
      { vectors: ["uart"] },
    );
    const request = { elf: "app.elf", coreName: "Cortex-M3", frames: M3, limits: new Map([["start", 64]]) };
    expect(stackBoundText(stackRecord(program, request))).toMatchInlineSnapshot(`
      "Worst-case stacks of app.elf
        Cortex-M3; frames of functions: 3 from the code

             ENTRY POINT  FUNCTIONS  SAVED  WORST CASE  STACK GIVEN
      start        reset     ≥ 24 B             ≥ 24 B

            EXCEPTIONS   PRIORITY  FUNCTIONS
      uart           2  not given        4 B

      main stack: ≥ 64 B with all handlers nested
        start   24 B
        + uart  40 B  36 B saved by the core

      start: deepest path that is known
        start    8 B   8 B
        └ leaf  16 B  24 B

      Not known: what reaches these is a lower bound (≥)
        indirect call: start calls a function only known when it runs (0x08000012)

      start: ≥ 24 B UNDECIDED against the limit of 64 B
      "
    `);
  });
});
