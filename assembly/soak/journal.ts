/**
 * Heap operations as they happen (JournalField). The last few, in a ring, and the slowest of each heap are kept in
 * every run; the journal has all of them, for rewinds, benchmarks and exports, and is written only while asked for.
 *
 *   operation ──▶ ring of RECENT_OPERATIONS ──▶ slowest of the heap   more visits than the last of SLOWEST_OPERATIONS
 *                                           └─▶ journal               while SoakField.Journalling
 */
import { Heap } from "../allocators/heap";
import { Visits } from "../inspect/visits";
import { SoakField } from "../soak-map";
import { Control, control } from "./control";
import { JournalField, JournalOperation, RECENT_OPERATIONS, SLOWEST_OPERATIONS } from "./ledger-map";
import { SoakHeap } from "./soak-heap";

@final
@unmanaged
class Entry {
  at: u64;
  operation: u32;
  heap: u32;
  context: u32;
  step: u32;
  requestBytes: u32;
  payload: u32;
  result: u32;
  visits: u32;

  /** The ring's oldest entry, which is the next one to write. */
  @inline static next(): Entry {
    const run = control();
    const place = <u32>run.operations & (RECENT_OPERATIONS - 1);
    run.operations++;
    return changetype<Entry>(Control.get(SoakField.Recent) + place * ENTRY_BYTES);
  }
}

const ENTRY_BYTES: u32 = JournalField.Length << 2;
const NOBODY: u32 = u32.MAX_VALUE;
/** Entries that one instruction may write: the kernel stops for the host when fewer are left. */
export const JOURNAL_MARGIN: u32 = 4096;

/** Keeps an operation that a heap has just carried out for a step of a context; the fields are those of JournalField. */
export function noteOperation(
  operation: u32,
  heap: u32,
  context: u32,
  step: u32,
  requestBytes: u32,
  payload: u32,
  result: u32,
): void {
  const account = SoakHeap.at(heap);
  const visits = Visits.visitsOf(changetype<Heap>(account.record));
  const entry = Entry.next();
  entry.at = control().now;
  entry.operation = operation;
  entry.heap = heap;
  entry.context = context;
  entry.step = step;
  entry.requestBytes = requestBytes;
  entry.payload = payload;
  entry.result = result;
  entry.visits = visits;
  if (visits > account.slowestLeast) enterSlowest(account, entry);
  if (Control.get(SoakField.Journalling)) journal(entry);
}

/** Keeps a reboot, which is of no heap. */
export function noteReboot(): void {
  const entry = Entry.next();
  memory.fill(changetype<u32>(entry), 0, ENTRY_BYTES);
  entry.at = control().now;
  entry.operation = JournalOperation.Reboot;
  entry.context = NOBODY;
  entry.step = NOBODY;
  if (Control.get(SoakField.Journalling)) journal(entry);
}

/** Whether the host has to empty the journal before the next instruction. */
export function journalIsFull(): bool {
  return (
    Control.get(SoakField.Journalling) != 0 &&
    Control.get(SoakField.JournalCount) + JOURNAL_MARGIN > Control.get(SoakField.JournalCapacity)
  );
}

/** Copies the entry into the journal; what does not fit is counted in SoakField.JournalDropped. */
function journal(entry: Entry): void {
  const count = Control.get(SoakField.JournalCount);
  if (count == Control.get(SoakField.JournalCapacity)) {
    Control.set(SoakField.JournalDropped, Control.get(SoakField.JournalDropped) + 1);
    return;
  }
  Control.set(SoakField.JournalCount, count + 1);
  memory.copy(Control.get(SoakField.Journal) + count * ENTRY_BYTES, changetype<u32>(entry), ENTRY_BYTES);
}

/** Puts the entry among the heap's slowest operations, behind those of as many visits; the last of eight drops out. */
function enterSlowest(account: SoakHeap, entry: Entry): void {
  const full = account.slowestCount == <u32>SLOWEST_OPERATIONS;
  let place = full ? account.slowestCount - 1 : account.slowestCount++;
  for (; place != 0 && slowest(account, place - 1).visits < entry.visits; place--) {
    copyEntry(slowest(account, place), slowest(account, place - 1));
  }
  copyEntry(slowest(account, place), entry);
  if (account.slowestCount == <u32>SLOWEST_OPERATIONS)
    account.slowestLeast = slowest(account, SLOWEST_OPERATIONS - 1).visits;
}

function slowest(account: SoakHeap, place: u32): Entry {
  return changetype<Entry>(account.slowest + place * ENTRY_BYTES);
}

function copyEntry(to: Entry, from: Entry): void {
  memory.copy(changetype<u32>(to), changetype<u32>(from), ENTRY_BYTES);
}

/** Compile-time proof that the overlay is the record of ledger-map.ts. */
export function pinJournal(): void {
  if (offsetof<Entry>() != JournalField.Length * 4) ERROR("Entry is not JournalField");
}
