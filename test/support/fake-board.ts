import type { Duplex } from "node:stream";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { CobsReader } from "../../src/board/wire/cobs.ts";
import {
  checkOf,
  decodeFrame,
  FRAME_BYTES_LEAST,
  frameBody,
  isCommandType,
  sealFrame,
  typeOf,
  VERSION_SHIFT,
  versionOf,
} from "../../src/board/wire/frame-codec.ts";
import type {
  BoardCommand,
  BoardMessage,
  BoardOperation,
  BoardResult,
  FrameOf,
} from "../../src/board/wire/messages.ts";
import {
  FRAME_BYTES_MOST,
  FRAME_TYPES,
  HEARTBEATS_PER_IDENTITY,
  NO_TASK,
  PROTOCOL_VERSION,
  REFUSALS,
  RESULT_BYTES,
  SIZE_MEANINGS,
  UNKNOWN_SITE,
} from "../../src/board/wire/protocol.ts";
import type { Heap } from "../../src/device/heap.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import { FakeHeap } from "./fake-heap.ts";
import { FakeLine } from "./fake-line.ts";

/** What a `FakeBoard` is built of; everything has a default. */
export interface FakeBoardOptions {
  readonly allocator?: string;
  readonly allocatorVersion?: string;
  readonly board?: string;
  readonly build?: string;
  readonly heapLow?: number;
  readonly heapBytes?: number;
  /** What the arena holds at power-on; zeros by default. */
  readonly ramContent?: Uint8Array;
  /** The allocator touches its arena when it is first called: until then a reset leaves there what was there. */
  readonly startsLate?: boolean;
  readonly allocatorOptions?: OptionValues;
  readonly ringBytes?: number;
  /** 0: the agent takes no commands but `hello`. */
  readonly commandBytes?: number;
  readonly clockHz?: number;
  /** 0: there is no cycle counter. */
  readonly cycleHz?: number;
  /** Ticks from one event to the next. */
  readonly ticksPerEvent?: number;
  readonly protocolVersion?: number;
  /** What the events say of sizes: those of FreeRTOS's heaps with a header, or of any allocator the request. */
  readonly sizeMeaning?: keyof typeof SIZE_MEANINGS;
}

/** Where an allocator call came from. */
export interface Caller {
  readonly site?: number;
  readonly task?: number;
}

const MEMORY_BYTES_MOST = 192;
/** Bytes of a `memory` frame besides its data: header, address, check, COBS and the zero. */
const MEMORY_OVERHEAD_BYTES = 3 + 4 + 4 + 2 + 1;
const RESULTS_OVERHEAD_BYTES = 3 + 2 + 2 + 2 + 1;
const BATCH_HEADER_BYTES = 8;
const CHECK_BYTES = 2;
/** Link and size in front of a block of FreeRTOS, and the bit of the size that says it is allocated. */
const FREERTOS_HEADER_BYTES = 8;
const FREERTOS_ALLOCATED = 0x8000_0000;
const NONCE_STEP = 0x9e37_79b1;

/**
 * The board agent in TypeScript, its allocator emulated: it speaks, drops, refuses and repeats as the one in C.
 * It is on from the start, with a `boot` that nobody heard; `boot()` is its reset button.
 */
export class FakeBoard {
  readonly line: FakeLine;
  /** The board's clock, in ticks. */
  ticks = 0;
  /** Index among the allocator's events since the boot of the allocation that is reported 8 bytes too high. */
  wrongAddressAt: number | undefined;
  /** Address of a byte that reads back inverted. */
  wrongByteAt: number | undefined;
  /** Commands that get lost on their way to the board. */
  commandsToLose = 0;
  /** Commands that the agent received intact. */
  readonly commands: BoardCommand[] = [];
  readonly #options: Required<Omit<FakeBoardOptions, "ramContent">>;
  readonly #memory: FakeHeap;
  readonly #reader = new CobsReader(FRAME_BYTES_MOST);
  #nonce = NONCE_STEP;
  #frames = 1;
  #dropped = 0;
  #captured = 0;
  #heartbeats = 0;
  #hasCrashed = false;
  #lastBatch: FrameOf<"results"> | undefined;
  #reading: { address: number; end: number } | undefined;

  constructor(options: FakeBoardOptions = {}) {
    this.#options = {
      allocator: "newlib-nano",
      allocatorVersion: "3.3.0",
      board: "fake-board",
      build: "build-1",
      heapLow: 0x2000_4000,
      heapBytes: 16 * 1024,
      startsLate: false,
      allocatorOptions: {},
      ringBytes: 4096,
      commandBytes: 242,
      clockHz: 1_000_000,
      cycleHz: 0,
      ticksPerEvent: 100,
      protocolVersion: PROTOCOL_VERSION,
      sizeMeaning: "request",
      ...options,
    };
    const { ringBytes } = this.#options;
    this.#memory = new FakeHeap({ ...this.#options, ramContent: options.ramContent });
    this.line = new FakeLine(ringBytes, (chunk) => this.#receive(chunk));
    this.line.onRoom = () => this.#sendMemory();
  }

  /** What the host opens in place of a port. */
  get stream(): Duplex {
    return this.line.stream;
  }

  /** The emulated heap, for expectations. */
  get heap(): Heap {
    return this.#memory.heap;
  }

  get nonce(): number {
    return this.#nonce;
  }

  /** Frames for which the ring had no room since the boot. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Frames numbered since the boot. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether an operation made it fault: it says nothing more until `boot`. */
  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  /** Presses reset: the allocator starts anew in RAM as it is, what was in the ring is gone, `boot` is sent. */
  boot(): void {
    this.line.clear();
    this.#memory.restart();
    this.#nonce = (this.#nonce + NONCE_STEP) >>> 0;
    this.ticks = 0;
    this.#frames = 0;
    this.#dropped = 0;
    this.#captured = 0;
    this.#heartbeats = 0;
    this.#hasCrashed = false;
    this.#lastBatch = undefined;
    this.#reading = undefined;
    this.#send(this.#identity("boot"));
  }

  /** The firmware calls malloc; the real address, or 0. */
  allocate(requestBytes: number, caller: Caller = {}): number {
    const { address, reported } = this.#serve({ ...NOTHING, verb: "allocate", requestBytes });
    const told = this.#sizeAsTold(requestBytes, address);
    this.#send({ kind: "allocate", address: reported, requestBytes: told, ...this.#moment(caller) });
    return address;
  }

  /** The firmware calls memalign. */
  allocateAligned(alignment: number, requestBytes: number, caller: Caller = {}): number {
    const { address, reported } = this.#serve({ ...NOTHING, verb: "allocateAligned", alignment, requestBytes });
    this.#send({ kind: "allocateAligned", address: reported, requestBytes, alignment, ...this.#moment(caller) });
    return address;
  }

  /** The firmware calls realloc; of address 0 it is reported as an allocation. */
  reallocate(address: number, requestBytes: number, caller: Caller = {}): number {
    if (address === 0) return this.allocate(requestBytes, caller);
    const served = this.#serve({ ...NOTHING, verb: "reallocate", block: address, requestBytes });
    this.#send({ kind: "reallocate", address, requestBytes, result: served.reported, ...this.#moment(caller) });
    return served.address;
  }

  /** The firmware calls free; of address 0 it is not reported. */
  release(address: number, caller: Caller = {}): void {
    if (address === 0) return;
    this.#serve({ ...NOTHING, verb: "release", block: address });
    this.#send({ kind: "release", address, ...this.#moment(caller) });
  }

  /** The firmware names a task. */
  nameTask(task: number, name: string): void {
    this.#send({ kind: "task", task, name });
  }

  /** The firmware measures a stack. */
  stack(task: number, bytes: number, unusedBytes: number): void {
    this.#send({ kind: "stack", time: this.#tick(), task, bytes, unusedBytes });
  }

  log(text: string): void {
    this.#send({ kind: "log", time: this.#tick(), text });
  }

  /** The allocator's figures, unasked. */
  statistics(): void {
    this.#send({ kind: "statistics", time: this.#tick(), figures: this.#memory.figures() });
  }

  /** A heartbeat by the board's clock as it stands, and after every tenth an `identity`. */
  heartbeat(): void {
    const { ticks: time } = this;
    const counts = { frames: this.#frames, captured: this.#captured, dropped: this.#dropped };
    this.#send({ kind: "heartbeat", nonce: this.#nonce, time, ...counts });
    if (++this.#heartbeats % HEARTBEATS_PER_IDENTITY === 0) this.#send(this.#identity("identity"));
  }

  /** Writes into the board's RAM behind the allocator's back. */
  poke(address: number, data: Uint8Array): void {
    this.#memory.write(address, data);
  }

  #identity<K extends "boot" | "identity">(kind: K): FrameOf<K> {
    const { board, build, allocator, allocatorVersion, ringBytes, commandBytes, clockHz, cycleHz, sizeMeaning } =
      this.#options;
    return {
      kind,
      nonce: this.#nonce,
      time: this.ticks,
      clockHz,
      cycleHz,
      heapLow: this.#memory.lowAddress,
      heapBytes: this.#memory.bytes,
      allocatorState: this.#memory.allocatorState,
      captured: this.#captured,
      ringBytes,
      commandBytes,
      sizeMeaning: SIZE_MEANINGS[sizeMeaning],
      names: [board, build, allocator, allocatorVersion],
    } as FrameOf<K>;
  }

  /** As traceMALLOC of FreeRTOS gives it: rounded with the header, or the block that the header in RAM tells. */
  #sizeAsTold(requestBytes: number, address: number): number {
    const { sizeMeaning } = this.#options;
    if (sizeMeaning === "request") return requestBytes;
    if (sizeMeaning === "withHeader") return Math.ceil((requestBytes + FREERTOS_HEADER_BYTES) / 8) * 8;
    if (address === 0) return 0;
    return Buffer.from(this.#memory.read(address - 4, 4)).readUInt32LE() & ~FREERTOS_ALLOCATED;
  }

  #tick(): number {
    this.ticks = (this.ticks + this.#options.ticksPerEvent) >>> 0;
    return this.ticks;
  }

  #moment({ site = UNKNOWN_SITE, task = NO_TASK }: Caller) {
    return { time: this.#tick(), site, task };
  }

  #serve(operation: BoardOperation): BoardResult & { readonly reported: number } {
    const { address, cycles } = this.#memory.run(operation);
    const isEvent = operation.verb !== "release" || operation.block !== 0;
    const isWrong = isEvent && this.#captured === this.wrongAddressAt && address !== 0;
    if (isEvent) this.#captured++;
    return { address, reported: isWrong ? address + 8 : address, cycles: this.#options.cycleHz === 0 ? 0 : cycles };
  }

  /** Every frame gets a number, also one that the ring has no room for. */
  #send(message: BoardMessage): void {
    if (this.#hasCrashed) return;
    const body = frameBody(message, this.#frames & 0xffff);
    body[0] = (this.#options.protocolVersion << VERSION_SHIFT) | typeOf(body);
    this.#frames = (this.#frames + 1) >>> 0;
    if (!this.line.offer(sealFrame(body), message.kind)) this.#dropped++;
  }

  #refuse(command: BoardCommand | number, reason: number): void {
    const type = typeof command === "number" ? command : FRAME_TYPES[command.kind];
    this.#send({ kind: "refusal", command: type, reason });
  }

  #receive(chunk: Uint8Array): void {
    let from = 0;
    for (let zero = this.#reader.read(chunk, 0); zero >= 0; zero = this.#reader.read(chunk, from)) {
      this.#take();
      this.#reader.restart();
      from = zero + 1;
    }
  }

  /** A frame that is damaged, too long, or of another version is no command: no answer. */
  #take(): void {
    const { bytes, length, isTooLong, isWhole } = this.#reader;
    const bytesMost = BATCH_HEADER_BYTES + Math.max(this.#options.commandBytes, CHECK_BYTES);
    if (this.#hasCrashed || isTooLong || !isWhole || length < FRAME_BYTES_LEAST || length > bytesMost) return;
    if (checkOf(bytes, length) < 0 || versionOf(bytes) !== this.#options.protocolVersion) return;
    const type = typeOf(bytes);
    const command = decodeFrame(bytes, length) as BoardCommand | undefined;
    if (this.commandsToLose > 0) this.commandsToLose--;
    else if (!isCommandType(type) || !command) this.#refuse(type, REFUSALS.unknown);
    else this.#obey(command);
  }

  #obey(command: BoardCommand): void {
    this.commands.push(command);
    if (command.kind === "hello") this.#send(this.#identity("identity"));
    else if (this.#options.commandBytes === 0) this.#refuse(command, REFUSALS.unsupported);
    else this.#carryOut(command);
  }

  #carryOut(command: Exclude<BoardCommand, FrameOf<"hello">>): void {
    switch (command.kind) {
      case "batch":
        this.#runBatch(command);
        break;
      case "repeatResults":
        this.#repeatResults(command);
        break;
      case "readMemory":
        this.#readMemory(command);
        break;
      case "readStatistics":
        this.statistics();
        break;
      case "readStatics":
        this.#sendStatics(command);
        break;
      case "restart":
        this.boot();
    }
  }

  #runBatch(command: FrameOf<"batch">): void {
    const { batch, count, operations } = command;
    const fits = count === operations.length && operations.every(refersBack);
    if (this.#lastBatch?.batch === batch) this.#send(this.#lastBatch);
    else if (!fits) this.#refuse(command, REFUSALS.unknown);
    else if (RESULTS_OVERHEAD_BYTES + RESULT_BYTES * count > this.#options.ringBytes)
      this.#refuse(command, REFUSALS.tooLarge);
    else {
      this.#lastBatch = { kind: "results", batch, results: this.#results(operations) };
      this.#send(this.#lastBatch);
    }
  }

  /** A crash leaves no results behind: the board hangs in its fault handler. */
  #results(operations: readonly BoardOperation[]): BoardResult[] {
    const addresses: number[] = [];
    const results: BoardResult[] = [];
    try {
      for (const operation of operations) {
        const block = operation.blockIsReference ? (addresses[operation.block] ?? 0) : operation.block;
        const { address, reported, cycles } = this.#serve({ ...operation, block, blockIsReference: false });
        addresses.push(address);
        results.push({ address: reported, cycles });
      }
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      this.#hasCrashed = true;
    }
    return results;
  }

  #repeatResults(command: FrameOf<"repeatResults">): void {
    if (this.#lastBatch?.batch === command.batch) this.#send(this.#lastBatch);
    else this.#refuse(command, REFUSALS.batchUnknown);
  }

  #readMemory(command: FrameOf<"readMemory">): void {
    const { address, bytes } = command;
    if (!this.#memory.holds(address, bytes)) this.#refuse(command, REFUSALS.outOfRange);
    else if (this.#options.ringBytes <= MEMORY_OVERHEAD_BYTES) this.#refuse(command, REFUSALS.tooLarge);
    else {
      this.#reading = { address, end: address + bytes };
      this.#sendMemory();
    }
  }

  /** Sends of the range that was asked for what the ring has room for. */
  #sendMemory(): void {
    while (this.#reading) {
      const { address, end } = this.#reading;
      const bytes = Math.min(MEMORY_BYTES_MOST, end - address, this.line.roomBytes - MEMORY_OVERHEAD_BYTES);
      if (bytes <= 0) return;
      this.#reading = address + bytes === end ? undefined : { address: address + bytes, end };
      this.#send({ kind: "memory", address, data: this.#ramAsRead(address, bytes) });
    }
  }

  #ramAsRead(address: number, bytes: number): Uint8Array {
    const data = this.#memory.read(address, bytes);
    const wrong = (this.wrongByteAt ?? -1) - address;
    if (wrong >= 0 && wrong < bytes) data[wrong] = (data[wrong] ?? 0) ^ 0xff;
    return data;
  }

  #sendStatics(command: FrameOf<"readStatics">): void {
    const words = this.#memory.statics();
    if (words.length === 0) this.#refuse(command, REFUSALS.unsupported);
    else this.#send({ kind: "statics", words });
  }
}

const NOTHING: Omit<BoardOperation, "verb"> = { block: 0, blockIsReference: false, alignment: 1, requestBytes: 0 };

/** Whether an operation's block is an address, or an operation in front of it. */
function refersBack({ block, blockIsReference }: BoardOperation, index: number): boolean {
  return !blockIsReference || block < index;
}
