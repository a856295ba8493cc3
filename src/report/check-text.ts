import { formatBytes } from "../quantities.ts";
import type { Activation, Draw, InterruptModel, Scenario, StackModel, TaskModel } from "../scenario/model.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { StackWorstCase } from "../soak/stack-worst-case.ts";
import { formatPath } from "../yaml-document.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, formatRatio, tableLines } from "./table.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 96;

/** What only the compiled scenario and the device know. */
export interface CheckedFigures {
  /** The memory map. */
  readonly drawing: string;
  /** What each task's stack needs at worst, in the order of the scenario. */
  readonly tasks: readonly StackWorstCase[];
  /** What the main stack needs with a handler of every priority nested in the one below. */
  readonly mainStack: StackWorstCase;
}

/** The page of `heapsoak check` for a scenario that is valid. */
export function checkText(scenario: Scenario, figures: CheckedFigures, paint: Paint = plainPaint): string {
  const sections = [
    heading(scenario, paint),
    warningLines(scenario, paint),
    taskTable(scenario, figures),
    interruptTable(scenario, figures),
    expectationLines(scenario),
    figures.drawing.split("\n"),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function heading({ file, title, why, device, uptimeUs, seed }: Scenario, paint: Paint): string[] {
  return [
    `${paint.strong(title)} (${file})`,
    ...wrapped(why, WIDTH).map((line) => `  ${line}`),
    `  on ${device.id} (${device.name}), for ${formatDuration(uptimeUs)}, seed ${seed}`,
  ];
}

function warningLines({ file, warnings }: Scenario, paint: Paint): string[] {
  return warnings.flatMap(({ path, line, message, hint }) => [
    `${file}:${line}: ${paint.strong("warning")}: ${formatPath(path)}: ${message}`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ]);
}

function taskTable(scenario: Scenario, figures: CheckedFigures): string[] {
  if (scenario.tasks.length === 0) return [];
  const rows = scenario.tasks.map((task, index) => ({
    title: task.instances === 1 ? task.name : `${task.name} ×${task.instances}`,
    cells: [String(task.priority), starts(task), ...stackCells(task.stack, figures.tasks[index])],
  }));
  return tableLines(["PRIORITY", "STARTS", "STACK", "WORST CASE", "GUARD"], rows, "left");
}

function interruptTable({ interrupts, interruptStack }: Scenario, { mainStack }: CheckedFigures): string[] {
  if (interrupts.length === 0) return [];
  const rows = interrupts.map((interrupt) => ({
    title: interrupt.name,
    cells: [String(interrupt.priority), starts(interrupt)],
  }));
  if (interruptStack) {
    rows.push({ title: "main stack", cells: ["", "all nested", ...stackCells(interruptStack, mainStack)] });
  }
  return tableLines(["PRIORITY", "ARRIVES", "STACK", "WORST CASE", "GUARD"], rows, "left");
}

function stackCells(stack: StackModel, worst: StackWorstCase | undefined): string[] {
  return [formatBytes(stack.sizeBytes), worst ? worstCell(worst, stack.sizeBytes) : "", guardsText(stack)];
}

/** The guards of a stack in words: `mpu 32 B`, `none`. */
export function guardsText({ guards }: StackModel): string {
  const words = guards.map((guard) => ("bytes" in guard ? `${guard.kind} ${formatBytes(guard.bytes)}` : guard.kind));
  return words.join(", ") || "none";
}

function worstCell({ bytes, bounded }: StackWorstCase, sizeBytes: number): string {
  if (!bounded) return `${formatCount(bytes)} B + recursion`;
  return bytes > sizeBytes ? `${formatCount(bytes)} B: TOO DEEP` : `${formatCount(bytes)} B`;
}

function expectationLines({ expect, warmupUs }: Scenario): string[] {
  if (expect.length === 0) return ["It states no expectations."];
  const after = warmupUs > 0 ? `, judged after ${formatDuration(warmupUs)}` : "";
  return [`expects${after}:`, ...new Set(expect.map(({ text }) => `  ${text}`))];
}

function starts({ activation, hourly }: TaskModel | InterruptModel): string {
  return startsWhen(activation) + (hourly ? ", by the hour" : "");
}

function startsWhen(activation: Activation): string {
  switch (activation.kind) {
    case "every": {
      const jitter = activation.jitter > 0 ? ` ± ${formatRatio(activation.jitter)}` : "";
      return `every ${drawText(activation.gapUs)}${jitter}`;
    }
    case "poisson":
      return `poisson, ${rateText(activation.perSecond)}`;
    case "at":
      return `at ${formatDuration(activation.atUs)}`;
    case "on":
      return `on ${activation.mode}`;
    case "loop":
      return "in a loop";
    case "spawned":
      return "when spawned";
  }
}

/** A drawn time in words. */
function drawText(draw: Draw): string {
  switch (draw.kind) {
    case "constant":
      return formatDuration(draw.value);
    case "uniform":
      return `${formatDuration(draw.low)} to ${formatDuration(draw.high)}`;
    case "exponential":
    case "normal":
    case "geometric":
      return `${formatDuration(draw.mean)} (${draw.kind})`;
    case "lognormal":
      return `${formatDuration(draw.median)} (lognormal)`;
    case "pareto":
      return `${formatDuration(draw.least)} or more (pareto)`;
    default:
      return `${formatDuration(Math.min(...draw.values))} to ${formatDuration(Math.max(...draw.values))} (${draw.kind})`;
  }
}

/** `4/s`, or in the unit that makes it at least one. */
function rateText(perSecond: number): string {
  const units = [
    ["s", 1],
    ["min", 60],
    ["h", 3600],
  ] as const;
  const [unit, seconds] = units.find(([, length]) => perSecond * length >= 1) ?? (["d", 86_400] as const);
  return `${Number((perSecond * seconds).toPrecision(3))}/${unit}`;
}
