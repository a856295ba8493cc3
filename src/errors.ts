/** What went wrong, as a stable word that programs can test. */
export type ErrorCode =
  | "bad-argument"
  | "bad-board"
  | "bad-checkpoint"
  | "bad-config"
  | "bad-counters"
  | "bad-device"
  | "bad-elf"
  | "bad-image"
  | "bad-linker-script"
  | "bad-log"
  | "bad-map"
  | "bad-record"
  | "bad-results"
  | "bad-scenario"
  | "bad-stack-usage"
  | "bad-trace"
  | "board-unreachable"
  | "core-mismatch"
  | "board-not-quiet"
  | "board-refused"
  | "board-rebooted"
  | "board-silent"
  | "no-agent"
  | "cannot-read"
  | "cannot-reserve-memory"
  | "cannot-write"
  | "does-not-fit"
  | "port-busy"
  | "port-denied"
  | "port-missing"
  | "port-unusable"
  | "queue-lost"
  | "queue-unreachable"
  | "results-busy"
  | "unknown-allocator"
  | "unknown-device"
  | "unknown-option"
  | "worker-died";

/** A mistake in what the user gave us. The command line prints `message` and `hint` and exits with 2, without a stack. */
export class HeapsoakError extends Error {
  readonly code: ErrorCode;
  /** How to mend it. */
  readonly hint: string | undefined;

  /** `message` says what, where, what was found and what was expected; `hint` how to mend it. */
  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HeapsoakError";
    this.code = code;
    this.hint = options.hint === undefined ? undefined : printable(options.hint);
  }
}

/**
 * The text without what a terminal would obey: control characters, and marks that turn the direction of what follows,
 * become `\x1b` and the like; lines stay lines.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, (character) => {
    return `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;
  });
}

/** The candidate closest to `word` by edit distance, when it is close enough to be what was meant. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance, or any number >= `limit` when it is at least that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > 64 || b.length > 64) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? limit;
}
