/** Frames as values: their types follow from the layouts of protocol.ts. */
import type { FIGURES, FieldKind, FrameName, LAYOUTS, VERBS } from "./protocol.ts";

/** One operation for the board's allocator. */
export interface BoardOperation {
  readonly verb: keyof typeof VERBS;
  /** An address, or the index of an earlier operation of the same batch. */
  readonly block: number;
  readonly blockIsReference: boolean;
  readonly alignment: number;
  readonly requestBytes: number;
}

/** What the board's allocator answered to an operation. */
export interface BoardResult {
  /** 0 where a request was refused, and for a release. */
  readonly address: number;
  readonly cycles: number;
}

/** The allocator's own figures, by the keys of the golden traces. */
export type BoardFigures = Partial<Record<keyof typeof FIGURES, number>>;

/** The value of a field of each kind. */
export interface FieldValues {
  u8: number;
  u16: number;
  u32: number;
  text: string;
  texts: readonly string[];
  bytes: Uint8Array;
  words: readonly number[];
  results: readonly BoardResult[];
  operations: readonly BoardOperation[];
  figures: BoardFigures;
}

type Fields<L extends readonly (readonly [string, FieldKind])[]> = {
  readonly [F in L[number] as F[0]]: FieldValues[F[1]];
};

/** A frame's payload with the frame's name. */
export type FrameOf<N extends FrameName> = { readonly kind: N } & Fields<(typeof LAYOUTS)[N]>;

/** A frame of any kind. */
export type Frame = { [N in FrameName]: FrameOf<N> }[FrameName];

/** Names of the frames that a board sends. */
export type BoardFrameName =
  | "boot"
  | "identity"
  | "allocate"
  | "allocateAligned"
  | "release"
  | "reallocate"
  | "task"
  | "stack"
  | "statistics"
  | "log"
  | "heartbeat"
  | "results"
  | "refusal"
  | "memory"
  | "statics";

/** A frame from the board. */
export type BoardMessage = { [N in BoardFrameName]: FrameOf<N> }[BoardFrameName];

/** A frame to the board. */
export type BoardCommand = { [N in CommandName]: FrameOf<N> }[CommandName];

/** Names of the frames that go to a board. */
export type CommandName = Exclude<FrameName, BoardFrameName>;

/** What the board is, from `boot` and `identity`. */
export type BoardIdentity = FrameOf<"boot"> | FrameOf<"identity">;

/** Frames are missing here. */
export interface Gap {
  readonly kind: "gap";
  /** How many, as far as 16-bit numbers tell. */
  readonly frames: number;
  /** False where the numbers went back: then the board has restarted, or more than 32,767 frames are missing. */
  readonly certain: boolean;
}

/** What a stream from a board consists of, in the order of the line. */
export type BoardItem = BoardMessage | Gap;
