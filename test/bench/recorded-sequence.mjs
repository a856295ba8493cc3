/** What a run asked of its heaps, written down from its journal to be repeated through the allocators alone. */

/** Operations of each heap. The first part of them only fills the heap: see WARM_UP_SHARE. */
const OPERATIONS_EACH = 48_000;
const WARM_UP_SHARE = 1 / 6;
const SLICES = 10;
/** Instructions and events between two looks at the journal: few enough that it never fills. */
const LOOK_EVERY = 4096;
/** A heap of which so little is asked that recording it takes this long is left out. */
const LOOKS_MOST = 20_000;

/**
 * The first operations of a run, heap by heap. `machine` must be prepared and not have run yet. Heaps that nothing
 * is asked of are left out.
 */
export function recordOperations(host, machine) {
  const sequences = machine.heaps.map((_, heap) => new Sequence(host, heap));
  machine.journalling = true;
  for (let look = 0; look < LOOKS_MOST && sequences.some(({ isFull }) => !isFull); look++) {
    machine.advance(LOOK_EVERY);
    if (machine.failure()) throw new Error(`the run fails while it is recorded: ${machine.failure().kind}`);
    for (const entry of machine.journal()) sequences[entry.heap].note(entry);
  }
  return sequences.filter(({ count }) => count > 0);
}

/** The operations on one heap, and where the last of them left its blocks. */
class Sequence {
  heap;
  count = 0;
  /** All that were noted until the sequence was full; the shares in the time of several heaps go by it. */
  noted = 0;
  #host;
  #words;
  #slots = new Map();
  #freeSlots = [];
  #slotCount = 0;

  constructor(host, heap) {
    this.heap = heap;
    this.#host = host;
    this.#words = new Uint32Array(OPERATIONS_EACH * host.OperationField.Length);
  }

  get isFull() {
    return this.count === OPERATIONS_EACH;
  }

  note({ operation, requestBytes, payload, result }) {
    this.noted++;
    if (this.isFull) return;
    const { Opcode } = this.#host;
    if (operation === "release") {
      const slot = this.#slots.get(payload);
      this.#slots.delete(payload);
      this.#freeSlots.push(slot);
      this.#put(Opcode.Release, slot, 0);
    } else if (operation === "allocate" && result !== 0) {
      const slot = this.#freeSlots.pop() ?? this.#slotCount++;
      this.#slots.set(result, slot);
      this.#put(Opcode.Allocate, slot, requestBytes);
    } else throw new Error(`the benchmark repeats requests that are granted and releases, not this ${operation}`);
  }

  /** The parts of the sequence that are timed one by one; what comes before the first is not. */
  slices() {
    const warm = Math.floor(this.count * WARM_UP_SHARE);
    const length = Math.floor((this.count - warm) / SLICES);
    return Array.from({ length: SLICES }, (_, index) => [warm + index * length, warm + (index + 1) * length]);
  }

  /** Writes the operations to where the engine replays them, and empties the slots. */
  load(engine) {
    const { OPERATIONS, SLOTS, SlotField } = this.#host;
    engine.words.set(this.#words.subarray(0, this.count * this.#host.OperationField.Length), OPERATIONS >>> 2);
    engine.bytes.fill(0, SLOTS, SLOTS + this.#slotCount * SlotField.Length * 4);
  }

  /** Throws unless the replay of the whole sequence has left every block where the run had it. */
  refuseOtherPlacement(engine) {
    const { SLOTS, SlotField } = this.#host;
    for (const [address, slot] of this.#slots) {
      const placed = engine.words[(SLOTS >>> 2) + slot * SlotField.Length + SlotField.Address];
      if (placed !== address) throw new Error(`the allocator alone has a block at ${placed}, the run at ${address}`);
    }
  }

  #put(opcode, slot, requestBytes) {
    this.#words.set([opcode, slot, requestBytes, 0], this.count++ * this.#host.OperationField.Length);
  }
}
