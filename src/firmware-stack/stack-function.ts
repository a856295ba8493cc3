/** What is known of a function's stack: the common ground of code, compiler's files and reports. */

/** Why a depth is a lower bound only. */
export type UnknownKind =
  /** A call or jump through a register or from memory. */
  | "indirect-call"
  /** The function calls itself, directly or through others. */
  | "recursion"
  /** alloca, variable-length arrays: the frame depends on what runs. */
  | "dynamic-frame"
  /** Assembly, or code that is not in the file, which could not be followed. */
  | "unknown-code"
  /** Neither the compiler's files nor the code say how large the frame is. */
  | "no-frame";

export interface Unknown {
  readonly kind: UnknownKind;
  /** Address, 0 where only the compiler's files speak of it. */
  readonly at: number;
  /** In words, the function's name aside. */
  readonly text: string;
  /** For calls: bytes of the frame that are in use. */
  readonly depthBytes?: number;
}

/** A call of another function of the graph. */
export interface StackCall {
  /** Key of the callee in the graph. */
  readonly callee: string;
  /** Bytes of the caller's frame that are in use at the call. */
  readonly depthBytes: number;
}

/** Where the size of a frame comes from. */
export type FrameSource = "code" | "compiler" | "none";

export interface StackFunction {
  /** Unique in the graph: an address, or a name where only the compiler's files speak. */
  readonly key: string;
  readonly name: string;
  readonly frameBytes: number;
  readonly source: FrameSource;
  readonly calls: readonly StackCall[];
  readonly unknowns: readonly Unknown[];
  readonly floatingPoint: boolean;
  /** False for a function that never comes back, such as a trap. */
  readonly returns: boolean;
}

export type StackGraph = ReadonlyMap<string, StackFunction>;
