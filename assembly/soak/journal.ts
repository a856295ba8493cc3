/** The journal: heap operations as they happen, for rewinds, benchmarks and exports. Written only while asked for. */
import { SoakField } from "../soak-map";
import { Control, control } from "./control";
import { JournalField } from "./ledger-map";

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
}

/** Entries that one instruction may write: the kernel stops for the host when fewer are left. */
export const JOURNAL_MARGIN: u32 = 4096;

/** Writes an entry (JournalField); what does not fit is counted in SoakField.JournalDropped. */
export function journal(
  operation: u32,
  heap: u32,
  context: u32,
  step: u32,
  requestBytes: u32,
  payload: u32,
  result: u32,
  visits: u32,
): void {
  const count = Control.get(SoakField.JournalCount);
  if (count == Control.get(SoakField.JournalCapacity)) {
    Control.set(SoakField.JournalDropped, Control.get(SoakField.JournalDropped) + 1);
    return;
  }
  Control.set(SoakField.JournalCount, count + 1);
  const entry = changetype<Entry>(Control.get(SoakField.Journal) + count * (JournalField.Length << 2));
  entry.at = control().now;
  entry.operation = operation;
  entry.heap = heap;
  entry.context = context;
  entry.step = step;
  entry.requestBytes = requestBytes;
  entry.payload = payload;
  entry.result = result;
  entry.visits = visits;
}

/** Whether the host has to empty the journal before the next instruction. */
export function journalIsFull(): bool {
  return (
    Control.get(SoakField.Journalling) != 0 &&
    Control.get(SoakField.JournalCount) + JOURNAL_MARGIN > Control.get(SoakField.JournalCapacity)
  );
}
