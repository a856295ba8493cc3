/** Traces for a board to carry out. */

/** Shares of 100 of the verbs; the rest are frees. */
const ALLOCATE = 46;
const REALLOCATE = 10;
const ALIGNED = 4;

export interface OperationOptions {
  readonly allocator: string;
  readonly heapBytes: number;
  readonly seed?: number;
}

/** What allocators of our own lack: a trace for them has none. */
const WITHOUT_REALLOCATION = ["first-fit"];

/**
 * A random trace of `operations` records, the same for the same seed: mostly small blocks, some large ones, and now
 * and then more than a heap of `heapBytes` still holds.
 */
export function randomOperations(operations: number, { allocator, heapBytes, seed = 1 }: OperationOptions): string {
  const below = randomBelow(seed);
  const plain = WITHOUT_REALLOCATION.includes(allocator);
  const live: number[] = [];
  const lines = [`# allocator=${allocator}`, `# heap_size=${heapBytes}`];
  const size = () => (below(40) === 0 ? 1 + below(heapBytes / 8) : 1 + below(below(4) === 0 ? 400 : 48));
  const most = heapBytes / 96; // about what fits: the heap is full at times
  for (let id = 0; lines.length < operations + 2; ) {
    const choice = below(100);
    const index = below(live.length);
    if (live.length > 0 && choice < REALLOCATE && !plain) lines.push(`r ${live[index]} ${size()}`);
    else if (live.length < 4 || (choice < REALLOCATE + ALLOCATE && live.length < most)) {
      lines.push(!plain && below(ALLOCATE) < ALIGNED ? `z ${id} ${16 << below(4)} ${size()}` : `a ${id} ${size()}`);
      live.push(id++);
    } else lines.push(`f ${live.splice(index, 1)[0]}`);
  }
  return `${lines.join("\n")}\n`;
}

function randomBelow(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
