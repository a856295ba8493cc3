/** Lays the stacks of a run into engine memory and ties them to the kernel's records. */

import { ContextField } from "../../assembly/soak/context-map.ts";
import { SoakField } from "../../assembly/soak-map.ts";
import type { CoreFrames } from "../device/frames.ts";
import type { Engine } from "./engine.ts";
import type { EngineRecord } from "./engine-record.ts";
import { type StackSetup, stackRecordBytes, writeStackRecord } from "./stack-record.ts";

/** The stacks by what uses them. */
export interface StacksToLay {
  readonly frames: CoreFrames;
  readonly main: StackSetup | undefined;
  /** In the order of the task contexts. */
  readonly tasks: readonly StackSetup[];
}

/** Engine addresses of the stacks' records. */
export interface LaidStacks {
  /** 0: there is no main stack. */
  readonly main: number;
  readonly tasks: readonly number[];
}

/** Writes the core's frames into the control record and a record for every stack. Throws `does-not-fit`. */
export function layStacks(
  engine: Engine,
  control: EngineRecord,
  contexts: readonly EngineRecord[],
  { frames, main, tasks }: StacksToLay,
): LaidStacks {
  control.set(SoakField.ExceptionBytes, frames.exceptionBytes);
  control.set(SoakField.ExceptionFpuBytes, frames.exceptionFpuBytes);
  control.set(SoakField.LazyBytes, frames.lazyBytes);
  control.set(SoakField.ContextBytes, frames.contextBytes);
  control.set(SoakField.ContextFpuBytes, frames.contextFpuBytes);
  control.set(SoakField.StackAlignment, frames.stackAlignment);
  const lay = (setup: StackSetup) => {
    const address = engine.allocatePool(stackRecordBytes(setup.exceptionsMost));
    writeStackRecord(engine, address, setup);
    return address;
  };
  const laid = { main: main ? lay(main) : 0, tasks: tasks.map(lay) };
  control.set(SoakField.MainStack, laid.main);
  for (const [index, stack] of laid.tasks.entries()) contexts[index]?.set(ContextField.Stack, stack);
  return laid;
}
