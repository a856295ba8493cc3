/** The module's exports: verbs on numbers. A `heap` is the address of its record; bulk data goes through records. */
import { Heap, pinRecords } from "./allocators/heap";
import { collect } from "./allocators/micropython-collect";
import { addFinaliser, MicropythonGc } from "./allocators/micropython-gc";
import { resolve } from "./guest";
import { judgeAccess, requestOf } from "./inspect/shadow";
import { AllocatorKind, LAYOUT_VERSION } from "./memory-map";
import { Verb } from "./perform";
import { dispatch } from "./registry";
import { pinContext } from "./soak/context";
import { pinControl } from "./soak/control";
import { pinJournal } from "./soak/journal";
import { pinLedger } from "./soak/ledger";
import { pinSoakHeap } from "./soak/soak-heap";

export { firstMismatch, replayNull } from "./replay";
export { advance as soakAdvance, prepare as soakPrepare, rekeyAll as soakRekey } from "./soak/kernel";
export { renew as soakRenew } from "./soak/renewal";
export { beginJudging as soakBeginJudging, closeTelemetry as soakCloseTelemetry } from "./soak/telemetry";
export { initializeDraws } from "./soak/ziggurat";
export { paintedBytes as stackPaintedBytes } from "./stack/stack";

/** The LAYOUT_VERSION this module was compiled with. */
export function layoutVersion(): u32 {
  pinRecords();
  pinControl();
  pinContext();
  pinJournal();
  pinLedger();
  pinSoakHeap();
  return LAYOUT_VERSION;
}

/** Fills in what the host must reserve for a heap: HeapField.StateBytes and HeapField.GranuleShift. */
export function heapPlan(heap: u32): void {
  dispatch(heap, Verb.Plan, 0, 0);
}

/** Starts the allocator over its regions. 0: they cannot be used. */
export function heapInitialize(heap: u32): u32 {
  return dispatch(heap, Verb.Initialize, 0, 0);
}

/** Rebuilds the allocator's static variables from a RAM image (see Heap.adopt). 0: the arena does not tell. */
export function heapAdopt(heap: u32): u32 {
  return dispatch(heap, Verb.Adopt, 0, 0);
}

/** Allocates; `alignment` 0 is the allocator's own. The payload's address, or 0. */
export function heapAllocate(heap: u32, alignment: u32, requestBytes: u32): u32 {
  return dispatch(heap, Verb.Allocate, alignment, requestBytes);
}

/** Reallocates a payload that is not NULL. The payload's address, or 0. */
export function heapReallocate(heap: u32, payload: u32, requestBytes: u32): u32 {
  return dispatch(heap, Verb.Reallocate, payload, requestBytes);
}

/** Releases a payload that is not NULL. */
export function heapRelease(heap: u32, payload: u32): void {
  dispatch(heap, Verb.Release, payload, 0);
}

/**
 * Runs the collector of a micropython-gc heap with `count` root words at `roots` (in engine memory). Returns the
 * bytes freed; 0 for heaps of other kinds, which have none.
 */
export function heapCollect(heap: u32, roots: u32, count: u32): u32 {
  const collects = changetype<Heap>(heap).kind == AllocatorKind.MicropythonGc;
  return collects ? collect(changetype<MicropythonGc>(heap), roots, count) : 0;
}

/** Notes that the object at `payload` of a micropython-gc heap has a finaliser. 0: no object there, or no such table. */
export function heapAddFinaliser(heap: u32, payload: u32): u32 {
  const collects = changetype<Heap>(heap).kind == AllocatorKind.MicropythonGc;
  return collects && addFinaliser(changetype<MicropythonGc>(heap), payload) ? 1 : 0;
}

/** Bytes the firmware may use of a live block. */
export function heapUsableBytes(heap: u32, payload: u32): u32 {
  return dispatch(heap, Verb.UsableBytes, payload, requestOf(changetype<Heap>(heap), payload));
}

/** Writes block records (BlockField) to OUTPUT; `resume` 1 continues a walk that filled it. Returns how many. */
export function heapWalk(heap: u32, resume: u32): u32 {
  return dispatch(heap, Verb.Walk, resume, 0);
}

/** 1 when every invariant holds; otherwise 0 and a FindingField record in OUTPUT. */
export function heapCheck(heap: u32): u32 {
  return dispatch(heap, Verb.Check, 0, 0);
}

/** Writes the original's statistics to OUTPUT, in the catalogue's order. Returns how many words. */
export function heapStatistics(heap: u32): u32 {
  return dispatch(heap, Verb.Statistics, 0, 0);
}

/** Writes a SummaryField record to OUTPUT. */
export function heapSummarize(heap: u32): void {
  dispatch(heap, Verb.Summarize, 0, 0);
}

/** Runs operations [first, end) watched, results into the operations. */
export function heapReplay(heap: u32, first: u32, end: u32): void {
  dispatch(heap, Verb.Replay, first, end);
}

/** Runs operations [first, end) without any accounting: what the benchmarks time. */
export function heapReplayBare(heap: u32, first: u32, end: u32): void {
  dispatch(heap, Verb.ReplayBare, first, end);
}

/** An AccessVerdict on the firmware's access to [address, address + bytes) of a heap. */
export function heapJudgeAccess(heap: u32, address: u32, bytes: u32): u32 {
  return judgeAccess(changetype<Heap>(heap), address, bytes);
}

/** The linear address at which a device access of `bytes` bytes lands; faults where the device would. */
export function resolveAccess(address: u32, bytes: u32, access: u32): u32 {
  return resolve(address, bytes, access);
}
