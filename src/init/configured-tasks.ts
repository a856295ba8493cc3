/** Tasks that kernels make by themselves, with the sizes of their stacks from the configuration. */
import type { DeviceDescription } from "../device/description.ts";
import type { Configuration } from "./configuration.ts";
import type { DraftTask, StackOrigin } from "./draft.ts";
import { isStackSize } from "./stacks.ts";

interface KernelTask {
  readonly name: string;
  readonly option: string;
  /** FreeRTOS counts stacks in words. */
  readonly unit: "words" | "bytes";
  readonly origin: StackOrigin;
  /** An option that must be on for the task to be made. */
  readonly when?: string;
}

const KERNEL_TASKS: readonly KernelTask[] = [
  { name: "IDLE", option: "configMINIMAL_STACK_SIZE", unit: "words", origin: "heap" },
  { name: "Tmr-Svc", option: "configTIMER_TASK_STACK_DEPTH", unit: "words", origin: "heap", when: "configUSE_TIMERS" },
  { name: "main", option: "CONFIG_ESP_MAIN_TASK_STACK_SIZE", unit: "bytes", origin: "heap" },
  { name: "IDLE", option: "CONFIG_FREERTOS_IDLE_TASK_STACKSIZE", unit: "bytes", origin: "heap" },
  { name: "Tmr-Svc", option: "CONFIG_FREERTOS_TIMER_TASK_STACK_DEPTH", unit: "bytes", origin: "heap" },
  { name: "sys_evt", option: "CONFIG_ESP_SYSTEM_EVENT_TASK_STACK_SIZE", unit: "bytes", origin: "heap" },
  { name: "esp_timer", option: "CONFIG_ESP_TIMER_TASK_STACK_SIZE", unit: "bytes", origin: "heap" },
  { name: "tiT", option: "CONFIG_LWIP_TCPIP_TASK_STACK_SIZE", unit: "bytes", origin: "heap" },
  { name: "main", option: "CONFIG_MAIN_STACK_SIZE", unit: "bytes", origin: "static" },
  { name: "idle", option: "CONFIG_IDLE_STACK_SIZE", unit: "bytes", origin: "static" },
  { name: "sys_work_q", option: "CONFIG_SYSTEM_WORKQUEUE_STACK_SIZE", unit: "bytes", origin: "static" },
];

/** The kernel's own tasks; where their stacks are static, kernels with the switch for it say so. */
export function configuredTasks(configuration: Configuration, device: Pick<DeviceDescription, "core">): DraftTask[] {
  const areStatic = configuration.isOn("configKERNEL_PROVIDED_STATIC_MEMORY") !== undefined;
  const noHeap = configuration.number("configSUPPORT_DYNAMIC_ALLOCATION")?.value === 0;
  return KERNEL_TASKS.flatMap(({ name, option, unit, origin, when }): DraftTask[] => {
    const found = configuration.number(option);
    if (!found || (when !== undefined && !configuration.isOn(when))) return [];
    const bytes = unit === "words" ? found.value * wordBytes(device) : found.value;
    if (!isStackSize(bytes)) return [];
    const source = unit === "words" ? `${found.source}: ${found.value} words` : found.source;
    const stack = { bytes: bytes - (bytes % 8), at: undefined, source };
    const where = areStatic || noHeap ? "static" : origin;
    return [{ name, source, priority: undefined, stack, origin: where, frame: undefined }];
  });
}

/** Bytes of a StackType_t in FreeRTOS's ports; Espressif's count stacks in bytes. */
function wordBytes({ core }: Pick<DeviceDescription, "core">): number {
  return core === "avr" || core === "xtensa" ? 1 : 4;
}
