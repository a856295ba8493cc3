import { wholeFrame } from "../device/frames.ts";
import type { DocumentPath } from "../yaml-document.ts";
import { buildSteps, type StepOwner } from "./build-steps.ts";
import { lowerBound, meanOf, upperBound } from "./draws.ts";
import { buildStack, defaultStack } from "./guards.ts";
import type { Activation, FailurePolicy, InterruptModel, TaskModel } from "./model.ts";
import { RATE_MOST_PER_SECOND } from "./quantities.ts";
import type { Reading } from "./reading.ts";
import type { InterruptDocument, TaskDocument } from "./schema.ts";

type Policies = ReadonlyMap<string, FailurePolicy>;

export function buildTask(reading: Reading, heapPolicies: Policies, name: string, task: TaskDocument): TaskModel {
  const path = ["tasks", name];
  const activation = activationOf(reading, task, path) ?? (task.loop ? { kind: "loop" } : { kind: "spawned" });
  const policy = reading.policy(task.onAllocationFailure, [...path, "onAllocationFailure"]);
  const stack = task.stack ? buildStack(reading, task.stack, [...path, "stack"]) : defaultStack(reading);
  return {
    ...common(reading, heapPolicies, name, task, { path, activation, policy }),
    stack,
    instances: task.instances,
    overrun: task.overrun ?? (activation.kind === "poisson" ? "queue" : "catch-up"),
    ...(policy && { onAllocationFailure: policy }),
  };
}

export function buildInterrupt(
  reading: Reading,
  heapPolicies: Policies,
  name: string,
  interrupt: InterruptDocument,
): InterruptModel {
  const path = ["interrupts", name];
  const activation = activationOf(reading, interrupt, path);
  if (!activation) reading.issues.add(path, "never fires: give it one of every, poisson, at or on");
  const place = { path, activation: activation ?? ({ kind: "spawned" } as const), policy: undefined };
  return {
    ...common(reading, heapPolicies, name, interrupt, place),
    frame: wholeFrame(reading.device, interrupt.frame),
  };
}

interface Place {
  readonly path: DocumentPath;
  readonly activation: Activation;
  readonly policy: FailurePolicy | undefined;
}

function common(
  reading: Reading,
  heapPolicies: Policies,
  name: string,
  runnable: TaskDocument | InterruptDocument,
  { path, activation, policy }: Place,
) {
  const heaps = runnable.heap?.map((heap) => reading.resolved("heaps", heap, [...path, "heap"]));
  const owner: StepOwner = {
    heaps: heaps ?? reading.names("heaps").slice(0, 1),
    heapPolicies,
    ...(policy && { policy }),
  };
  const hourly = runnable.rate?.hourly;
  refuseTiming(reading, runnable, activation, path);
  return {
    name,
    path,
    priority: runnable.priority,
    activation,
    start: startOf(runnable.start),
    ...(hourly && { hourly }),
    fpu: runnable.fpu,
    steps: buildSteps(reading, owner, runnable.do, [...path, "do"]),
  };
}

function startOf(start: number | "random" | undefined): TaskModel["start"] {
  return start === "random" ? { kind: "random" } : { kind: "after", us: start ?? 0 };
}

/** Undefined where the file names no time to start. */
function activationOf(
  reading: Reading,
  runnable: TaskDocument | InterruptDocument,
  path: DocumentPath,
): Activation | undefined {
  const ways = ["every", "poisson", "at", "on", "loop"].filter(
    (way) => Object.hasOwn(runnable, way) && runnable[way as keyof typeof runnable] !== undefined,
  );
  if (ways.length > 1) reading.issues.add([...path, ways[1] ?? ""], `${ways.join(", ")} exclude each other`);
  const { every, poisson, at, on } = runnable;
  if (every) return { kind: "every", gapUs: reading.draw(every, [...path, "every"]), jitter: runnable.jitter ?? 0 };
  if (poisson !== undefined) return { kind: "poisson", perSecond: poisson };
  if (at !== undefined) return { kind: "at", atUs: at };
  return on === undefined ? undefined : { kind: "on", mode: reading.resolved("modes", on, [...path, "on"]) };
}

/** Periods and rates beyond what a device serves, and keys that mean nothing beside this way of starting. */
function refuseTiming(
  reading: Reading,
  runnable: TaskDocument | InterruptDocument,
  activation: Activation,
  path: DocumentPath,
): void {
  const { issues } = reading;
  const most = Math.max(1, ...(runnable.rate?.hourly ?? []));
  if (activation.kind === "every") {
    const { gapUs } = activation;
    const everyPath = [...path, "every"];
    if (upperBound(gapUs) <= 0) issues.add(everyPath, "a period of 0");
    else if (meanOf(gapUs) / most < 1) issues.add(everyPath, "more than 1000000 starts a second");
    if (activation.jitter > 0 && gapUs.kind !== "constant" && lowerBound(gapUs) !== upperBound(gapUs)) {
      issues.add([...path, "jitter"], "jitter is about a fixed grid; these gaps are drawn already");
    }
  } else if (runnable.jitter !== undefined) issues.add([...path, "jitter"], "jitter needs `every`");
  if (activation.kind === "poisson" && activation.perSecond * most > RATE_MOST_PER_SECOND) {
    issues.add([...path, "rate"], "the hourly factors lead to more than 1000000 starts a second");
  }
  if (runnable.rate && activation.kind !== "poisson" && activation.kind !== "every") {
    issues.add([...path, "rate"], "hourly factors need `every` or `poisson`");
  }
  refuseStart(reading, runnable, activation, path);
}

function refuseStart(
  reading: Reading,
  { start }: TaskDocument | InterruptDocument,
  activation: Activation,
  path: DocumentPath,
): void {
  if (start === undefined) return;
  const place = [...path, "start"];
  if (start === "random" && activation.kind !== "every") {
    reading.issues.add(place, "`random` is anywhere in the first period: it needs `every`");
  } else if (["at", "on", "spawned"].includes(activation.kind)) {
    reading.issues.add(place, "`start` moves the first of many starts: it needs every, poisson or loop");
  }
}
