/** The steps of a task or an interrupt as instructions (program-map.ts says what each does). */
import {
  GrowthKind,
  INSTRUCTION_STEP_SHIFT,
  Instruction,
  MisuseKind,
  PolicyKind,
  TimeoutKind,
} from "../../assembly/soak/program-map.ts";
import type { Draw, FailurePolicy, Step } from "../scenario/model.ts";
import {
  type AmountOperands,
  cumulativeShares,
  drawOperands,
  NOTHING,
  type StreamNumbers,
  timeOperands,
  wholeOperands,
} from "./compiler-amounts.ts";
import { type ImageBuilder, Label, type Operand, Reference, realWords } from "./compiler-image.ts";
import { type ProgramNumbers, pathText } from "./compiler-numbers.ts";

type StepOf<K extends Step["step"]> = Extract<Step, { readonly step: K }>;

/** What the names of a scenario stand for. */
export interface Indices {
  readonly heap: (name: string) => number;
  readonly queue: (name: string) => number;
  readonly cache: (name: string) => number;
  readonly mode: (name: string) => number;
  /** The contexts that serve a spawnable task. */
  readonly spawnable: (task: string) => { readonly first: number; readonly count: number };
}

const GROWTH = {
  double: GrowthKind.Double,
  "half-again": GrowthKind.HalfAgain,
  exact: GrowthKind.Exact,
} as const satisfies Record<StepOf<"grow">["growth"], GrowthKind>;

const MISUSE = {
  "double-free": MisuseKind.DoubleFree,
  "use-after-free": MisuseKind.UseAfterFree,
  overrun: MisuseKind.Overrun,
} as const satisfies Record<StepOf<"misuse">["misuse"], MisuseKind>;

const POLICY = {
  crash: PolicyKind.Crash,
  drop: PolicyKind.Drop,
  reboot: PolicyKind.Reboot,
  retry: PolicyKind.Retry,
} as const satisfies Record<FailurePolicy["kind"], PolicyKind>;

/** A block of steps that is laid behind the program's end. */
interface Aside {
  readonly from: Label;
  readonly back: Label;
  readonly step: number;
  readonly steps: readonly Step[];
  readonly loops: number;
  readonly calls: number;
}

/** Writes one program. Everything it counts (names, streams, loops) is in `numbers`. */
export class StepCompiler {
  readonly #image: ImageBuilder;
  readonly #numbers: ProgramNumbers;
  readonly #indices: Indices;
  readonly #number: (step: Step) => number;
  readonly #asides: Aside[] = [];
  #loops = 0;
  #calls = 0;

  constructor(image: ImageBuilder, numbers: ProgramNumbers, indices: Indices, numberStep: (step: Step) => number) {
    this.#image = image;
    this.#numbers = numbers;
    this.#indices = indices;
    this.#number = numberStep;
  }

  /** The program of an activation. Returns the position of its first instruction; `start` is its own step's number. */
  program(steps: readonly Step[], start: number): number {
    const { position } = this.#image;
    this.#block(steps);
    this.#emit(start, Instruction.End);
    for (let aside = this.#asides.shift(); aside; aside = this.#asides.shift()) this.#aside(aside);
    return position;
  }

  #block(steps: readonly Step[]): void {
    for (const step of steps) this.#step(this.#number(step), step);
  }

  #aside({ from, back, step, steps, loops, calls }: Aside): void {
    this.#loops = loops;
    this.#calls = calls;
    this.#image.place(from);
    this.#block(steps);
    this.#emit(step, Instruction.Jump, to(back));
  }

  #step(number: number, step: Step): void {
    if (step.step === "allocate") this.#allocate(number, step);
    else if (step.step === "call") this.#call(number, step);
    else if (step.step === "recurse") this.#recurse(number, step);
    else if (step.step === "repeat") this.#repeat(number, step);
    else if (step.step === "chance") this.#chance(number, step);
    else if (step.step === "choose") this.#choose(number, step);
    else if (step.step === "leak") this.#leak(number, step);
    else this.#emit(number, ...this.#plain(step));
  }

  /** Steps that are one instruction, whatever they say. */
  #plain(step: Exclude<Step, StepOf<Structured>>): [Instruction, ...Operand[]] {
    switch (step.step) {
      case "sample":
        return this.#sample(step);
      case "work":
        return [Instruction.Work, ...this.#time(step, step.us, "work")];
      case "wait":
        return [Instruction.Wait, ...this.#time(step, step.us, "wait")];
      case "until":
        return [Instruction.Until, this.#indices.mode(step.mode)];
      case "send":
        return [Instruction.Send, this.#name(step.name), this.#indices.queue(step.to)];
      case "keep":
        return [Instruction.Keep, this.#name(step.name), ...this.#time(step, step.us, "for")];
      case "cache":
        return [Instruction.Cache, this.#name(step.name), this.#indices.cache(step.in)];
      case "exit":
        return [Instruction.Exit];
      case "reboot":
        return [Instruction.Reboot, step.temperature === "cold" ? 1 : 0, step.fill ?? 0];
      case "misuse":
        return [Instruction.Misuse, MISUSE[step.misuse], this.#name(step.name), step.bytes];
      case "reallocate":
      case "grow":
      case "spawn":
        return this.#request(step);
      case "receive":
        return this.#receive(step);
      default:
        return this.#ofNames(step);
    }
  }

  #ofNames(step: StepOf<"free" | "share" | "drop" | "refer">): [Instruction, ...Operand[]] {
    switch (step.step) {
      case "free":
        return [Instruction.Free, this.#name(step.name)];
      case "drop":
        return [Instruction.Drop, this.#name(step.name)];
      case "share":
        return [Instruction.Share, this.#name(step.name), this.#name(step.as)];
      case "refer":
        return [Instruction.Refer, this.#name(step.name), this.#name(step.to)];
    }
  }

  #allocate(number: number, step: StepOf<"allocate">): void {
    const { orElse } = step;
    const from = new Label();
    const back = new Label();
    const name = this.#name(step.name);
    const size = this.#whole(step, step.size, "size");
    const policy = this.#policy(step, step.policy);
    const otherwise = orElse ? to(from) : 0;
    this.#emit(number, Instruction.Allocate, name, ...size, this.#heaps(step), step.alignment ?? 0, policy, otherwise);
    this.#image.place(back);
    if (!orElse) return;
    this.#asides.push({ from, back, step: number, steps: orElse, loops: this.#loops, calls: this.#calls });
  }

  /** Steps besides `allocate` that ask a heap for memory. */
  #request(step: StepOf<"reallocate" | "grow" | "spawn">): [Instruction, ...Operand[]] {
    if (step.step === "spawn") {
      const { first, count } = this.#indices.spawnable(step.task);
      return [Instruction.Spawn, first, count, this.#indices.heap(step.from), this.#policy(step, step.policy)];
    }
    const name = this.#name(step.name);
    const where = [this.#heaps(step), this.#policy(step, step.policy)];
    if (step.step === "reallocate")
      return [Instruction.Reallocate, name, ...this.#whole(step, step.size, "size"), ...where];
    const by = this.#whole(step, step.by, "by");
    const reserve = step.reserve ? this.#whole(step, step.reserve, "reserve") : NOTHING;
    const until = step.until ? this.#whole(step, step.until, "until") : NOTHING;
    return [Instruction.Grow, name, ...by, GROWTH[step.growth], ...reserve, ...until, ...where];
  }

  #call(number: number, step: StepOf<"call">): void {
    this.#emit(number, Instruction.Enter, step.frame, step.touchBytes, step.raii ? 1 : 0);
    this.#insideCall(step.steps);
    this.#emit(number, Instruction.Leave);
  }

  #recurse(number: number, step: StepOf<"recurse">): void {
    const depth = this.#whole(step, step.depth, "depth");
    if (isConstant(depth, 0)) return;
    const end = new Label();
    const local = this.#openLoop();
    this.#emit(number, Instruction.Recurse, ...depth, step.frame, step.touchBytes, to(end), local);
    const body = this.#here();
    this.#insideCall(step.steps);
    this.#emit(number, Instruction.RecurseNext, to(body), local);
    this.#image.place(end);
    this.#loops--;
  }

  #repeat(number: number, step: StepOf<"repeat">): void {
    const count = this.#whole(step, step.count, "repeat");
    if (isConstant(count, 0)) return;
    const end = new Label();
    const local = this.#openLoop();
    this.#emit(number, Instruction.Repeat, local, ...count, to(end));
    const body = this.#here();
    this.#block(step.steps);
    this.#emit(number, Instruction.Loop, local, to(body));
    this.#image.place(end);
    this.#loops--;
  }

  #chance(number: number, { path, probability, steps, otherwise }: StepOf<"chance">): void {
    if (probability >= 1 || probability <= 0) {
      this.#block(probability >= 1 ? steps : otherwise);
      return;
    }
    const end = new Label();
    const missed = otherwise.length > 0 ? new Label() : end;
    const site = this.#numbers.site(sitePath(path, "chance"));
    this.#emit(number, Instruction.Chance, ...realWords(probability), site, to(missed));
    this.#block(steps);
    if (otherwise.length > 0) {
      this.#emit(number, Instruction.Jump, to(end));
      this.#image.place(missed);
      this.#block(otherwise);
    }
    this.#image.place(end);
  }

  #choose(number: number, { path, options }: StepOf<"choose">): void {
    const possible = options.filter(({ weight }) => weight > 0);
    if (possible.length <= 1) {
      for (const { steps } of possible) this.#block(steps);
      return;
    }
    const shares = cumulativeShares(possible.map(({ weight }) => weight));
    const labels = possible.map(() => new Label());
    const table = labels.flatMap((label, index) => [...realWords(shares[index] ?? 1), to(label)]);
    const site = this.#numbers.site(sitePath(path, "choose"));
    this.#emit(number, Instruction.Choose, site, possible.length, ...table);
    this.#options(number, possible, labels);
  }

  #options(number: number, options: StepOf<"choose">["options"], labels: readonly Label[]): void {
    const end = new Label();
    for (const [index, { steps }] of options.entries()) {
      this.#image.place(labels[index] ?? end);
      this.#block(steps);
      if (index < options.length - 1) this.#emit(number, Instruction.Jump, to(end));
    }
    this.#image.place(end);
  }

  #sample(step: StepOf<"sample">): [Instruction, ...Operand[]] {
    const number = this.#numbers.number(step.name);
    const from = drawOperands(this.#image, this.#numbers, step.from, "real", sitePath(step.path, "from"));
    return [Instruction.Sample, number, ...from];
  }

  #receive(step: StepOf<"receive">): [Instruction, ...Operand[]] {
    const timeout = step.timeoutUs ? this.#time(step, step.timeoutUs, "timeout") : NOTHING;
    const atTimeout = step.onTimeout === "end" ? TimeoutKind.End : TimeoutKind.Continue;
    const kind = step.timeoutUs ? atTimeout : TimeoutKind.None;
    return [Instruction.Receive, this.#indices.queue(step.queue), this.#name(step.as), ...timeout, kind];
  }

  #leak(number: number, { path, name, probability }: StepOf<"leak">): void {
    if (probability <= 0) return;
    const site = this.#numbers.site(sitePath(path, "chance"));
    this.#emit(number, Instruction.Leak, this.#name(name), ...realWords(Math.min(probability, 1)), site);
  }

  #insideCall(steps: readonly Step[]): void {
    this.#calls++;
    this.#numbers.noteCalls(this.#calls);
    this.#block(steps);
    this.#calls--;
  }

  /** The local of a loop that begins here; loops side by side share one. */
  #openLoop(): number {
    const local = this.#loops++;
    this.#numbers.noteLoops(this.#loops);
    return local;
  }

  #here(): Label {
    const label = new Label();
    this.#image.place(label);
    return label;
  }

  #name(name: string): number {
    return this.#numbers.name(name);
  }

  /** The index of the step's only heap, or the address of the list of those to be tried. */
  #heaps({ heaps }: { readonly heaps: readonly string[] }): Operand {
    const indices = heaps.map(this.#indices.heap);
    const [only = 0] = indices;
    if (indices.length <= 1) return only;
    return to(this.#image.record(`heaps ${indices.join()}`, () => [indices.length, ...indices]));
  }

  #policy(step: Step, policy: FailurePolicy): Operand {
    const words = this.#policyWords(step, policy);
    const key = `policy ${JSON.stringify(policy)} ${typeof words[2] === "number" ? words[2] : ""}`;
    return to(this.#image.record(key, () => words));
  }

  /** In the order of PolicyField. */
  #policyWords(step: Step, policy: FailurePolicy): Operand[] {
    if (policy.kind !== "retry") return [POLICY[policy.kind], ...NOTHING, 0, 0];
    const delay = this.#time(step, policy.retryAfterUs, "retryAfter");
    return [PolicyKind.Retry, ...delay, policy.times, POLICY[policy.then]];
  }

  #time({ path }: Step, draw: Draw, key: string): AmountOperands {
    return timeOperands(this.#image, this.#streams, draw, sitePath(path, key));
  }

  #whole({ path }: Step, amount: Parameters<typeof wholeOperands>[2], key: string): AmountOperands {
    return wholeOperands(this.#image, this.#streams, amount, sitePath(path, key));
  }

  get #streams(): StreamNumbers {
    return this.#numbers;
  }

  #emit(step: number, code: Instruction, ...operands: readonly Operand[]): void {
    this.#image.write([((step << INSTRUCTION_STEP_SHIFT) | code) >>> 0, ...operands]);
  }
}

/** Steps that `#plain` does not see. */
type Structured = "allocate" | "call" | "recurse" | "repeat" | "chance" | "choose" | "leak";

function to(label: Label): Reference {
  return new Reference(label);
}

function isConstant([draw, value]: AmountOperands, wanted: number): boolean {
  return draw === 0 && value === wanted;
}

/** A draw site by its place within its task: `do[2].size`. */
function sitePath(path: Step["path"], key: string): string {
  return `${pathText(path.slice(2))}.${key}`;
}
