/**
 * What a board and heapsoak say to each other over a serial line: the one declaration of it on this side.
 * The board's is firmware-scenarios/board-agent/heapsoak_agent.h; a test holds the two against each other.
 *
 * A frame before COBS, all numbers little-endian. On the line it is followed by a zero byte.
 *
 *   byte  0              1          3          n            n + 2 (memory: n + 4)
 *         ├ ver │ type   ┼ sequence ┼ payload  ┼ check      ┤
 *         └ 3     5 bits └ 16 bits             └ CRC-16, or CRC-32 of memory images, over all before it
 *
 * The board numbers every frame that it means to send, also those for which its ring has no room: a gap in the
 * numbers is a loss, whether on the board or on the line. Numbers begin with 0 at each boot.
 */

/** Raised when a frame changes meaning; the three high bits of every frame's first byte. */
export const PROTOCOL_VERSION = 1;

/** Types of frames: up to 15 from the board, from 16 on to the board. */
export const FRAME_TYPES = {
  /** The board has just started: its allocator has served nothing that the agent has not seen. */
  boot: 1,
  /** The same payload, in answer to `hello` and every ten heartbeats. */
  identity: 2,
  /** Address 0: the request was refused. */
  allocate: 3,
  allocateAligned: 4,
  release: 5,
  /** `result` 0: refused, and the old block stays; where `requestBytes` is 0 too, what the allocator does for it. */
  reallocate: 6,
  /** A name for the `task` of other frames. */
  task: 7,
  /** A stack's high-water mark as the firmware measures it. */
  stack: 8,
  /** The allocator's own figures. */
  statistics: 9,
  log: 10,
  /** Each second. */
  heartbeat: 11,
  /** What a batch's operations returned, all of them, in order. */
  results: 12,
  /** A command was not carried out. */
  refusal: 13,
  /** Bytes read from the board. */
  memory: 14,
  /** The allocator's static variables, in the order of `AllocatorEntry.statics`. */
  statics: 15,

  /** Asks for `identity`. */
  hello: 16,
  /** Operations for the board's own allocator; a batch is carried out once, however often it arrives. */
  batch: 17,
  /** Asks for the results of the last batch again. */
  repeatResults: 18,
  /** Asks for `memory` frames that cover a range. */
  readMemory: 19,
  readStatistics: 20,
  readStatics: 21,
  /** Resets the board. */
  restart: 22,
} as const;

export type FrameName = keyof typeof FRAME_TYPES;

/**
 * How a field is written: numbers of fixed width, or one that takes the rest of the payload. `texts` are
 * zero-ended strings; `text` ends with the payload.
 */
export type FieldKind =
  | "u8"
  | "u16"
  | "u32"
  | "text"
  | "texts"
  | "bytes"
  | "words"
  | "results"
  | "operations"
  | "figures";

const IDENTITY = [
  /** Another one at each boot. */
  ["nonce", "u32"],
  /** Ticks of the board's clock at the moment. */
  ["time", "u32"],
  /** Ticks a second of the clock behind every `time`, which wraps at 2^32. */
  ["clockHz", "u32"],
  /** Ticks a second of the counter behind `cycles`; 0: there is none. */
  ["cycleHz", "u32"],
  ["heapLow", "u32"],
  ["heapBytes", "u32"],
  /** Static data that the heap's metadata points into (newlib's table of bins), or 0. */
  ["allocatorState", "u32"],
  /** Allocator events since the boot. */
  ["captured", "u32"],
  ["ringBytes", "u32"],
  /** Bytes of operations and check that a `batch` may have behind its first 8; 0: the agent takes no commands. */
  ["commandBytes", "u16"],
  /** One of `SIZE_MEANINGS`. */
  ["sizeMeaning", "u8"],
  /** Board, build id, allocator, allocator's version. */
  ["names", "texts"],
] as const;

/** The payload of every frame, field by field. */
export const LAYOUTS = {
  boot: IDENTITY,
  identity: IDENTITY,
  allocate: [
    ["time", "u32"],
    ["address", "u32"],
    ["requestBytes", "u32"],
    ["site", "u32"],
    ["task", "u16"],
  ],
  allocateAligned: [
    ["time", "u32"],
    ["address", "u32"],
    ["requestBytes", "u32"],
    ["site", "u32"],
    ["task", "u16"],
    ["alignment", "u32"],
  ],
  release: [
    ["time", "u32"],
    ["address", "u32"],
    ["site", "u32"],
    ["task", "u16"],
  ],
  reallocate: [
    ["time", "u32"],
    ["address", "u32"],
    ["requestBytes", "u32"],
    ["site", "u32"],
    ["task", "u16"],
    ["result", "u32"],
  ],
  task: [
    ["task", "u16"],
    ["name", "text"],
  ],
  stack: [
    ["time", "u32"],
    ["task", "u16"],
    ["bytes", "u32"],
    ["unusedBytes", "u32"],
  ],
  statistics: [
    ["time", "u32"],
    ["figures", "figures"],
  ],
  log: [
    ["time", "u32"],
    ["text", "text"],
  ],
  heartbeat: [
    ["nonce", "u32"],
    ["time", "u32"],
    /** Frames numbered since the boot, this one not included: its low half is this frame's sequence. */
    ["frames", "u32"],
    ["captured", "u32"],
    /** Frames for which the ring had no room. */
    ["dropped", "u32"],
  ],
  results: [
    ["batch", "u16"],
    ["results", "results"],
  ],
  refusal: [
    /** Type of the command. */
    ["command", "u8"],
    /** One of `REFUSALS`. */
    ["reason", "u8"],
  ],
  memory: [
    ["address", "u32"],
    ["data", "bytes"],
  ],
  statics: [["words", "words"]],
  hello: [],
  /** The operations begin at byte 8 of the frame. */
  batch: [
    ["batch", "u16"],
    ["count", "u8"],
    ["reserved", "u16"],
    ["operations", "operations"],
  ],
  repeatResults: [["batch", "u16"]],
  readMemory: [
    ["address", "u32"],
    ["bytes", "u32"],
  ],
  readStatistics: [],
  readStatics: [],
  restart: [],
} as const satisfies Readonly<Record<FrameName, readonly (readonly [name: string, kind: FieldKind])[]>>;

/** What `requestBytes` of the events says. FreeRTOS's traceMALLOC gives other sizes in each generation of its kernel. */
export const SIZE_MEANINGS = {
  /** What the firmware asked for. */
  request: 0,
  /** The request with the header, rounded up: heap_2, heap_4 and heap_5 of FreeRTOS up to 11.1. */
  withHeader: 1,
  /** The block that was handed out: the same heaps from June 2024 on. */
  block: 2,
} as const;

/** Why a command was refused. */
export const REFUSALS = {
  /** A type that the agent does not know, or a payload that does not fit it. */
  unknown: 1,
  /** `repeatResults` of a batch that is not the last one. */
  batchUnknown: 2,
  /** The range lies outside what the firmware lets be read. */
  outOfRange: 3,
  /** The firmware was built without what the command needs. */
  unsupported: 4,
  /** The frame with the answer would never fit the ring. */
  tooLarge: 5,
  /** The batch was carried out, but its results are no longer kept. */
  resultsLost: 6,
} as const;

/** Verbs of a batch's operations. */
export const VERBS = { allocate: 0, allocateAligned: 1, reallocate: 2, release: 3 } as const;

/**
 * One operation of a batch:
 *
 *   byte 0   1            2                3   4                                  8               12
 *        ├ verb ┼ reference ┼ log2 alignment ┼ 0 ┼ block: an address, or with        ┼ request bytes ┤
 *                                              reference 1 the index of an earlier
 *                                              operation of this batch whose result
 *                                              it is
 */
export const OPERATION_BYTES = 12;

/** One result of a batch: address (u32), cycles (u32, 0 where there is no counter). */
export const RESULT_BYTES = 8;

/** Keys of `figures`, each a byte in front of a u32. The names are those of `AllocatorEntry.statisticKeys`. */
export const FIGURES = {
  free: 1,
  used: 2,
  arena: 3,
  free_blocks: 4,
  top: 5,
  min_free: 6,
  largest_free: 7,
} as const;

/** `site` and `task` where nothing is known of them. */
export const UNKNOWN_SITE = 0;
export const NO_TASK = 0;
/** `task` of what an interrupt did. */
export const INTERRUPT_TASK = 0xffff;

/** Bytes of a frame's type and sequence, in front of its payload. */
export const FRAME_HEADER_BYTES = 3;
/** The longest frame before COBS; whatever is longer is no frame. */
export const FRAME_BYTES_MOST = 1024;
/** Milliseconds between heartbeats, by the board's clock. */
export const HEARTBEAT_MS = 1000;
/** Heartbeats between two `identity` frames that nobody asked for: for lines on which the board only sends. */
export const HEARTBEATS_PER_IDENTITY = 10;
