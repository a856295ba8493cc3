/**
 * Renewal: what is left of every memoryless time is drawn anew, now. At any moment of an exponential life, gap or mode
 * the rest of it is exponential with the same mean, whatever has happened so far; so a run that is renewed is as likely
 * to go on in any way as one that is not. Runs that were restored from one snapshot and given branches of their own
 * have nothing of such times in common any more, while all other times that had been drawn stay.
 *
 * Not renewed: times with limits, sums and other expressions, and what a context sleeps in `wait`.
 * Cost: a pass over the ledger, and a move in the timer queue for each life.
 */
import { SoakField } from "../soak-map";
import { Amount, isMemorylessAmount } from "./amount";
import { Context } from "./context";
import { Control, control, wheel } from "./control";
import { LedgerBlock } from "./ledger";
import { LedgerField, LedgerOwner } from "./ledger-map";
import { renewArrival, renewMode } from "./schedule";

/** Draws the rest of all memoryless times anew, from the sites' streams as they are keyed now. */
export function renew(): void {
  const ledger = Control.get(SoakField.Ledger);
  for (let i: u32 = 0, used = Control.get(SoakField.LedgerUsed); i < used; i++) {
    renewLife(changetype<LedgerBlock>(ledger + i * (LedgerField.Length << 2)));
  }
  for (let i: u32 = 0, count = Control.get(SoakField.ContextCount); i < count; i++) renewArrival(Context.at(i));
  renewMode();
}

function renewLife(block: LedgerBlock): void {
  if (block.owner != LedgerOwner.Keep || !isMemorylessAmount(block.before)) return;
  const us = Amount.microseconds(Context.at(block.context), block.before);
  wheel().insert(changetype<u32>(block), control().now + us);
}
