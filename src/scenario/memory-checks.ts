import { type MemoryRequest, planMemory } from "../device/memory-plan.ts";
import { HeapsoakError } from "../errors.ts";
import type { DocumentPath } from "../yaml-document.ts";
import { oneLine } from "./build.ts";
import { memoryRequest, stackOwners } from "./layout.ts";
import type { Scenario } from "./model.ts";
import type { Reading } from "./reading.ts";

/** Tasks of all instances together; more than that fit no device, and placing them takes the square of their number. */
const STACKS_MOST = 2000;

/** One thing that wants memory, and where the scenario says so. */
interface Wish {
  readonly path: DocumentPath;
  readonly request: MemoryRequest;
}

/** Refuses unknown regions, things that overlap and things that do not fit, each at its place. */
export function checkMemory(reading: Reading, scenario: Scenario): void {
  const owners = stackOwners(scenario);
  if (owners.length > STACKS_MOST) {
    reading.issues.add(["tasks"], `${owners.length} stacks with all instances, expected at most ${STACKS_MOST}`);
    return;
  }
  const wishes = wishesOf(scenario);
  const seen = new Set<string>();
  const alone = wishes.filter(({ path, request }) => {
    if (seen.has(path.join("."))) return false;
    seen.add(path.join("."));
    const problem = refusal(scenario, [request]);
    if (problem) reading.issues.add(path, problem);
    return problem !== undefined;
  });
  if (alone.length > 0) return;
  const all = refusal(
    scenario,
    wishes.map(({ request }) => request),
  );
  if (all === undefined) return;
  const first = firstRefused(scenario, wishes);
  reading.issues.add(first?.path ?? [], first?.problem ?? all);
}

/** The first wish that the ones before it leave no room for, by bisection. */
function firstRefused(
  scenario: Scenario,
  wishes: readonly Wish[],
): { path: DocumentPath; problem: string } | undefined {
  let fits = 0;
  let refused = wishes.length;
  while (refused - fits > 1) {
    const middle = (fits + refused) >> 1;
    if (refusal(scenario, requestsOf(wishes.slice(0, middle))) === undefined) fits = middle;
    else refused = middle;
  }
  const problem = refusal(scenario, requestsOf(wishes.slice(0, refused)));
  const path = wishes[refused - 1]?.path;
  return problem !== undefined && path ? { path, problem } : undefined;
}

function requestsOf(wishes: readonly Wish[]): MemoryRequest[] {
  return wishes.map(({ request }) => request);
}

function wishesOf(scenario: Scenario): Wish[] {
  const whole = memoryRequest(scenario);
  const paths = stackOwners(scenario).map(({ task }) =>
    task === undefined ? ["stacks", "interrupts"] : ["tasks", task, "stack"],
  );
  return [
    ...Object.entries(whole.static).map(([bank, bytes]) => ({
      path: ["static", bank],
      request: { static: { [bank]: bytes } },
    })),
    ...whole.heaps.map((heap) => ({ path: ["heaps", heap.name], request: { heaps: [heap] } })),
    ...whole.stacks.map((stack, index) => ({ path: paths[index] ?? [], request: { stacks: [stack] } })),
  ];
}

/** Why the device cannot hold the requests together, or undefined. */
function refusal({ device }: Scenario, requests: readonly MemoryRequest[]): string | undefined {
  try {
    planMemory(device, {
      staticUse: device.staticUse ?? [],
      static: Object.assign({}, ...requests.map((request) => request.static ?? {})),
      heaps: requests.flatMap((request) => request.heaps ?? []),
      stacks: requests.flatMap((request) => request.stacks ?? []),
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    return oneLine(error);
  }
}
