/** What an import met that is not plainly an operation: counted, with the first line where it stood. */

/** The kinds, in the order in which they are told: what one of them is called, and several. */
export const FINDINGS = {
  "unmatched-free": [
    "free of a block born before the log, or whose allocation it lacks: left out",
    "frees of blocks born before the log, or whose allocation it lacks: left out",
  ],
  "second-free": [
    "second free of an address: a double free, or the log lacks the allocation between: left out",
    "second frees of an address: double frees, or the log lacks the allocations between: left out",
  ],
  "unmatched-reallocation": [
    "reallocation of a block born before the log, or whose allocation it lacks",
    "reallocations of blocks born before the log, or whose allocation it lacks",
  ],
  "lost-free": [
    "free that the log lacks: the address was handed out again",
    "frees that the log lacks: the address was handed out again",
  ],
  damaged: ["line cut off or run into another: left out", "lines cut off or run into one another: left out"],
  "too-long": ["line of more than 4,096 bytes: left out", "lines of more than 4,096 bytes: left out"],
  torn: ["last line without its end: left out", "last lines without their end: left out"],
  dropped: ["event that the recorder dropped", "events that the recorder dropped"],
  "unknown-operation": ["line whose operation is not known: left out", "lines whose operation is not known: left out"],
  "other-format": ["line of another format: left out", "lines of another format: left out"],
  outside: ["operation at an address outside --heap: left out", "operations at addresses outside --heap: left out"],
  "beyond-32-bits": [
    "size beyond 32 bits: the largest number stands for it",
    "sizes beyond 32 bits: the largest number stands for them",
  ],
  "odd-alignment": ["alignment that is no power of two: rounded up", "alignments that are no power of two: rounded up"],
  "time-backward": [
    "time before the last one: left out of its record",
    "times before the last one: left out of their records",
  ],
  "time-anew": [
    "clock that starts anew: perhaps a reboot, but what was live stays live",
    "clocks that start anew: perhaps reboots, but what was live stays live",
  ],
  forgot: [
    "time that more blocks were live than are followed: all were forgotten",
    "times that more blocks were live than are followed: all were forgotten",
  ],
  other: ["other line", "other lines"],
} as const satisfies Readonly<Record<string, readonly [one: string, several: string]>>;

export type FindingKind = keyof typeof FINDINGS;

/** One kind of finding. */
export interface Finding {
  readonly kind: FindingKind;
  readonly count: number;
  /** From 1; of binary recordings the byte, from 0. */
  readonly firstLine: number;
  /** What stood there, or which format it was of, where that says more. */
  readonly detail?: string;
}

/** Counts findings. */
export class Findings {
  readonly #found = new Map<FindingKind, { count: number; firstLine: number; detail?: string }>();

  /** Counts `count` more. The first line and detail are kept. */
  note(kind: FindingKind, line: number, detail?: string, count = 1): void {
    const found = this.#found.get(kind);
    if (found) found.count += count;
    else this.#found.set(kind, { count, firstLine: line, ...(detail !== undefined && { detail }) });
  }

  count(kind: FindingKind): number {
    return this.#found.get(kind)?.count ?? 0;
  }

  /** All that were met, in the order of FINDINGS. */
  list(): Finding[] {
    const kinds = Object.keys(FINDINGS) as FindingKind[];
    return kinds.flatMap((kind) => {
      const found = this.#found.get(kind);
      return found ? [{ kind, ...found }] : [];
    });
  }
}
