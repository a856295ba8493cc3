/**
 * Who holds a block: names, and what happens when the last holder lets go of it, by the heap's ownership.
 *
 *   manual    forgetting a block leaks it; only `free` gives it back
 *   counted   each name, queue, cache, `keep` and reference is an owner; the last one to go gives the block back,
 *             and its own references go with it. A cycle keeps itself alive: it leaks, as on the device.
 *   traced    forgetting costs nothing; a collection (collector.ts) gives back what nothing reaches
 */

import { Context, Name } from "./context";
import { Ledger, LedgerBlock, releaseBlock, returnRecord, takeRecord } from "./ledger";
import { HeapOwnership, LedgerOwner } from "./ledger-map";
import { SoakHeap } from "./soak-heap";

/** Puts a block into a name, which forgets what it held. */
export function enterName(context: Context, index: u32, block: LedgerBlock, step: u32): void {
  const name = Name.of(context, index);
  if (name.block) forget(context, name.held, step);
  name.block = changetype<u32>(block);
  name.entry = ++context.entryCount;
  block.owner = LedgerOwner.Name;
}

/** Takes the block out of a name: somebody else holds it from now on. Null when the name is empty. */
export function takeFromName(context: Context, index: u32, owner: u32): LedgerBlock {
  const name = Name.of(context, index);
  const block = name.held;
  name.block = 0;
  if (changetype<u32>(block)) block.owner = owner;
  return block;
}

/** A holder of the block goes and does not give it back: a leak, an owner less, or work for the collector. */
export function forget(context: Context, block: LedgerBlock, step: u32): void {
  const account = SoakHeap.at(block.heap);
  if (account.ownership == HeapOwnership.Counted) dropOwner(context, block, step);
  else if (account.ownership == HeapOwnership.Traced) block.owner = LedgerOwner.Blocks;
  else leak(context, block, step);
}

/** Nobody will ever give the block back. */
export function leak(context: Context, block: LedgerBlock, step: u32): void {
  const account = SoakHeap.at(block.heap);
  account.leaks++;
  account.leakedBytes += block.requestBytes;
  if (context.leaks++ == 0) context.firstLeakStep = step;
  block.owner = LedgerOwner.Leaked;
}

/** The holder gives the block back: `free`, the end of a life, an eviction, RAII. */
export function giveBack(context: Context, block: LedgerBlock, step: u32): void {
  const ownership = SoakHeap.at(block.heap).ownership;
  if (ownership == HeapOwnership.Manual) Ledger.release(block, context.index, step);
  else if (ownership == HeapOwnership.Counted) dropOwner(context, block, step);
  else block.owner = LedgerOwner.Blocks;
}

/** One owner less; the last one gives the block back, and with it the references it held. */
export function dropOwner(context: Context, block: LedgerBlock, step: u32): void {
  if (--block.owners > 0) return;
  // Blocks whose last owner has gone wait in a chain through `mark`, so that a long list cannot exhaust the stack.
  block.mark = 0;
  let waiting = block;
  while (changetype<u32>(waiting)) {
    const dead = waiting;
    waiting = changetype<LedgerBlock>(dead.mark);
    let reference = changetype<LedgerBlock>(dead.references);
    while (changetype<u32>(reference)) {
      const target = changetype<LedgerBlock>(reference.payload);
      const next = changetype<LedgerBlock>(reference.references);
      returnRecord(reference);
      if (--target.owners == 0) {
        target.mark = changetype<u32>(waiting);
        waiting = target;
      }
      reference = next;
    }
    releaseBlock(dead, context.index, step);
  }
}

/** `refer`: the block of one name holds a reference to the block of another. Empty names: nothing. */
export function refer(context: Context, from: u32, to: u32): void {
  const holder = Name.of(context, from).held;
  const target = Name.of(context, to).held;
  if (changetype<u32>(holder) == 0 || changetype<u32>(target) == 0) return;
  const reference = takeRecord();
  if (changetype<u32>(reference) == 0) return;
  reference.owner = LedgerOwner.Reference;
  reference.payload = changetype<u32>(target);
  reference.references = holder.references;
  holder.references = changetype<u32>(reference);
  target.owners++;
}

/** `share`: a second name holds the same block. */
export function share(context: Context, from: u32, to: u32, step: u32): void {
  const block = Name.of(context, from).held;
  if (changetype<u32>(block) == 0 || from == to) return;
  block.owners++;
  enterName(context, to, block, step);
}

/** The end of a call with `raii`: gives back, last entered first, what entered a name since `entryCount` and is still held. */
export function giveBackScope(context: Context, entryCount: u32, step: u32): void {
  while (true) {
    const name = lastEntered(context, entryCount);
    if (changetype<u32>(name) == 0) return;
    const block = name.held;
    name.block = 0;
    giveBack(context, block, step);
  }
}

function lastEntered(context: Context, after: u32): Name {
  let last = changetype<Name>(0);
  let entry = after;
  for (let i: u32 = 0; i < context.nameCount; i++) {
    const name = Name.of(context, i);
    if (name.block && name.entry > entry) {
      entry = name.entry;
      last = name;
    }
  }
  return last;
}
