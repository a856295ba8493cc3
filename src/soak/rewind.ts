/** Rewinds: back to before a failure, and once more up to it, with every heap operation on record. */
import { heapMap, heapPicture } from "../report/picture.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { HeapBlock } from "../wasm/heap-record.ts";
import type { MachineSnapshot, SoakMachine } from "../wasm/soak-machine.ts";
import type { JournalEntry } from "../wasm/soak-readers.ts";
import { operationOfRun } from "./operation-of-run.ts";
import type { OperationOfRun } from "./record.ts";

/** The last operations before a failure, oldest first. */
export interface Rewind {
  /** Simulated time of the snapshot that the run was taken back to. */
  readonly fromUs: number;
  readonly failureUs: number;
  /** Heap operations between the two; the last of them are in `operations`. */
  readonly operationCount: number;
  readonly operations: readonly RewoundOperation[];
}

export interface RewoundOperation extends OperationOfRun {
  /** The heap before it, for the last few. */
  readonly before: HeapView | null;
}

/** A heap in one line, to scale and block by block. */
export interface HeapView {
  /** 64 characters: `#` live, `.` free, `+` both, `-` bookkeeping. */
  readonly map: string;
  /** Block sizes in address order, holes in brackets. */
  readonly picture: string;
}

/** Operations that a rewind returns, and those of them that are pictured. */
const OPERATIONS_MOST = 40;
const PICTURES_MOST = 5;
const MAP_CHARACTERS = 64;
const PICTURE_CHARACTERS = 160;
/** Instructions of a batch where nobody looks. */
const BUDGET = 1_000_000;
/** A long run keeps about so many snapshots in its course: a shorter interval would cost more than it shows. */
const SNAPSHOTS_MOST = 2048;

/** Two snapshots, so that one is always at least the interval old once the run is. */
export class RewindPoints {
  readonly #machine: SoakMachine;
  readonly #intervalUs: number;
  #newest: MachineSnapshot | undefined;
  #older: MachineSnapshot | undefined;
  #newestUs = 0;

  /** Takes the first one at once. `backUs` is how far back a rewind wants to go. */
  constructor(machine: SoakMachine, backUs: number, uptimeUs: number) {
    this.#machine = machine;
    this.#intervalUs = Math.max(1, Math.ceil(Math.max(backUs, (uptimeUs - machine.nowUs) / SNAPSHOTS_MOST)));
    this.take();
  }

  /** When the next one is due. */
  get nextUs(): number {
    return this.#newestUs + this.#intervalUs;
  }

  /** Takes one now, in place of the older. */
  take(): void {
    const oldest = this.#older;
    this.#older = this.#newest;
    this.#newest = this.#machine.snapshot(oldest);
    this.#newestUs = this.#machine.nowUs;
  }

  /** The last one that is at least `backUs` before the failure, else the oldest there is. */
  before(failureUs: number, backUs: number): MachineSnapshot {
    const wanted = failureUs - backUs;
    const point = this.#newestUs <= wanted ? this.#newest : (this.#older ?? this.#newest);
    if (!point) throw new RangeError("there is a snapshot from the start");
    return point;
  }
}

/** Takes the machine, which has failed, back to the point and runs it to the failure again. The machine ends as it was. */
export function rewindToFailure(machine: SoakMachine, point: MachineSnapshot): Rewind {
  const failureUs = machine.failure()?.atUs ?? machine.nowUs;
  const end = machine.snapshot();
  try {
    const { fromUs, count, tail } = replay(machine, point, failureUs);
    const views = picture(machine, point, count, tail.slice(-PICTURES_MOST));
    const first = tail.length - views.length;
    const operations = tail.map((entry, index) => {
      return { ...operationOfRun(machine, entry), before: views[index - first] ?? null };
    });
    return { fromUs, failureUs, operationCount: count, operations };
  } finally {
    machine.restore(end);
  }
}

interface Replayed {
  readonly fromUs: number;
  /** Operations up to the failure. */
  readonly count: number;
  readonly tail: readonly JournalEntry[];
}

/** Runs from the point to the failure and keeps the last operations. */
function replay(machine: SoakMachine, point: MachineSnapshot, failureUs: number): Replayed {
  startAt(machine, point);
  const fromUs = machine.nowUs;
  let tail: JournalEntry[] = [];
  let count = 0;
  const note = (entries: readonly JournalEntry[]) => {
    count += entries.length;
    tail = [...tail, ...entries].slice(-OPERATIONS_MOST);
  };
  runTo(machine, failureUs, note);
  // A failure that the device survives is met at the step, not at the end of a batch.
  machine.setHorizon(failureUs + 1);
  for (let going = true; going && !machine.failure(); ) going = advance(machine, 1, note);
  return { fromUs, count, tail };
}

/** The heaps before each of the last operations; null where that cannot be told. */
function picture(
  machine: SoakMachine,
  point: MachineSnapshot,
  count: number,
  last: readonly JournalEntry[],
): (HeapView | null)[] {
  const first = count - last.length;
  const views: (HeapView | null)[] = last.map(() => null);
  startAt(machine, point);
  let done = 0;
  while (done < count) {
    const { atUs = 0 } = last[Math.max(0, done - first)] ?? {};
    runTo(machine, atUs, (entries) => {
      done += entries.length;
    });
    const before = machine.snapshot();
    const group: JournalEntry[] = [];
    machine.setHorizon(atUs + 1);
    const going = advance(machine, 1, (entries) => group.push(...entries));
    for (const [index, view] of viewsWithin(machine, before, group).entries()) {
      if (done + index >= first) views[done + index - first] = view;
    }
    done += group.length;
    if (!going) break;
  }
  return views;
}

/**
 * The heaps before each operation of a group that happened at one go: the machine is taken back to before it, the
 * operations are repeated on the heaps alone, and the machine ends as it was. Where a heap answers otherwise than it
 * did in the run (memory was overwritten in between), nothing is said of the rest.
 */
function viewsWithin(
  machine: SoakMachine,
  before: MachineSnapshot,
  group: readonly JournalEntry[],
): (HeapView | null)[] {
  if (group.length === 0) return [];
  const after = machine.snapshot();
  machine.restore(before);
  let agrees = true;
  const views = group.map((entry) => {
    const view = agrees ? viewOf(machine, entry.heap) : null;
    agrees &&= repeats(machine, entry);
    return view;
  });
  machine.restore(after);
  return views;
}

/** Repeats the operation on its heap; whether it came to the same. */
function repeats(
  { heaps }: SoakMachine,
  { heap: index, operation, requestBytes, payload, result }: JournalEntry,
): boolean {
  const heap = heaps[index];
  if (!heap) return false;
  try {
    if (operation === "allocate") return heap.allocate(requestBytes) === result;
    if (operation !== "release") return false; // what is missing for the others, the journal does not keep
    heap.release(payload);
    return true;
  } catch (fault) {
    if (fault instanceof GuestFault) return false;
    throw fault;
  }
}

function startAt(machine: SoakMachine, point: MachineSnapshot): void {
  machine.restore(point);
  machine.journalling = true;
  machine.journal();
}

/** Runs to the time, before anything of that moment happens. */
function runTo(machine: SoakMachine, us: number, note: (entries: readonly JournalEntry[]) => void): void {
  machine.setHorizon(us);
  while (machine.nowUs < us && advance(machine, BUDGET, note));
}

/** False where the run cannot go on. */
function advance(machine: SoakMachine, budget: number, note: (entries: readonly JournalEntry[]) => void): boolean {
  const end = machine.advance(budget);
  if (end === "stack-overrun") machine.takeOverrun();
  note(machine.journal());
  return end !== "failed" && end !== "horizon";
}

function viewOf(machine: SoakMachine, index: number): HeapView | null {
  const blocks = heapBlocks(machine, index);
  if (blocks.length === 0) return null;
  return { map: heapMap(blocks, MAP_CHARACTERS), picture: heapPicture(blocks, { width: PICTURE_CHARACTERS }) };
}

/** The blocks of a heap as far as its metadata can be followed. */
export function heapBlocks(machine: SoakMachine, index: number): readonly HeapBlock[] {
  const heap = machine.heaps[index];
  return heap ? machine.device.recordOf(heap).blocksUntilFault().blocks : [];
}
