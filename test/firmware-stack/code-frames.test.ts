import { describe, expect, test } from "vitest";
import { bound, bounds, exactly, leaf } from "./bounded-program.ts";
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
  tail,
  word,
} from "./thumb-program.ts";

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
    // mov r0, sp; bic.w r1, r0, #7; mov sp, r1; push {r0, lr}; ldmia.w sp!, {r0, lr}; mov sp, r0; bx lr
    [
      "a handler that aligns its stack, 4 bytes at the most",
      [0x4668, 0xf020, 0x0107, 0x468d, 0xb501, 0xe8bd, 0x4001, 0x4685, BX_LR],
      12,
    ],
    // mov r4, sp; bfc r4, #0, #4; mov sp, r4; mov r0, r1 …
    ["a stack aligned by bfc", [PUSH_R4_LR, 0xaf00, 0x466c, 0xf36f, 0x0403, 0x46a5, 0x46bd, POP_R4_PC], 20],
    // push {r7, lr}; sub sp, #8; add r7, sp, #0; push {r4-r7}; pop {r4-r7}; adds r7, #8; mov sp, r7; pop {r7, pc}
    ["a frame pointer that assembly saves", [0xb580, 0xb082, 0xaf00, 0xb4f0, 0xbcf0, 0x3708, 0x46bd, 0xbd80], 32],
    // … vcvt.f32.s32 s14, s15: its register 7 is none of the core's
    ["a frame pointer beside floating point", [0xb580, 0xb082, 0xaf00, 0xeeb8, 0x7ae7, 0x3708, 0x46bd, 0xbd80], 16],
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

  test("in a table of addresses ends with the table, where another function's table follows", () => {
    // push {r4, lr}; ldr r3, =table; ldr r3, [r3, r2]; mov pc, r3; pop {r4, pc}; table: pop, other
    const code = [PUSH_R4_LR, 0x4b02, 0x589b, 0x469f, POP_R4_PC, 0xbf00];
    const start = { name: "start", code: [...code, 0x0054, 0x0800, 0x004d, 0x0800, word("other")] };
    const other = { name: "other", code: [0xb002, BX_LR] };
    const { entries, unknowns } = bounds([start, other], { vectors: Array.from({ length: 15 }, () => undefined) });
    expect([entries[0]?.bytes, unknowns]).toEqual([8, []]);
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
