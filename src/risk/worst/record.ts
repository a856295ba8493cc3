/** The record of an exact worst case: plain data, from which the report is made. */

/** A move as it went on the allocator itself. */
export interface WorstStep {
  readonly operation: "allocate" | "release";
  /** From 1, in the order of the requests. */
  readonly id: number;
  readonly units: number;
  readonly refused: boolean;
  /** The heap after it, a character a unit: the block's letter, `.` free, `-` the allocator's own. */
  readonly map: string;
  /** The heap after it, block by block in bytes, holes in brackets. */
  readonly picture: string;
}

/** How the game ended on a heap of one size. */
export interface SizeResult {
  readonly heapUnits: number;
  /** `beyond`: more states than the search may hold. */
  readonly outcome: "defeated" | "survives" | "beyond";
  readonly states: number;
  /** Moves of the shortest win, the refused request included; null without one. */
  readonly moves: number | null;
}

export interface WorstRecord {
  readonly format: "heapsoak.worst";
  readonly version: 1;
  readonly allocator: string;
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly unitBytes: number;
  readonly liveUnits: number;
  readonly largestUnits: number;
  /** Bytes of the least usable heap that are the allocator's own while it is empty. */
  readonly ownBytes: number;
  /**
   * `exact`: no adversary defeats a heap of `heapUnits`. `no-heap`: every size that was tried is defeated.
   * `undecided`: the search would be larger than it may be; heaps below `heapUnits` are defeated.
   */
  readonly verdict: "exact" | "no-heap" | "undecided";
  readonly heapUnits: number;
  readonly heapBytes: number;
  /** Whether the next sizes were tried as well, and none was defeated; null: could not be tried. */
  readonly monotone: boolean | null;
  readonly bounds: {
    /** Units below which any allocator that does not move blocks is defeated. */
    readonly unavoidable: { readonly units: number; readonly formula: string; readonly source: string };
    /** What is known of the policy; its live units are blocks with their headers. Null: no known bound. */
    readonly policy: {
      readonly units: number;
      readonly formula: string;
      readonly source: string;
      readonly precision: "exact" | "about";
      readonly liveUnits: number;
      readonly largestUnits: number;
    } | null;
  };
  readonly sizes: readonly SizeResult[];
  /** The shortest sequence that defeats the largest heap that can be defeated; null where the first one survives. */
  readonly sequence: { readonly heapUnits: number; readonly steps: readonly WorstStep[] } | null;
  /** With `undecided`: a budget that should be affordable. */
  readonly affordable: { readonly liveUnits: number; readonly largestUnits: number } | null;
}

/** What a block is called in a map: `A` to `Z`, `a` to `z`, and over again. */
export function letterOf(id: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return letters[(id - 1) % letters.length] ?? "?";
}
