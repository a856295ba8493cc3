/**
 * Reboots: start-up code initialises static data and the allocators' state, everything else in RAM keeps its
 * contents (a cold one fills it first), and after the boot time the tasks start as at the very beginning.
 * Simulated time, counters, telemetry and random streams go on.
 */

import { BANKS, BankField, BankKind, CONTROL, ControlField, HeapField, RegionField } from "../memory-map";
import { Verb } from "../perform";
import { dispatch } from "../registry";
import { BOOT_LOOP_REBOOTS, FailureKind, SOAK, SoakField, TimerKind } from "../soak-map";
import { resetStack } from "../stack/stack";
import { resetAgenda, schedule } from "./agenda";
import { Context, forgetReady, Name } from "./context";
import { ContextState, ModeField } from "./context-map";
import { Control, control, halt } from "./control";
import { noteReboot } from "./journal";
import { LedgerField } from "./ledger-map";
import { Cache, Queue } from "./queues";
import { startAll } from "./schedule";
import { SoakHeap } from "./soak-heap";
import { Timer } from "./timer-wheel";

const HOUR_US: u64 = 3600000000;
const MODE_BYTES: u32 = ModeField.Length << 2;
const NO_MODE: u32 = u32.MAX_VALUE;
const RING_LENGTH: u32 = BOOT_LOOP_REBOOTS + 1;

/** Restarts the device, now. `fill` is what a cold start finds in RAM. */
export function reboot(cold: bool, fill: u32): void {
  if (isBootLoop()) {
    halt(FailureKind.BootLoop, u32.MAX_VALUE, u32.MAX_VALUE, 0);
    return;
  }
  noteReboot();
  forgetEverything();
  if (cold) fillRam(<u8>fill);
  clearStaticData();
  startHeaps();
  Control.set(SoakField.Booting, 1);
  Timer.at(SOAK + (SoakField.BootTimer << 2)).kind = TimerKind.BootEnd;
  schedule(SOAK + (SoakField.BootTimer << 2), control().now + control().bootTime);
}

/** The boot time is over. */
export function finishBoot(): void {
  Control.set(SoakField.Booting, 0);
  startAll();
}

/** Notes the reboot; true when the eleventh falls within an hour of the first. */
function isBootLoop(): bool {
  const reboots = Control.get(SoakField.Reboots);
  Control.set(SoakField.Reboots, reboots + 1);
  const ring = SOAK + (SoakField.RebootTimes << 2);
  store<u64>(ring + ((reboots % RING_LENGTH) << 3), control().now);
  if (reboots < <u32>BOOT_LOOP_REBOOTS) return false;
  return control().now - load<u64>(ring + (((reboots + 1) % RING_LENGTH) << 3)) <= HOUR_US;
}

/** What lies in registers and static data of the kernel: timers, tasks, names, queues. */
function forgetEverything(): void {
  const sampleTimer = SOAK + (SoakField.SampleTimer << 2);
  const sampleAt = Timer.at(sampleTimer).time;
  for (let i: u32 = 0, count = Control.get(SoakField.ModeCount); i < count; i++) forgetTimer(modeTimer(i));
  for (let i: u32 = 0, count = Control.get(SoakField.ContextCount); i < count; i++) forgetContext(Context.at(i));
  memory.fill(Control.get(SoakField.Ledger), 0, Control.get(SoakField.LedgerUsed) * (LedgerField.Length << 2));
  Control.set(SoakField.LedgerUsed, 0);
  Control.set(SoakField.LedgerFree, 0);
  for (let i: u32 = 0, count = Control.get(SoakField.QueueCount); i < count; i++) forgetQueue(Queue.at(i));
  for (let i: u32 = 0, count = Control.get(SoakField.CacheCount); i < count; i++) Cache.at(i).count = 0;
  forgetReady();
  if (Control.get(SoakField.MainStack)) resetStack(Control.get(SoakField.MainStack));
  Control.set(SoakField.CurrentTask, 0);
  Control.set(SoakField.Resuming, 0);
  Control.set(SoakField.ExitedTasks, 0);
  Control.set(SoakField.Mode, NO_MODE);
  forgetTimer(sampleTimer);
  forgetTimer(SOAK + (SoakField.BootTimer << 2));
  resetAgenda(control().now);
  schedule(sampleTimer, sampleAt);
}

function modeTimer(index: u32): u32 {
  return Control.get(SoakField.Modes) + index * MODE_BYTES;
}

function forgetTimer(timer: u32): void {
  Timer.at(timer).slot = 0;
}

function forgetContext(context: Context): void {
  forgetTimer(context.arrivalNode);
  forgetTimer(context.wakeNode);
  context.state = ContextState.Idle;
  context.pending = 0;
  context.frameCount = 0;
  context.saved = 0;
  context.active = 0;
  context.interruptedStack = 0;
  context.waitingQueue = 0;
  context.timedOut = 0;
  context.stackBlock = 0;
  context.controlBlock = 0;
  for (let i: u32 = 0; i < context.nameCount; i++) Name.of(context, i).block = 0;
  if (context.stack) resetStack(context.stack);
}

function forgetQueue(queue: Queue): void {
  queue.count = 0;
  queue.receivers = 0;
  queue.senders = 0;
}

function fillRam(fill: u8): void {
  const count = load<u32>(CONTROL, ControlField.BankCount << 2);
  for (let i: u32 = 0; i < count; i++) {
    const bank = BANKS + i * (BankField.Length << 2);
    const low = load<u32>(bank, BankField.Low << 2);
    if (load<u32>(bank, BankField.Kind << 2) != BankKind.Ram || load<u32>(bank, BankField.Home << 2) != low) continue;
    memory.fill(low, fill, load<u32>(bank, BankField.Bytes << 2));
  }
}

function clearStaticData(): void {
  const ranges = Control.get(SoakField.StaticRanges);
  for (let i: u32 = 0, count = Control.get(SoakField.StaticRangeCount); i < count; i++) {
    memory.fill(load<u32>(ranges + (i << 3)), 0, load<u32>(ranges + (i << 3), 4));
  }
}

/** Starts all allocators over their regions, as empty heaps. */
export function startHeaps(): void {
  for (let i: u32 = 0, count = Control.get(SoakField.HeapCount); i < count; i++) {
    const account = SoakHeap.at(i);
    if (account.keepsShadow) clearShadow(account.record);
    dispatch(account.record, Verb.Initialize, 0, 0);
    dispatch(account.record, Verb.OpenAccount, changetype<u32>(account), 0);
  }
}

function clearShadow(heap: u32): void {
  const shift = load<u32>(heap, HeapField.GranuleShift << 2);
  for (let i: u32 = 0, count = load<u32>(heap, HeapField.RegionCount << 2); i < count; i++) {
    const region = heap + (HeapField.Regions << 2) + i * (RegionField.Length << 2);
    const granules = (load<u32>(region, RegionField.Bytes << 2) >> shift) + 1;
    memory.fill(load<u32>(region, RegionField.Shadow << 2), 0, granules << 2);
  }
}
