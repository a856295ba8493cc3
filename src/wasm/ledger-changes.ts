/** The ledger between two looks at it: which blocks have come, changed or gone. */
import { LedgerField, LedgerOwner } from "../../assembly/soak/ledger-map.ts";
import { SOAK, SoakField } from "../../assembly/soak-map.ts";
import type { Engine } from "./engine.ts";
import { EngineRecord } from "./engine-record.ts";
import { type LedgerEntry, readLedgerEntry } from "./soak-readers.ts";

/** A record of the ledger that holds something else than it did. A block stays in its record as long as it lives. */
export interface LedgerChange {
  readonly slot: number;
  /** Undefined: no block any more. */
  readonly entry: LedgerEntry | undefined;
}

/** By which a block is told from what was in its record before. */
const FIELDS = [
  LedgerField.Payload,
  LedgerField.RequestBytes,
  LedgerField.BlockBytes,
  LedgerField.AllocatedAt,
  LedgerField.AllocatedAtHigh,
] as const;
/** In front of them, what the slot holds; 0: it was not looked at. */
const WORDS_A_SLOT = FIELDS.length + 1;
const EMPTY = 1;
const HELD = 2;
const LEAKED = 3;

/** Looks at raw words: a soak looks a thousand times at blocks most of which it knows. */
export class LedgerChanges {
  readonly #engine: Engine;
  readonly #control: EngineRecord;
  #seen = new Uint32Array();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#control = new EngineRecord(engine, SOAK);
  }

  /** What is not as it was when this was last called; everything at first, empty slots included. */
  take(): LedgerChange[] {
    const ledger = this.#control.get(SoakField.Ledger);
    const slots = this.#control.get(SoakField.LedgerUsed);
    this.#makeRoom(slots);
    const changes: LedgerChange[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const record = ledger + slot * LedgerField.Length * 4;
      const state = this.#stateOf(record);
      if (!this.#note(slot, record, state)) continue;
      const entry = state === EMPTY ? undefined : readLedgerEntry(new EngineRecord(this.#engine, record));
      changes.push({ slot, entry });
    }
    return changes;
  }

  /** Lets the next `take` return everything. */
  forget(): void {
    this.#seen = new Uint32Array();
  }

  #stateOf(record: number): number {
    const owner = this.#engine.word(record + LedgerField.Owner * 4);
    if (owner === LedgerOwner.None || owner === LedgerOwner.Reference) return EMPTY;
    return owner === LedgerOwner.Leaked ? LEAKED : HELD;
  }

  /** Keeps what the slot holds; whether that is something else than before. */
  #note(slot: number, record: number, state: number): boolean {
    const seen = this.#seen;
    const low = slot * WORDS_A_SLOT;
    let changed = seen[low] !== state;
    seen[low] = state;
    if (state === EMPTY) return changed;
    for (let i = 0; i < FIELDS.length; i++) {
      const word = this.#engine.word(record + (FIELDS[i] ?? 0) * 4);
      if (seen[low + 1 + i] === word) continue;
      seen[low + 1 + i] = word;
      changed = true;
    }
    return changed;
  }

  #makeRoom(slots: number): void {
    if (slots * WORDS_A_SLOT <= this.#seen.length) return;
    const larger = new Uint32Array(2 * slots * WORDS_A_SLOT);
    larger.set(this.#seen);
    this.#seen = larger;
  }
}
