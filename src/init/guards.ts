/** The protections of stacks that a configuration or the program's symbols show. */
import type { Configuration } from "./configuration.ts";
import type { DraftGuard } from "./draft.ts";
import type { LinkedProgram } from "./linked-program.ts";

const SWITCHES: readonly (readonly [string, DraftGuard["kind"]])[] = [
  ["CONFIG_FREERTOS_CHECK_STACKOVERFLOW_PTRVAL", "freertos-1"],
  ["CONFIG_FREERTOS_CHECK_STACKOVERFLOW_CANARY", "freertos-2"],
  ["CONFIG_FREERTOS_WATCHPOINT_END_OF_STACK", "watchpoint"],
  ["CONFIG_STACK_SENTINEL", "zephyr-sentinel"],
  ["CONFIG_BUILTIN_STACK_GUARD", "limit-register"],
  ["CONFIG_MPU_STACK_GUARD", "mpu"],
  ["CONFIG_STACK_CANARIES", "stack-protector"],
  ["CONFIG_COMPILER_STACK_CHECK", "stack-protector"],
];

/** The guards of the tasks' stacks, each kind once. */
export function findGuards(configuration: Configuration, program: LinkedProgram | undefined): DraftGuard[] {
  const guards: DraftGuard[] = [];
  const add = (kind: DraftGuard["kind"], source: string) => {
    if (!guards.some((guard) => guard.kind === kind)) guards.push({ kind, source });
  };
  const checked = configuration.number("configCHECK_FOR_STACK_OVERFLOW");
  if (checked?.value === 1) add("freertos-1", checked.source);
  // 3 adds a check of the interrupt stack to what 2 does.
  if (checked && checked.value >= 2) add("freertos-2", checked.source);
  for (const [option, kind] of SWITCHES) {
    const on = configuration.isOn(option);
    if (on) add(kind, on.source);
  }
  if (program?.has("__stack_chk_fail")) add("stack-protector", `symbol __stack_chk_fail of ${program.name}`);
  return guards;
}
