import type { FittedSize, JointDraw } from "../model/joint.ts";
import type { FittedActivity, FittedStart, FittedStep } from "../model/model.ts";
import type { FittedQueue } from "../model/queue.ts";
import type { FittedCache } from "../model/retention.ts";
import { type Names, shown } from "./names.ts";
import { DIGITS, drawText, PERIOD_DIGITS, plain, rateText, shareText, timeText, wholeText } from "./quantity-text.ts";

const LINE_CHARACTERS_MOST = 110;
const SERVED_CHARACTERS_MOST = 40;
/** The widest of some starts is not told more exactly. */
const JITTER_DIGITS = 2;

/** The mode that activities wait for that start together, and the one behind it. */
export const EPISODE = "episode";
export const PAUSE = "pause";

/** A cache that a task puts blocks into. */
export interface NamedCache {
  readonly name: string;
  readonly cache: FittedCache;
}

/** Writes tasks; remembers the caches that their steps use. */
export class TaskWriter {
  readonly caches: NamedCache[] = [];
  readonly queues: { readonly name: string; readonly queue: FittedQueue }[] = [];
  readonly #names: Names;
  /** Whether steps of the task free what it holds: a refused request leaves a name empty then, and the task goes on. */
  #frees = false;

  constructor(names: Names) {
    this.#names = names;
  }

  /** Lines of the task, indented below `tasks:`. */
  lines(activity: FittedActivity): string[] {
    this.#frees = hasFree(activity.steps);
    const name = this.#names.give(activity.leader.task || this.#names.ofBlocks(activity.leader));
    return [
      `  ${name}:${comment(activity)}`,
      ...startLines(activity.start).map((line) => `    ${line}`),
      "    do:",
      ...this.#steps(activity.steps, "      "),
    ];
  }

  #steps(steps: readonly FittedStep[], indent: string): string[] {
    if (steps.length === 0) return [`${indent}[]`];
    return steps.flatMap((step) => this.#step(step, indent));
  }

  #step(step: FittedStep, indent: string): string[] {
    const inner = `${indent}    `;
    switch (step.step) {
      case "allocate": {
        const align = step.blocks.alignment > 0 ? `, align: ${step.blocks.alignment}` : "";
        return flow(
          `allocate: ${this.#names.ofBlocks(step.blocks)}, size: `,
          this.#size(step.size),
          indent,
          align + this.#orElse(),
        );
      }
      case "draw":
        return this.#draw(step.joint, indent);
      case "in-case":
        if (step.steps.length === 0) return [];
        return [
          `${indent}- repeat: ${this.#caseName(step.joint, step.index)}`,
          `${indent}  do:`,
          ...this.#steps(step.steps, inner),
        ];
      case "grow":
        return flow(
          `grow: ${this.#names.ofBlocks(step.blocks)}, by: `,
          drawText(step.by, wholeText),
          indent,
          `, policy: ${step.policy}`,
        );
      case "free":
      case "leak":
        return [`${indent}- { ${step.step}: ${this.#names.ofBlocks(step.blocks)} }`];
      case "keep":
        return this.#keep(step, indent);
      case "cache":
        return [`${indent}- { cache: ${this.#names.ofBlocks(step.blocks)}, in: ${this.#cache(step)} }`];
      case "send":
        return [`${indent}- { send: ${this.#names.ofBlocks(step.blocks)}, to: ${this.#queue(step)} }`];
      case "wait":
        return flow("wait: ", drawText(step.us, timeText), indent);
      case "until-pause":
        return [`${indent}- { until: ${PAUSE} }`];
      case "repeat":
        return [
          ...wrapped(`${indent}- repeat: `, drawText(step.count, wholeText), indent),
          `${indent}  do:`,
          ...this.#steps(step.steps, inner),
        ];
      case "chance":
        return [`${indent}- chance: ${shareText(step.ratio)}`, `${indent}  do:`, ...this.#steps(step.steps, inner)];
      case "choose":
        return [
          `${indent}- choose:`,
          ...step.options.flatMap(({ weight, steps }) => [
            `${inner}- weight: ${plain(weight)}`,
            `${inner}  do:`,
            ...this.#steps(steps, `${inner}    `),
          ]),
        ];
    }
  }

  #size(size: FittedSize): string {
    if (size.kind !== "sampled") return drawText(size, wholeText);
    const { of, factor, offset } = size;
    const times = factor === 1 ? "" : ` * ${plain(Math.abs(factor))}`;
    const more = offset === 0 ? "" : ` ${offset < 0 ? "-" : "+"} ${plain(Math.abs(offset))}`;
    return `${factor < 0 ? "0 - " : ""}${this.#names.ofSize(of)}${times}${more}`;
  }

  /** Samples of the sizes, and of which case they were drawn by where something asks for it. */
  #draw(joint: JointDraw, indent: string): string[] {
    const { cases, lives } = joint;
    const samples = (index: number, inner: string) => [
      ...[...(cases[index]?.draws ?? [])].flatMap(([blocks, draw]) =>
        flow(`sample: ${this.#names.ofSize(blocks)}, from: `, drawText(draw, wholeText), inner),
      ),
      ...(lives.size === 0 ? [] : cases).map((_, other) => {
        return `${inner}- { sample: ${this.#caseName(joint, other)}, from: ${other === index ? 1 : 0} }`;
      }),
    ];
    if (cases.length === 1) return samples(0, indent);
    return [
      `${indent}- choose:`,
      ...cases.flatMap(({ weight }, index) => [
        `${indent}    - weight: ${plain(weight)}`,
        `${indent}      do:`,
        ...samples(index, `${indent}        `),
      ]),
    ];
  }

  #caseName({ cases }: JointDraw, index: number): string {
    const [source] = cases[0]?.draws.keys() ?? [];
    return `${source ? this.#names.ofSize(source) : ""}_case_${index + 1}`;
  }

  #orElse(): string {
    return this.#frees ? ", orElse: []" : "";
  }

  #keep({ blocks, lifetime }: Extract<FittedStep, { step: "keep" }>, indent: string): string[] {
    const name = this.#names.ofBlocks(blocks);
    const { leakRatio, draw } = lifetime;
    if (leakRatio >= 1) return [`${indent}- { leak: ${name} }`];
    const leak = leakRatio > 0 ? [`${indent}- { leak: ${name}, chance: ${shareText(leakRatio)} }`] : [];
    return [...leak, ...flow(`keep: ${name}, for: `, drawText(draw, timeText), indent)];
  }

  #queue({ blocks, queue }: Extract<FittedStep, { step: "send" }>): string {
    const shared = this.queues.find((known) => known.queue === queue);
    if (shared) return shared.name;
    const name = `${this.#names.ofBlocks(blocks)}-queue`;
    if (!this.queues.some((known) => known.name === name)) this.queues.push({ name, queue });
    return name;
  }

  /** The tasks that serve the queues. */
  servers(): string[] {
    return this.queues.flatMap(({ name, queue }) => [
      `  ${this.#names.give(`${name.slice(0, SERVED_CHARACTERS_MOST)} server`)}:`,
      "    loop: true",
      "    do:",
      `      - { receive: ${name}, as: block }`,
      ...flow("wait: ", drawText(queue.service, timeText), "      "),
      "      - { free: block }",
      "",
    ]);
  }

  #cache({ blocks, cache }: Extract<FittedStep, { step: "cache" }>): string {
    const shared = this.caches.find((known) => known.cache === cache);
    if (shared) return shared.name;
    const name = `${this.#names.ofBlocks(blocks)}-cache`;
    if (!this.caches.some((known) => known.name === name)) this.caches.push({ name, cache });
    return name;
  }
}

function hasFree(steps: readonly FittedStep[]): boolean {
  return steps.some((step) => {
    if (step.step === "repeat" || step.step === "chance" || step.step === "in-case") return hasFree(step.steps);
    return step.step === "free" || (step.step === "choose" && step.options.some((option) => hasFree(option.steps)));
  });
}

/** `- { BEFORE DRAW AFTER }`, a long choice wrapped. */
function flow(before: string, draw: string, indent: string, after = ""): string[] {
  return wrapped(`${indent}- { ${before}`, draw, indent, `${after} }`);
}

/** `BEFORE DRAW AFTER`, a long choice on several lines, the further ones deeper than `indent`. */
export function wrapped(before: string, draw: string, indent: string, after = ""): string[] {
  const lines: string[] = [];
  let line = before;
  for (const [index, part] of draw.split(", ").entries()) {
    const piece = index === 0 ? part : `, ${part}`;
    if (line.length + piece.length > LINE_CHARACTERS_MOST && index > 0) {
      lines.push(`${line},`);
      line = `${indent}    ${part}`;
    } else line += piece;
  }
  return [...lines, `${line}${after}`];
}

function startLines(start: FittedStart): string[] {
  switch (start.kind) {
    case "at":
      return [`at: ${timeText(start.atUs, PERIOD_DIGITS)}`];
    case "loop":
      return ["loop: true"];
    case "mode":
      return [`on: ${EPISODE}`];
    case "poisson":
      return [
        `poisson: ${rateText(start.perSecond)}`,
        ...(start.hourly ? [`rate: { hourly: [${start.hourly.map(plain).join(", ")}] }`] : []),
      ];
    case "every": {
      const digits = start.gap.kind === "constant" ? PERIOD_DIGITS : DIGITS;
      return [
        ...wrapped(
          "every: ",
          drawText(start.gap, (us) => timeText(us, digits)),
          "",
        ),
        ...(start.jitterRatio > 0 ? [`jitter: ${shareText(start.jitterRatio, JITTER_DIGITS)}`] : []),
        ...(start.firstUs >= 1
          ? [`start: ${timeText(Math.round(start.firstUs), start.jitterRatio > 0 ? DIGITS : PERIOD_DIGITS)}`]
          : []),
      ];
    }
  }
}

/** What the trace says of the activity, behind its name. */
function comment({ starts, leader, classes }: FittedActivity): string {
  const from = [leader.site, leader.sizes].filter((text) => text !== "").map(shown);
  const others = classes.length > 1 ? ` and ${classes.length - 1} more` : "";
  const times = Math.round(starts);
  return ` # ${times} ${times === 1 ? "start" : "starts"} seen; ${from.join(" ")}${others}`;
}
