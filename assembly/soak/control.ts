/** The run's control record (SoakField) and how a run fails. */

import { EXPONENTIAL_ZIGGURAT } from "../memory-map";
import { FailureKind, HaltKind, SOAK, SOAK_HIGH, SoakField } from "../soak-map";
import { Wheel } from "./timer-wheel";

@final
@unmanaged
export class Control {
  now: u64;
  horizon: u64;
  steps: u64;
  batchEnd: u64;
  readyLevels: u64;
  seed: u64;
  sampleGap: u64;
  failureAt: u64;
  bootTime: u64;
  operations: u64;

  @inline static get(field: u32): u32 {
    return load<u32>(SOAK + (field << 2));
  }

  @inline static set(field: u32, value: u32): void {
    store<u32>(SOAK + (field << 2), value);
  }
}

/** The one control record. */
export function control(): Control {
  return changetype<Control>(SOAK);
}

/** Whether a failure has ended the run, or the batch in front of a reboot. */
export function hasHalted(): bool {
  return Control.get(SoakField.Halted) != 0;
}

/** Notes a failure, now, after which the device does not go on; `detail` means what the kind says. */
export function halt(kind: u32, context: u32, step: u32, detail: u32): void {
  noteFailure(kind, context, step, detail);
  Control.set(SoakField.Halted, HaltKind.ForGood);
}

/** Notes the first failure of the run, now. Later ones change nothing. */
export function noteFailure(kind: u32, context: u32, step: u32, detail: u32): void {
  if (Control.get(SoakField.FailureKind) != FailureKind.None) return;
  control().failureAt = control().now;
  Control.set(SoakField.FailureKind, kind);
  Control.set(SoakField.FailureContext, context);
  Control.set(SoakField.FailureStep, step);
  Control.set(SoakField.FailureDetail, detail);
}

/** The run's queue of timers. */
export function wheel(): Wheel {
  return Wheel.at(Control.get(SoakField.Wheel));
}

/** Compile-time proof that the overlay is the record of soak-map.ts. */
export function pinControl(): void {
  if (offsetof<Control>("readyLevels") != SoakField.ReadyLevels * 4) ERROR("Control.readyLevels is not SoakField's");
  if (SOAK_HIGH > EXPONENTIAL_ZIGGURAT) ERROR("the control record reaches into the tables of draws");
  if (offsetof<Control>("operations") != SoakField.Operations * 4) ERROR("Control.operations is not SoakField's");
}
