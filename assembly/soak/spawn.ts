/**
 * Tasks that are created and deleted at run time. As FreeRTOS does where stacks grow downwards: the stack is
 * allocated first, then the control block; a task that ends stays until the idle task runs, which gives back the
 * stack, then the control block. What its names still hold leaks.
 */
import { FailureKind, SoakField } from "../soak-map";
import { prepareStack, retireStack } from "../stack/stack";
import { StackField } from "../stack/stack-map";
import { Context, Name } from "./context";
import { ContextState } from "./context-map";
import { Control, halt } from "./control";
import { allocateBlock, LedgerBlock, releaseBlock } from "./ledger";
import { LedgerOwner } from "./ledger-map";
import { forget } from "./ownership";
import { begin } from "./schedule";

/** A context among `count` from `first` on that is free for a new task, or null. */
export function absentContext(first: u32, count: u32): Context {
  for (let i: u32 = 0; i < count; i++) {
    const context = Context.at(first + i);
    if (context.state == ContextState.Absent) return context;
  }
  return changetype<Context>(0);
}

/** Creates the task from heap number `heap`; 0, or the bytes of the request that was refused. */
export function createTask(task: Context, heap: u32, creator: Context, step: u32): u32 {
  const stack = allocateBlock(heap, task.stackBytes, 0, creator.index, step);
  if (changetype<u32>(stack) == 0) return task.stackBytes;
  const controlBlock = allocateBlock(heap, task.controlBlockBytes, 0, creator.index, step);
  if (changetype<u32>(controlBlock) == 0) {
    releaseBlock(stack, creator.index, step);
    return task.controlBlockBytes;
  }
  stack.owner = LedgerOwner.Kernel;
  controlBlock.owner = LedgerOwner.Kernel;
  task.stackBlock = changetype<u32>(stack);
  task.controlBlock = changetype<u32>(controlBlock);
  if (task.stack) placeStack(task.stack, stack);
  begin(task);
  return 0;
}

function placeStack(stack: u32, block: LedgerBlock): void {
  const base = (block.payload + 7) & ~7;
  store<u32>(stack, base, StackField.Base << 2);
  store<u32>(stack, (block.payload + block.requestBytes - base) & ~7, StackField.Bytes << 2);
  prepareStack(stack);
}

/** A spawned task has ended: it stays until the idle task runs. */
export function exitTask(task: Context): void {
  task.state = ContextState.Exited;
  Control.set(SoakField.ExitedTasks, Control.get(SoakField.ExitedTasks) + 1);
}

/** What the idle task does: gives back the memory of tasks that have ended. */
export function cleanUpExitedTasks(): void {
  Control.set(SoakField.ExitedTasks, 0);
  const count = Control.get(SoakField.TaskCount);
  for (let i: u32 = 0; i < count; i++) {
    const task = Context.at(i);
    if (task.state == ContextState.Exited) deleteTask(task);
  }
}

function deleteTask(task: Context): void {
  if (task.stack) retireStack(task.stack);
  for (let i: u32 = 0; i < task.nameCount; i++) {
    const name = Name.of(task, i);
    if (name.block) forget(task, name.held, u32.MAX_VALUE);
    name.block = 0;
  }
  releaseBlock(changetype<LedgerBlock>(task.stackBlock), task.index, u32.MAX_VALUE);
  releaseBlock(changetype<LedgerBlock>(task.controlBlock), task.index, u32.MAX_VALUE);
  task.stackBlock = 0;
  task.controlBlock = 0;
  task.saved = 0;
  task.state = ContextState.Absent;
}

/** More tasks of a kind than the scenario declares instances. */
export function tooManyTasks(creator: Context, step: u32): void {
  halt(FailureKind.Overload, creator.index, step, 0);
}
