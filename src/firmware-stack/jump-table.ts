import { isPartOf, type ProgramCode } from "./program-code.ts";
import { signed } from "./thumb-narrow.ts";

/** A table of jumps as an instruction uses it. */
export interface JumpTable {
  readonly table: number;
  /** 1 and 2: distances in half-words from `origin`; 4: addresses, unless `relative`. */
  readonly entryBytes: 1 | 2 | 4;
  readonly origin: number;
  /** The function that jumps: targets lie behind its first instruction. */
  readonly entry: number;
  /** The highest index, where a comparison before the jump shows it. */
  readonly bound: number | undefined;
  readonly isSigned?: boolean;
  /** Entries of 4 bytes are distances in bytes from the table. */
  readonly relative?: boolean;
}

const ENTRIES_MOST = 4096;
/** Farther from the function's entry no case of a switch lies. */
const REACH_BYTES = 1024 * 1024;

/**
 * Where the table's entries lead; none when one of them leads nowhere. Without a known bound the table ends where its
 * first target begins, or at the first entry that leads nowhere.
 */
export function tableTargets(code: ProgramCode, jump: JumpTable): number[] {
  const { table, entryBytes, bound } = jump;
  if (bound !== undefined && bound < ENTRIES_MOST) {
    const targets = Array.from({ length: bound + 1 }, (_, index) => targetOf(code, jump, table + index * entryBytes));
    return targets.every((target) => target !== undefined) ? [...new Set(targets)] : [];
  }
  const targets = new Set<number>();
  let end = table + ENTRIES_MOST * entryBytes;
  for (let at = table; at < end; at += entryBytes) {
    const target = targetOf(code, jump, at);
    if (target === undefined) break;
    if (target > table) end = Math.min(end, target);
    targets.add(target);
  }
  return [...targets];
}

function targetOf(code: ProgramCode, jump: JumpTable, at: number): number | undefined {
  const entry = code.entryAt(at, jump.entryBytes);
  if (entry === undefined) return undefined;
  const target = addressOf(jump, entry);
  const inReach = target >= jump.entry && target - jump.entry < REACH_BYTES && isOfFunction(code, jump.entry, target);
  const isInside = target > at || target < jump.table;
  return inReach && isInside && code.isCode(target) ? target : undefined;
}

/** Tables of neighbouring functions follow each other: what lies in another function is another table's. */
function isOfFunction(code: ProgramCode, entry: number, target: number): boolean {
  const own = code.elf.symbolAt(entry)?.symbol;
  const other = code.elf.symbolAt(target)?.symbol;
  return other === undefined || other.value === own?.value || isPartOf(other.name);
}

function addressOf({ table, entryBytes, origin, isSigned, relative }: JumpTable, entry: number): number {
  if (entryBytes === 4) return relative ? table + signed(entry, 32) : entry - (entry % 2);
  return origin + (isSigned ? signed(entry, entryBytes * 8) : entry) * 2;
}
