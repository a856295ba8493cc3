import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { instantiateSync } from "@assemblyscript/loader";
import asc from "assemblyscript/asc";
import { BankKind, ENGINE_POOL } from "../../assembly/memory-map.ts";
import { SOAK, SoakField } from "../../assembly/soak-map.ts";
import { StackField, StackGuard } from "../../assembly/stack/stack-map.ts";
import { Engine, type MappedBank } from "../../src/wasm/engine.ts";
import { GuestFault, readFaultRecord } from "../../src/wasm/guest-fault.ts";
import type { CoreBuild } from "../../src/wasm/module.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The exports of assembly/stack/stack.ts, and loops that time them. */
export interface StackExports {
  prepareStack(stack: number): void;
  resetStack(stack: number): void;
  retireStack(stack: number): void;
  enterFrame(stack: number, frameBytes: number, touchBytes: number, returnTo: number): number;
  leaveFrame(stack: number, frameBytes: number, returnTo: number): number;
  enterException(stack: number, frameBytes: number, writtenBytes: number): number;
  leaveException(stack: number): number;
  saveContext(stack: number, contextBytes: number): number;
  restoreContext(stack: number, contextBytes: number): number;
  checkSwitchOut(stack: number): number;
  paintedBytes(stack: number): number;
  observedBytes(stack: number): number;
  timeCalls(stack: number, frameBytes: number, touchBytes: number, count: number): void;
  timeExceptions(task: number, main: number, count: number): void;
}

const ENTRY = `
export * from "./stack/stack";
import { enterException, enterFrame, leaveException, leaveFrame } from "./stack/stack";
export function timeCalls(stack: u32, frameBytes: u32, touchBytes: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    enterFrame(stack, frameBytes, touchBytes, i);
    leaveFrame(stack, frameBytes, i);
  }
}
export function timeExceptions(task: u32, main: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    enterException(task, 32, 32);
    enterFrame(main, 72, 64, i);
    leaveFrame(main, 72, i);
    leaveException(task);
  }
}
`;

/** Stands in for the ledger: blocks from an arena that only grows, refused when it is full. */
const LEDGER = `
import { LedgerField } from "../../assembly/soak/ledger-map";
const STATE: u32 = ${ENGINE_POOL + 0x10_0000};
export function takeKernelBlock(heap: u32, bytes: u32): u32 {
  const high = load<u32>(STATE) + bytes;
  if (high > load<u32>(STATE, 4)) return 0;
  const count = load<u32>(STATE, 8);
  const record = STATE + 16 + count * (LedgerField.Length << 2);
  store<u32>(record, load<u32>(STATE), LedgerField.Payload << 2);
  store<u32>(record, bytes, LedgerField.RequestBytes << 2);
  store<u32>(STATE, high);
  store<u32>(STATE, count + 1, 8);
  return record;
}
export function returnKernelBlock(record: u32): void {
  store<u32>(STATE, load<u32>(record, LedgerField.Payload << 2));
  store<u32>(STATE, load<u32>(STATE, 8) - 1, 8);
}
`;

/** Compiles the stacks alone with the options of a product build; nothing is written to disk. */
export async function compileStacks(build: CoreBuild): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["--target", build], {
    readFile: (name, base) => virtualFile(name) ?? read(join(base, name)),
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = Uint8Array.from(contents as Uint8Array);
    },
  });
  if (error || !binary) throw new Error(`asc: ${error?.message}\n${stderr.toString()}`);
  return binary;
}

function virtualFile(name: string): string | undefined {
  if (name === "asconfig.json") {
    const configuration = JSON.parse(readFileSync(join(ROOT, name), "utf8"));
    return JSON.stringify({ ...configuration, entries: ["assembly/stack-test.ts"] });
  }
  if (name.endsWith("assembly/stack-test.ts")) return ENTRY;
  return name.endsWith("assembly/soak/ledger.ts") ? LEDGER : undefined;
}

function read(path: string): string | null {
  try {
    return readFileSync(path.startsWith("/") ? path : join(ROOT, path), "utf8");
  } catch {
    return null;
  }
}

export const TEST_BANKS: readonly MappedBank[] = [
  { low: 0x1000_0000, bytes: 0x1_0000, home: 0x1000_0000, kind: BankKind.Ram },
  { low: 0x2000_0000, bytes: 0x2_0000, home: 0x2000_0000, kind: BankKind.Ram },
];

/** What a test says of a stack; the rest is 0. */
export interface TestStack {
  readonly low: number;
  readonly bytes: number;
  readonly guards?: number;
  readonly fields?: Partial<Record<StackField, number>>;
}

/** The stacks over a device of two RAM banks. */
export class StackCore {
  readonly engine: Engine;
  readonly core: StackExports;

  constructor(binary: Uint8Array<ArrayBuffer>, banks: readonly MappedBank[] = TEST_BANKS, alignment = 8) {
    this.engine = new Engine(banks, { unalignedFaults: false });
    const raiseFault = () => {
      throw new GuestFault(readFaultRecord(this.engine.words));
    };
    const { exports } = instantiateSync(binary, { env: { memory: this.engine.memory }, fault: { raiseFault } });
    this.core = exports as unknown as StackExports;
    this.engine.bytes.fill(0, SOAK, SOAK + SoakField.Length * 4);
    this.engine.setWord(SOAK + SoakField.StackAlignment * 4, alignment);
  }

  /** A prepared stack, painted with 0xa5. */
  stack({ low, bytes, guards = StackGuard.None, fields = {} }: TestStack): number {
    const record = this.engine.allocatePool(StackField.Length * 4);
    const exceptions = this.engine.allocatePool(64);
    const given = { [StackField.Base]: low, [StackField.Bytes]: bytes, [StackField.Guards]: guards };
    const lists = {
      [StackField.Exceptions]: exceptions,
      [StackField.ExceptionsMost]: 16,
      [StackField.PaintByte]: 0xa5,
    };
    for (const [field, value] of Object.entries({ ...lists, ...given, ...fields })) {
      this.engine.setWord(record + Number(field) * 4, value);
    }
    this.core.prepareStack(record);
    return record;
  }

  get(stack: number, field: StackField): number {
    return this.engine.word(stack + field * 4);
  }

  setNow(us: number): void {
    this.engine.setWord(SOAK + SoakField.Now * 4, us);
  }

  /** The stack whose first overrun the host has not looked at yet, or 0. */
  announced(): number {
    return this.engine.word(SOAK + SoakField.OverrunStack * 4);
  }

  acknowledge(): void {
    this.engine.setWord(SOAK + SoakField.OverrunStack * 4, 0);
  }

  /** The arena of the stand-in for the ledger. */
  stackletArena(low: number, bytes: number): void {
    this.engine.setWord(ENGINE_POOL + 0x10_0000, low);
    this.engine.setWord(ENGINE_POOL + 0x10_0004, low + bytes);
    this.engine.setWord(ENGINE_POOL + 0x10_0008, 0);
  }

  get stackletsHeld(): number {
    return this.engine.word(ENGINE_POOL + 0x10_0008);
  }
}
