/** A compiled program as text, one instruction a line: for `heapsoak check --program` and for tests. */
import { DrawField, DrawKind } from "../../assembly/soak/draw-map.ts";
import {
  ExpressionOp,
  GrowthKind,
  INSTRUCTION_STEP_SHIFT,
  Instruction,
  MisuseKind,
  PolicyField,
  PolicyKind,
  TimeoutKind,
} from "../../assembly/soak/program-map.ts";
import type { CompiledContext, CompiledScenario } from "./compiled.ts";
import { wordsReal } from "./compiler-image.ts";

/** How an operand is read: an amount and a real take two words, the rest one. `options` is the table of a choice. */
type OperandKind =
  | "amount"
  | "time"
  | "real"
  | "count"
  | "name"
  | "sample"
  | "local"
  | "heaps"
  | "policy"
  | "target"
  | "orElse"
  | "queue"
  | "cache"
  | "mode"
  | "context"
  | "site"
  | "draw"
  | "growth"
  | "timeout"
  | "misuse"
  | "options";

interface Form {
  readonly mnemonic: string;
  readonly operands: readonly OperandKind[];
}

const FORMS: { readonly [K in Instruction]: Form } = {
  [Instruction.End]: form("end"),
  [Instruction.Allocate]: form("allocate", "name", "amount", "heaps", "count", "policy", "orElse"),
  [Instruction.Free]: form("free", "name"),
  [Instruction.Reallocate]: form("reallocate", "name", "amount", "heaps", "policy"),
  [Instruction.Grow]: form("grow", "name", "amount", "growth", "amount", "amount", "heaps", "policy"),
  [Instruction.Enter]: form("enter", "count", "count", "count"),
  [Instruction.Leave]: form("leave"),
  [Instruction.Recurse]: form("recurse", "amount", "count", "count", "target", "local"),
  [Instruction.RecurseNext]: form("recurse-next", "target", "local"),
  [Instruction.Repeat]: form("repeat", "local", "amount", "target"),
  [Instruction.Loop]: form("loop", "local", "target"),
  [Instruction.Chance]: form("chance", "real", "site", "target"),
  [Instruction.Jump]: form("jump", "target"),
  [Instruction.Choose]: form("choose", "site", "options"),
  [Instruction.Sample]: form("sample", "sample", "draw"),
  [Instruction.Work]: form("work", "time"),
  [Instruction.Wait]: form("wait", "time"),
  [Instruction.Until]: form("until", "mode"),
  [Instruction.Send]: form("send", "name", "queue"),
  [Instruction.Receive]: form("receive", "queue", "name", "time", "timeout"),
  [Instruction.Keep]: form("keep", "name", "time"),
  [Instruction.Cache]: form("cache", "name", "cache"),
  [Instruction.Spawn]: form("spawn", "context", "count", "heaps", "policy"),
  [Instruction.Exit]: form("exit"),
  [Instruction.Share]: form("share", "name", "name"),
  [Instruction.Drop]: form("drop", "name"),
  [Instruction.Refer]: form("refer", "name", "name"),
  [Instruction.Leak]: form("leak", "name", "real", "site"),
  [Instruction.Misuse]: form("misuse", "misuse", "name", "count"),
  [Instruction.Reboot]: form("reboot", "count", "count"),
};

const GROWTH: { readonly [K in GrowthKind]: string } = {
  [GrowthKind.Double]: "double",
  [GrowthKind.HalfAgain]: "half-again",
  [GrowthKind.Exact]: "exact",
};
const TIMEOUT: { readonly [K in TimeoutKind]: string } = {
  [TimeoutKind.None]: "for-ever",
  [TimeoutKind.End]: "else-end",
  [TimeoutKind.Continue]: "else-continue",
};
const MISUSE: { readonly [K in MisuseKind]: string } = {
  [MisuseKind.DoubleFree]: "double-free",
  [MisuseKind.UseAfterFree]: "use-after-free",
  [MisuseKind.Overrun]: "overrun",
};
const POLICY: { readonly [K in PolicyKind]: string } = {
  [PolicyKind.Crash]: "crash",
  [PolicyKind.Drop]: "drop",
  [PolicyKind.Reboot]: "reboot",
  [PolicyKind.Retry]: "retry",
};
const DRAW: { readonly [K in DrawKind]: string } = {
  [DrawKind.Constant]: "constant",
  [DrawKind.Uniform]: "uniform",
  [DrawKind.UniformWhole]: "uniform-whole",
  [DrawKind.Normal]: "normal",
  [DrawKind.Lognormal]: "lognormal",
  [DrawKind.Exponential]: "exponential",
  [DrawKind.Pareto]: "pareto",
  [DrawKind.Geometric]: "geometric",
  [DrawKind.Choice]: "choice",
  [DrawKind.Empirical]: "empirical",
};
const OPERATORS: Readonly<Record<number, string>> = {
  [ExpressionOp.Add]: "+",
  [ExpressionOp.Subtract]: "-",
  [ExpressionOp.Multiply]: "*",
  [ExpressionOp.Divide]: "/",
};

/** The listing of the program that the contexts called `name` run. Empty where there is none. */
export function disassemble(compiled: CompiledScenario, name: string): string[] {
  const context = compiled.contexts.find((candidate) => candidate.name === name);
  return context ? new Listing(compiled, context).lines() : [];
}

function form(mnemonic: string, ...operands: OperandKind[]): Form {
  return { mnemonic, operands };
}

class Listing {
  readonly #compiled: CompiledScenario;
  readonly #context: CompiledContext;
  /** By the word that refers, the word it refers to. */
  readonly #targets: ReadonlyMap<number, number>;
  #at = 0;

  constructor(compiled: CompiledScenario, context: CompiledContext) {
    this.#compiled = compiled;
    this.#context = context;
    this.#targets = new Map(compiled.image.relocations.map(({ at, target }) => [at, target]));
  }

  lines(): string[] {
    const { program, programEnd } = this.#context;
    const lines: string[] = [];
    for (this.#at = program; this.#at < programEnd; ) lines.push(this.#line());
    return lines;
  }

  /** Place within the program, instruction and operands, and the step it belongs to. */
  #line(): string {
    const place = String(this.#place(this.#at)).padStart(4);
    const word = this.#next();
    const { mnemonic, operands } = FORMS[(word & 0xff) as Instruction];
    const step = this.#compiled.steps[word >>> INSTRUCTION_STEP_SHIFT];
    const text = [mnemonic, ...operands.map((kind) => this.#operand(kind))].filter((part) => part !== "").join(" ");
    return `${place}  ${text.padEnd(48)} ; ${step?.path ?? "?"}`;
  }

  #operand(kind: OperandKind): string {
    if (kind === "amount" || kind === "time" || kind === "draw") return this.#amount(kind);
    if (kind === "real") return String(wordsReal(this.#next(), this.#next()));
    if (kind === "options") return this.#options();
    if (kind === "heaps") return this.#heaps();
    const at = this.#at;
    const word = this.#next();
    if (kind === "policy") return this.#policy(this.#targets.get(at) ?? 0);
    if (kind !== "target" && kind !== "orElse") return this.#single(kind, word);
    const target = this.#targets.get(at);
    if (target === undefined) return "";
    return kind === "orElse" ? `else →${this.#place(target)}` : `→${this.#place(target)}`;
  }

  /** Operands of one word that need no look elsewhere in the image. */
  #single(kind: OperandKind, word: number): string {
    const { queues, caches, modes, contexts } = this.#compiled;
    if (kind === "name") return this.#context.names[word] ?? "?";
    if (kind === "sample") return this.#context.samples[word] ?? "?";
    if (kind === "queue") return queues[word]?.name ?? "?";
    if (kind === "cache") return caches[word]?.name ?? "?";
    if (kind === "mode") return modes[word]?.name ?? "?";
    if (kind === "context") return contexts[word]?.name ?? "?";
    if (kind === "growth") return GROWTH[word as GrowthKind];
    if (kind === "timeout") return TIMEOUT[word as TimeoutKind];
    if (kind === "misuse") return MISUSE[word as MisuseKind];
    if (kind === "local") return `%${word}`;
    return kind === "site" ? `~${word}` : String(word);
  }

  #amount(kind: "amount" | "time" | "draw"): string {
    const at = this.#at;
    const unit = kind === "time" ? "us" : "";
    const [draw, site] = [this.#next(), this.#next()];
    const target = this.#targets.get(at);
    if (target === undefined) return draw === 0 ? `${site}${unit}` : "?";
    const isExpression = this.#compiled.image.relocations.some((one) => one.at === at && one.odd);
    return isExpression ? `(${this.#expression(target)})` : `${this.#draw(target)}${unit}~${site}`;
  }

  #draw(at: number): string {
    const real = (field: DrawField) => wordsReal(this.#word(at + field), this.#word(at + field + 1));
    const kind = this.#word(at + DrawField.Kind) as DrawKind;
    const isTable = kind === DrawKind.Choice || kind === DrawKind.Empirical;
    const values = isTable
      ? [`${this.#word(at + DrawField.TableCount)} values`]
      : [real(DrawField.A), real(DrawField.B)];
    const limits = [real(DrawField.Minimum), real(DrawField.Maximum)];
    const within = limits.some(Number.isFinite) ? ` in ${limits.join("..")}` : "";
    return `${DRAW[kind]}(${values.join(", ")}${within})`;
  }

  #expression(at: number): string {
    const parts: string[] = [];
    for (let next = at; ; next++) {
      const op = this.#word(next);
      if (op === ExpressionOp.End) return parts.join(" ");
      if (op === ExpressionOp.Number) parts.push(String(wordsReal(this.#word(++next), this.#word(++next))));
      else if (op === ExpressionOp.Name) parts.push(this.#context.samples[this.#word(++next)] ?? "?");
      else parts.push(OPERATORS[op] ?? "?");
    }
  }

  #policy(at: number): string {
    const kind = this.#word(at + PolicyField.Kind) as PolicyKind;
    if (kind !== PolicyKind.Retry) return POLICY[kind];
    const resume = this.#at;
    this.#at = at + PolicyField.DelayDraw;
    const delay = this.#amount("time");
    this.#at = resume;
    const then = POLICY[this.#word(at + PolicyField.Then) as PolicyKind];
    return `retry(${this.#word(at + PolicyField.Times)} × ${delay}, ${then})`;
  }

  #heaps(): string {
    const { heaps } = this.#compiled;
    const at = this.#targets.get(this.#at);
    const index = this.#next();
    if (at === undefined) return heaps[index]?.name ?? "?";
    const list = Array.from({ length: this.#word(at) }, (_, i) => heaps[this.#word(at + 1 + i)]?.name ?? "?");
    return `[${list.join(", ")}]`;
  }

  #options(): string {
    return Array.from({ length: this.#next() }, () => {
      const share = wordsReal(this.#next(), this.#next());
      const target = this.#targets.get(this.#at) ?? 0;
      this.#next();
      return `${share}→${this.#place(target)}`;
    }).join(" ");
  }

  #place(at: number): number {
    return at - this.#context.program;
  }

  #next(): number {
    return this.#word(this.#at++);
  }

  #word(at: number): number {
    return this.#compiled.image.words[at] ?? 0;
  }
}
