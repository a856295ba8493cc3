/**
 * The steps that touch a heap. Each takes the address of its instruction (operands: see Instruction in program-map.ts)
 * and returns the address of the next one, or 0 when the context does not go on now.
 */
import { resolve } from "../guest";
import { Access } from "../memory-map";
import { Verb } from "../perform";
import { dispatch } from "../registry";
import { FailureKind, SoakField, TimerKind } from "../soak-map";
import { Amount } from "./amount";
import { collectHeap } from "./collector";
import { Context, Name } from "./context";
import { Control, control, halt, wheel } from "./control";
import { allocateBlock, Ledger, LedgerBlock, reallocateBlock, releaseBlock, uncountRefusal } from "./ledger";
import { HeapOwnership, LedgerOwner } from "./ledger-map";
import { dropOwner, enterName, giveBack, leak, takeFromName } from "./ownership";
import { GrowthKind, HEAP_LIST_LEAST, MisuseKind } from "./program-map";
import { Random } from "./random";
import { refuse } from "./refusal";
import { SoakHeap } from "./soak-heap";
import { absentContext, createTask, tooManyTasks } from "./spawn";

const NO_RETRY: u32 = u32.MAX_VALUE;
const MISUSE_BYTE: u8 = 0x5a;
/** What `grow` asks for at first, as common vectors do. */
const FIRST_CAPACITY_BYTES: u32 = 1;

/** The number of the step behind an instruction. */
export function stepOf(pc: u32): u32 {
  return load<u32>(pc) >> 8;
}

/** allocate: name, amount, heaps, alignment, policy, orElse. */
export function allocateStep(context: Context, pc: u32): u32 {
  const step = stepOf(pc);
  const requestBytes = Request.amount(context, pc + 8);
  const heaps = load<u32>(pc, 16);
  const alignment = load<u32>(pc, 20);
  const block =
    heaps < <u32>HEAP_LIST_LEAST
      ? Request.from(context, heaps, requestBytes, alignment, step)
      : allocateFrom(context, heaps, requestBytes, alignment, step);
  if (changetype<u32>(block)) {
    context.retriesLeft = NO_RETRY;
    enterName(context, load<u32>(pc, 4), block, step);
    return pc + 32;
  }
  if (stopped(context)) return 0;
  const orElse = load<u32>(pc, 28);
  if (orElse) {
    context.failedRequests++;
    return orElse;
  }
  if (requestBytes == 0) return pc + 32; // a refusal of nothing is not a failed request
  refuse(context, step, lastHeap(load<u32>(pc, 16)), requestBytes, load<u32>(pc, 24));
  return 0;
}

/** Requests from one heap, or from those of a list until one grants. Null: refused, or the run has ended. */
function allocateFrom(context: Context, heaps: u32, requestBytes: u32, alignment: u32, step: u32): LedgerBlock {
  if (heaps < <u32>HEAP_LIST_LEAST) return Request.from(context, heaps, requestBytes, alignment, step);
  const count = load<u32>(heaps);
  let block = changetype<LedgerBlock>(0);
  for (let i: u32 = 1; i <= count && changetype<u32>(block) == 0; i++) {
    block = Request.from(context, load<u32>(heaps + (i << 2)), requestBytes, alignment, step);
  }
  return block;
}

/** A class because asc inlines its members only. */
class Request {
  /** What the amount at `at` asks for: drawn anew, or, while a refused request is tried again, the same. */
  @inline static amount(context: Context, at: u32): u32 {
    return context.retriesLeft == NO_RETRY ? Amount.whole(context, at) : context.retryAmount;
  }

  /** Requests from one heap, which collects first where it is traced and would refuse. Null: refused, or the run has ended. */
  @inline static from(context: Context, heap: u32, requestBytes: u32, alignment: u32, step: u32): LedgerBlock {
    const account = SoakHeap.at(heap);
    let block = changetype<LedgerBlock>(0);
    if (account.isrSafe != 0 || !context.isInterrupt) {
      block = Ledger.allocate(heap, requestBytes, alignment, context.index, step);
      if (changetype<u32>(block) == 0 && account.ownership == HeapOwnership.Traced && requestBytes != 0) {
        block = collectAndRetry(context, heap, requestBytes, alignment, step);
      }
    } else halt(FailureKind.AllocationInInterrupt, context.index, step, heap);
    if (changetype<u32>(block)) {
      context.allocations++;
      context.lastAllocationAt = control().now;
    }
    return block;
  }
}

function collectAndRetry(context: Context, heap: u32, requestBytes: u32, alignment: u32, step: u32): LedgerBlock {
  uncountRefusal(heap);
  collectHeap(heap, context, step);
  return allocateBlock(heap, requestBytes, alignment, context.index, step);
}

/** The heap that a refusal is reported for: the last one that was asked. */
function lastHeap(heaps: u32): u32 {
  return heaps < <u32>HEAP_LIST_LEAST ? heaps : load<u32>(heaps + (load<u32>(heaps) << 2));
}

/** Whether the run ended, or the device began to reboot, inside the step. */
function stopped(context: Context): bool {
  return Control.get(SoakField.Halted) != 0 || Control.get(SoakField.Booting) != 0;
}

/** free: name. */
export function freeStep(context: Context, pc: u32): u32 {
  const block = takeFromName(context, load<u32>(pc, 4), LedgerOwner.Blocks);
  if (changetype<u32>(block)) giveBack(context, block, stepOf(pc));
  return pc + 8;
}

/** reallocate: name, amount, heaps, policy. An empty name allocates; size 0 frees. */
export function reallocateStep(context: Context, pc: u32): u32 {
  const name = load<u32>(pc, 4);
  const requestBytes = Request.amount(context, pc + 8);
  if (!resize(context, name, requestBytes, load<u32>(pc, 16), stepOf(pc))) {
    if (!stopped(context)) refuseResize(context, pc, name, requestBytes, load<u32>(pc, 16), load<u32>(pc, 20));
    return 0;
  }
  context.retriesLeft = NO_RETRY;
  return pc + 24;
}

function refuseResize(context: Context, pc: u32, name: u32, requestBytes: u32, heaps: u32, policy: u32): void {
  const held = Name.of(context, name).held;
  refuse(context, stepOf(pc), changetype<u32>(held) ? held.heap : lastHeap(heaps), requestBytes, policy);
}

/** Gives the block of a name another size, or a first one. False: refused, and the old block stays. */
function resize(context: Context, name: u32, requestBytes: u32, heaps: u32, step: u32): bool {
  const held = Name.of(context, name).held;
  if (requestBytes == 0) {
    if (changetype<u32>(held)) giveBack(context, takeFromName(context, name, LedgerOwner.Blocks), step);
    return true;
  }
  if (changetype<u32>(held)) {
    if (!reallocateBlock(held, requestBytes, context.index, step)) return false;
    context.allocations++;
    context.lastAllocationAt = control().now;
    return true;
  }
  const block = allocateFrom(context, heaps, requestBytes, 0, step);
  if (changetype<u32>(block) == 0) return false;
  enterName(context, name, block, step);
  return true;
}

/**
 * grow: name, by, growth, reserve, until, heaps, policy. The container's length grows by `by`; where its capacity
 * does not hold that, a larger block is allocated, the contents move, and the old block is freed (a vector), or it
 * is reallocated where growth is exact (a string). At `until` bytes it is given back and starts over.
 */
export function growStep(context: Context, pc: u32): u32 {
  const step = stepOf(pc);
  const index = load<u32>(pc, 4);
  const by = Request.amount(context, pc + 8);
  const held = Name.of(context, index).held;
  const until = Amount.whole(context, pc + 28);
  const lengthBytes = (changetype<u32>(held) ? held.lengthBytes : 0) + by;
  if (until != 0 && lengthBytes > until) {
    if (changetype<u32>(held)) giveBack(context, takeFromName(context, index, LedgerOwner.Blocks), step);
    context.retriesLeft = NO_RETRY;
    return pc + 44;
  }
  if (!ensureCapacity(context, pc, index, lengthBytes, step)) {
    if (stopped(context)) return 0;
    refuseResize(context, pc, index, by, load<u32>(pc, 36), load<u32>(pc, 40));
    return 0;
  }
  context.retriesLeft = NO_RETRY;
  Name.of(context, index).held.lengthBytes = lengthBytes;
  return pc + 44;
}

function ensureCapacity(context: Context, pc: u32, name: u32, lengthBytes: u32, step: u32): bool {
  const held = Name.of(context, name).held;
  const heaps = load<u32>(pc, 36);
  if (changetype<u32>(held) == 0) {
    const reserveBytes = Amount.whole(context, pc + 20);
    return resize(context, name, max(max(lengthBytes, reserveBytes), FIRST_CAPACITY_BYTES), heaps, step);
  }
  const capacityBytes = held.requestBytes;
  if (lengthBytes <= capacityBytes) return true;
  const growth = load<u32>(pc, 16);
  if (growth == GrowthKind.Exact) return resize(context, name, lengthBytes, heaps, step);
  const grown = growth == GrowthKind.Double ? capacityBytes * 2 : capacityBytes + (capacityBytes >> 1);
  return moveTo(context, name, max(grown, lengthBytes), heaps, step);
}

/** Allocates the larger block while the old one still holds the contents, as vectors do. */
function moveTo(context: Context, name: u32, capacityBytes: u32, heaps: u32, step: u32): bool {
  const larger = allocateFrom(context, heaps, capacityBytes, 0, step);
  if (changetype<u32>(larger) == 0) return false;
  giveBack(context, takeFromName(context, name, LedgerOwner.Blocks), step);
  enterName(context, name, larger, step);
  return true;
}

/** keep: name, time. */
export function keepStep(context: Context, pc: u32): u32 {
  const us = Amount.microseconds(context, pc + 8);
  const block = takeFromName(context, load<u32>(pc, 4), LedgerOwner.Keep);
  if (changetype<u32>(block)) {
    block.timerKind = TimerKind.Expiry;
    block.before = pc + 8;
    wheel().insert(changetype<u32>(block), control().now + us);
  }
  return pc + 16;
}

/** The life that `keep` gave a block is over. */
export function expire(block: LedgerBlock): void {
  giveBack(Context.at(block.context), block, block.step);
}

/** spawn: first context, count, heaps, policy. */
export function spawnStep(context: Context, pc: u32): u32 {
  const step = stepOf(pc);
  const task = absentContext(load<u32>(pc, 4), load<u32>(pc, 8));
  if (changetype<u32>(task) == 0) {
    tooManyTasks(context, step);
    return 0;
  }
  const heap = load<u32>(pc, 12);
  const refusedBytes = createTask(task, heap, context, step);
  if (refusedBytes == 0) {
    context.retriesLeft = NO_RETRY;
    context.allocations += 2;
    context.lastAllocationAt = control().now;
    return pc + 20;
  }
  if (!stopped(context)) refuse(context, step, heap, refusedBytes, load<u32>(pc, 16));
  return 0;
}

/** leak: name, probability, site. */
export function leakStep(context: Context, pc: u32): u32 {
  const name = Name.of(context, load<u32>(pc, 4));
  const block = name.held;
  if (changetype<u32>(block) && happens(context, pc + 8)) {
    name.block = 0;
    leak(context, block, stepOf(pc));
  }
  return pc + 20;
}

/** Whether what has the probability at `at` (an f64, then a draw site) happens now. */
export function happens(context: Context, at: u32): bool {
  const probability = load<f64>(at);
  if (probability >= 1) return true;
  return Random.unit(Random.nextBits(Amount.site(context, load<u32>(at, 8)))) < probability;
}

/** misuse: kind, name, bytes. Carried out as the firmware would, wherever the bytes land. */
export function misuseStep(context: Context, pc: u32): u32 {
  const kind = load<u32>(pc, 4);
  const index = load<u32>(pc, 8);
  const bytes = load<u32>(pc, 12);
  const block = Name.of(context, index).held;
  if (changetype<u32>(block) == 0) return pc + 16;
  const payload = block.payload;
  const requestBytes = block.requestBytes;
  if (kind == MisuseKind.Overrun) {
    trample(payload + requestBytes, bytes);
    return pc + 16;
  }
  const account = SoakHeap.at(block.heap);
  Name.of(context, index).block = 0;
  releaseBlock(block, context.index, stepOf(pc));
  if (kind == MisuseKind.UseAfterFree) trample(payload, bytes);
  else {
    account.doubleFrees++;
    dispatch(account.record, Verb.ReleaseBare, payload, requestBytes);
  }
  return pc + 16;
}

function trample(address: u32, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) store<u8>(resolve(address + i, 1, Access.Store), MISUSE_BYTE);
}

/** drop: name. */
export function dropStep(context: Context, pc: u32): u32 {
  const block = takeFromName(context, load<u32>(pc, 4), LedgerOwner.Blocks);
  if (changetype<u32>(block)) dropOwner(context, block, stepOf(pc));
  return pc + 8;
}
