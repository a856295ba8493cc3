import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { analyseProgram } from "../../src/firmware-stack/program.ts";
import { judgeLimits, overallVerdict, stackBounds } from "../../src/firmware-stack/stack-bound.ts";
import { stackRecord } from "../../src/firmware-stack/stack-record.ts";
import { readElf } from "../../src/image/elf.ts";
import { stackBoundText } from "../../src/report/stack-bound-text.ts";
import { buildElf } from "../image/elf-builder.ts";
import { analysed, bounds, leaf, M3 } from "./bounded-program.ts";
import {
  BLX_R3,
  BX_LR,
  call,
  LOOP,
  POP_PC,
  PUSH_LR,
  PUSH_R4_LR,
  type ThumbFunction,
  thumbProgram,
  word,
} from "./thumb-program.ts";

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

  test("says which handlers of the vector table are not counted", () => {
    const handlers = [{ function: "uart", priority: 1 }];
    const functions = [
      { name: "start", code: [LOOP] },
      { name: "uart", code: [BX_LR] },
      { name: "timer", code: [BX_LR] },
      { name: "fault", code: [LOOP] },
    ];
    const { notes } = analysed(functions, { vectors: ["fault", "uart", "timer"], handlers });
    expect(notes).toEqual([expect.stringMatching(/not counted: timer\.$/)]);
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

  test("code made to be tangled is refused", { timeout: 120_000 }, () => {
    // Each function is a maze of branches between pushes; eight of them are more than the code's size pays for.
    const maze = Array.from({ length: 1000 }, (_, at) => [0xb401, 0xd000 + ((at * 89) % 254)][at % 2] ?? 0);
    const mazes = Array.from({ length: 8 }, (_, index) => ({ name: `maze${index}`, code: maze }));
    const starts = mazes.map(({ name }) => call(name));
    expect(() => analysed([{ name: "start", code: [PUSH_LR, ...starts, POP_PC] }, ...mazes])).toThrow(/too tangled/);
  });

  test("a chain of calls deeper than our own stack is bounded", { timeout: 120_000 }, () => {
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
