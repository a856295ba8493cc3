import { wholeFrame } from "../device/frames.ts";
import type { DocumentPath } from "../yaml-document.ts";
import type { FailurePolicy, Step } from "./model.ts";
import type { Reading } from "./reading.ts";
import type { PolicyDocument } from "./schema.ts";
import type { NestedSteps, StepDocument, StepDocumentOf } from "./step-schema.ts";

/** The task or interrupt that the steps belong to, as far as they need it. */
export interface StepOwner {
  /** Heaps where a step does not say. */
  readonly heaps: readonly string[];
  readonly policy?: FailurePolicy;
  /** By heap: what to do where neither step nor task say. */
  readonly heapPolicies: ReadonlyMap<string, FailurePolicy>;
}

/** The steps of a task or interrupt, with every default filled in. */
export function buildSteps(
  reading: Reading,
  owner: StepOwner,
  steps: readonly StepDocument[],
  path: DocumentPath,
): Step[] {
  return steps.map((step, index) => new StepBuilder(reading, owner, [...path, index]).build(step));
}

class StepBuilder {
  readonly #reading: Reading;
  readonly #owner: StepOwner;
  readonly #path: DocumentPath;

  constructor(reading: Reading, owner: StepOwner, path: DocumentPath) {
    this.#reading = reading;
    this.#owner = owner;
    this.#path = path;
  }

  build(step: StepDocument): Step {
    return this.#heapStep(step) ?? this.#ownershipStep(step) ?? this.#timeStep(step) ?? this.#controlStep(step);
  }

  #heapStep(step: StepDocument): Step | undefined {
    if ("allocate" in step) return this.#allocate(step);
    if ("free" in step) return { ...this.#place("free", step.free), step: "free", name: step.free };
    if ("reallocate" in step) {
      const { reallocate: name, size } = step;
      const place = this.#place("reallocate", name);
      return { ...place, step: "reallocate", name, size: this.#amount(size, "size"), ...this.#request(step) };
    }
    return "grow" in step ? this.#grow(step) : undefined;
  }

  #allocate(step: StepDocumentOf<"allocate">): Step {
    const { allocate: name, size, align, orElse } = step;
    if (orElse && step.onAllocationFailure) {
      this.#reading.issues.add([...this.#path, "orElse"], "orElse and onAllocationFailure exclude each other");
    }
    return {
      ...this.#place("allocate", name),
      step: "allocate",
      name,
      size: this.#amount(size, "size"),
      ...(align !== undefined && { alignment: align }),
      ...(orElse && { orElse: this.#nested(orElse, "orElse") }),
      ...this.#request(step),
    };
  }

  #grow(step: StepDocumentOf<"grow">): Step {
    const { grow: name, by, policy, reserve, until } = step;
    return {
      ...this.#place("grow", name),
      step: "grow",
      name,
      by: this.#amount(by, "by"),
      growth: policy,
      ...(reserve && { reserve: this.#amount(reserve, "reserve") }),
      ...(until && { until: this.#amount(until, "until") }),
      ...this.#request(step),
    };
  }

  #ownershipStep(step: StepDocument): Step | undefined {
    const reading = this.#reading;
    if ("keep" in step) {
      const { keep: name } = step;
      return { ...this.#place("keep", name), step: "keep", name, us: reading.draw(step.for, [...this.#path, "for"]) };
    }
    if ("cache" in step) {
      const cache = reading.resolved("caches", step.in, [...this.#path, "in"]);
      return { ...this.#place("cache", step.cache), step: "cache", name: step.cache, in: cache };
    }
    if ("share" in step) return { ...this.#place("share", step.share), step: "share", name: step.share, as: step.as };
    if ("drop" in step) return { ...this.#place("drop", step.drop), step: "drop", name: step.drop };
    if ("refer" in step) return { ...this.#place("refer", step.refer), step: "refer", name: step.refer, to: step.to };
    if ("leak" in step) {
      return { ...this.#place("leak", step.leak), step: "leak", name: step.leak, probability: step.chance };
    }
    if ("misuse" in step) {
      const { misuse, of: name, bytes } = step;
      return { ...this.#place(misuse, name), step: "misuse", misuse, name, bytes };
    }
    return undefined;
  }

  #timeStep(step: StepDocument): Step | undefined {
    const reading = this.#reading;
    if ("work" in step) {
      return { ...this.#place("work"), step: "work", us: reading.draw(step.work, [...this.#path, "work"]) };
    }
    if ("wait" in step) {
      return { ...this.#place("wait"), step: "wait", us: reading.draw(step.wait, [...this.#path, "wait"]) };
    }
    if ("send" in step) {
      const to = reading.resolved("queues", step.to, [...this.#path, "to"]);
      return { ...this.#place("send", step.send), step: "send", name: step.send, to };
    }
    if ("receive" in step) return this.#receive(step);
    if ("until" in step && !("grow" in step)) {
      const mode = reading.resolved("modes", step.until, [...this.#path, "until"]);
      return { ...this.#place("until", mode), step: "until", mode };
    }
    return undefined;
  }

  #receive(step: StepDocumentOf<"receive">): Step {
    const { receive, as, timeout, onTimeout } = step;
    const queue = this.#reading.resolved("queues", receive, [...this.#path, "receive"]);
    return {
      ...this.#place("receive", receive),
      step: "receive",
      queue,
      as,
      ...(timeout && { timeoutUs: this.#reading.draw(timeout, [...this.#path, "timeout"]) }),
      onTimeout,
    };
  }

  #controlStep(step: StepDocument): Step {
    if ("call" in step) {
      const { call: name, raii } = step;
      const frame = wholeFrame(this.#reading.device, step.frame);
      const touchBytes = this.#touched(step);
      const steps = this.#nested(step.do, "do");
      return { ...this.#place("call", name), step: "call", name, frame, touchBytes, raii, steps };
    }
    if ("recurse" in step) {
      const { recurse: name } = step;
      const frame = wholeFrame(this.#reading.device, step.frame);
      const depth = this.#amount(step.depth, "depth");
      const steps = this.#nested(step.do, "do");
      return {
        ...this.#place("recurse", name),
        step: "recurse",
        name,
        frame,
        touchBytes: this.#touched(step),
        depth,
        steps,
      };
    }
    if ("repeat" in step) {
      const count = this.#amount(step.repeat, "repeat");
      return { ...this.#place("repeat"), step: "repeat", count, steps: this.#nested(step.do, "do") };
    }
    if ("chance" in step && "do" in step) {
      const steps = this.#nested(step.do, "do");
      const otherwise = this.#nested(step.else, "else");
      return { ...this.#place("chance"), step: "chance", probability: step.chance, steps, otherwise };
    }
    if ("choose" in step) return this.#choose(step);
    if ("sample" in step) {
      const from = this.#reading.draw(step.from, [...this.#path, "from"]);
      return { ...this.#place("sample", step.sample), step: "sample", name: step.sample, from };
    }
    return this.#lifeStep(step as StepDocumentOf<"spawn" | "exit" | "reboot">);
  }

  #lifeStep(step: StepDocumentOf<"spawn" | "exit" | "reboot">): Step {
    if ("spawn" in step) {
      const task = this.#reading.resolved("tasks", step.spawn, [...this.#path, "spawn"]);
      const [from = ""] = this.#heaps(step.from === undefined ? undefined : [step.from], "from");
      return {
        ...this.#place("spawn", task),
        step: "spawn",
        task,
        from,
        policy: this.#policy([from], step.onAllocationFailure),
      };
    }
    if ("exit" in step) return { ...this.#place("exit"), step: "exit" };
    const temperature = step.reboot === true ? "warm" : step.reboot;
    if (step.fill !== undefined && temperature === "warm") {
      this.#reading.issues.add([...this.#path, "fill"], "a warm reboot keeps the RAM; write `reboot: cold` to fill it");
    }
    const fill = step.fill === undefined ? {} : { fill: step.fill };
    return { ...this.#place("reboot"), step: "reboot", temperature, ...fill };
  }

  #choose(step: StepDocumentOf<"choose">): Step {
    const options = step.choose.map((branch, index) => ({
      weight: branch.weight,
      steps: buildSteps(this.#reading, this.#owner, branch.do.list, [...this.#path, "choose", index, "do"]),
    }));
    return { ...this.#place("choose"), step: "choose", options };
  }

  #nested(steps: NestedSteps | undefined, key: string): Step[] {
    return buildSteps(this.#reading, this.#owner, steps?.list ?? [], [...this.#path, key]);
  }

  #touched({ frame, touch }: { frame: number; touch: number | "all" | "none" }): number {
    if (touch === "all") return frame;
    if (touch === "none") return 0;
    if (touch <= frame) return touch;
    this.#reading.issues.add([...this.#path, "touch"], `is ${touch}, more than the frame's ${frame} bytes`);
    return frame;
  }

  #amount(amount: Parameters<Reading["amount"]>[0], key: string) {
    return this.#reading.amount(amount, [...this.#path, key]);
  }

  #request(step: { heap?: readonly string[] | undefined; onAllocationFailure?: PolicyDocument | undefined }) {
    const heaps = this.#heaps(step.heap, "heap");
    return { heaps, policy: this.#policy(heaps, step.onAllocationFailure) };
  }

  #heaps(named: readonly string[] | undefined, key: string): readonly string[] {
    if (named) return named.map((heap) => this.#reading.resolved("heaps", heap, [...this.#path, key]));
    if (this.#owner.heaps.length === 0) this.#reading.issues.add(this.#path, "the scenario has no heap");
    return this.#owner.heaps;
  }

  /** Step over task over heap over `crash`. */
  #policy(heaps: readonly string[], own: PolicyDocument | undefined): FailurePolicy {
    const path = [...this.#path, "onAllocationFailure"];
    const ofHeap = this.#owner.heapPolicies.get(heaps[0] ?? "");
    return this.#reading.policy(own, path) ?? this.#owner.policy ?? ofHeap ?? { kind: "crash" };
  }

  #place(...label: string[]): { path: DocumentPath; label: string; line: number } {
    return { path: this.#path, label: label.join(" "), line: this.#reading.lineOf(this.#path) };
  }
}
