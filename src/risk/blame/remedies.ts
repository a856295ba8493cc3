/** What to try against a refused request, each as a change of the scenario. */
import type { Draw, HeapModel, Scenario, Step } from "../../scenario/model.ts";
import { everyStep } from "../../scenario/step-walk.ts";
import { pathText } from "../../soak/compiler-numbers.ts";
import type { Census } from "./census.ts";
import type { BlameRecord, RemedyRecord } from "./record.ts";
import type { ScenarioRun } from "./scenario-run.ts";

/** A change that may help. */
export type Remedy = Pick<RemedyRecord, "kind" | "title" | "set"> & {
  /** Another allocator for the heap, which drops options that it does not have. */
  readonly allocator?: string;
};

/** Other allocators tried: the first two that the heap does not have already. */
const ALLOCATORS = ["tlsf", "umm-bestfit", "freertos-heap4"];
const ALLOCATORS_TRIED = 2;
/** Larger heaps tried, as shares of the heap. */
const LARGER = [1 / 16, 1 / 8];
const SIZE_STEP = 64;
/** Sites that are moved away, each on its own. */
const SITES_TRIED = 3;
/** A pool's static variables, which need room beside it. */
const POOL_STATE_BYTES = 16;
const POOL_ALIGNMENT = 8;

/** A step that allocates, and the name it fills. */
type Allocation = Extract<Step, { step: "allocate" }>;

interface Site {
  readonly number: number;
  readonly path: string;
  readonly task: string;
  readonly step: Allocation;
}

/** Remedies for the heap of the blame: for the sites that stand in the way most, for the site that asked, and for the heap. */
export function remediesFor(
  record: BlameRecord,
  { scenario, machine }: ScenarioRun,
  census: Census,
  askingStep: number | undefined,
): Remedy[] {
  const heap = scenario.heaps.find(({ name }) => name === record.heap);
  const bytes = heap?.parts.length === 1 ? heap.parts[0]?.bytes : undefined;
  if (!heap || bytes === undefined) return [];
  const { steps } = machine.compiled;
  const numbers = pinningSteps(record).map((text) => steps.findIndex((step) => `${step.path} ${step.label}` === text));
  const siteAt = (number: number) => siteOf(scenario, number, steps[number]?.path ?? "");
  const pinning = numbers.flatMap(siteAt).slice(0, SITES_TRIED);
  const asking = askingStep === undefined ? [] : siteAt(askingStep);
  return [
    ...pinning.flatMap((site) => poolRemedy(scenario, heap, bytes, site, census)),
    ...[...pinning, ...asking].flatMap((site) => staticRemedy(scenario, heap, bytes, site)),
    ...allocatorRemedies(heap),
    ...LARGER.map((share) => sizeRemedy(heap, bytes, share)),
  ];
}

/** Steps by how much they stand in the way: at the moment, then over the run. */
function pinningSteps({ moment, wholeRun }: BlameRecord): string[] {
  const atMoment = [...(moment?.set?.pins ?? []), ...(moment?.otherSet?.pins ?? [])];
  const overRun = (wholeRun?.sites ?? []).filter(({ limitingSamples }) => limitingSamples > 0);
  const steps = [...overRun, ...atMoment].flatMap(({ step }) => (step === null ? [] : [step]));
  return [...new Set(steps)];
}

function siteOf({ tasks, interrupts }: Scenario, number: number, path: string): Site[] {
  for (const { name, steps } of [...tasks, ...interrupts]) {
    for (const step of everyStep(steps)) {
      if (step.step === "allocate" && pathText(step.path) === path) return [{ number, path, task: name, step }];
    }
  }
  return [];
}

/** The site's blocks in a pool of their own, as many as were live at once; the heap gives up as much. */
function poolRemedy(scenario: Scenario, heap: HeapModel, heapBytes: number, site: Site, census: Census): Remedy[] {
  const { peakBlocks, largestBytes } = census.use(site.number);
  if (peakBlocks === 0 || isReallocated(scenario, site)) return [];
  const blockBytes = roundedUp(largestOf(site.step.size) ?? largestBytes, POOL_ALIGNMENT);
  const poolBytes = peakBlocks * blockBytes;
  const left = roundedDown(heapBytes - poolBytes - POOL_STATE_BYTES, POOL_ALIGNMENT);
  if (left <= 0) return [];
  const pool = unusedName(scenario);
  const region = heap.parts[0]?.region;
  return [
    {
      kind: "pool",
      title: `a pool for ${site.step.label.replace(/^allocate /, "")}: ${peakBlocks === 1 ? "1 block" : `${peakBlocks} blocks`} of ${blockBytes} B, and ${heap.name} of ${left} B`,
      set: {
        [`heaps.${pool}`]: {
          allocator: "fixed-pool",
          size: poolBytes,
          ...(region !== undefined && { region }),
          options: { blockBytes },
          ...(heap.isrSafe && { isrSafe: true }),
        },
        [`heaps.${heap.name}.size`]: left,
        [`${site.path}.heap`]: pool,
      },
    },
  ];
}

/** One block of one size that only its task allocates and frees: a static buffer, and the heap gives up as much. */
function staticRemedy({ tasks }: Scenario, heap: HeapModel, heapBytes: number, { path, task, step }: Site): Remedy[] {
  const owner = tasks.find(({ name, instances }) => name === task && instances === 1);
  if (!owner || step.size.kind !== "constant" || step.orElse) return [];
  const uses = [...everyStep(owner.steps)].filter(
    (one) => "name" in one && one.name === step.name && one.step !== "free",
  );
  const left = roundedDown(heapBytes - step.size.value, POOL_ALIGNMENT);
  if (uses.length !== 1 || left <= 0) return [];
  return [
    {
      kind: "static",
      title: `${step.name} as a static buffer of ${step.size.value} B, and ${heap.name} of ${left} B`,
      // To free a name that holds nothing does nothing and takes no time.
      set: { [path]: { free: step.name }, [`heaps.${heap.name}.size`]: left },
    },
  ];
}

function allocatorRemedies(heap: HeapModel): Remedy[] {
  const others = ALLOCATORS.filter((name) => name !== heap.allocator).slice(0, ALLOCATORS_TRIED);
  return others.map((allocator) => ({
    kind: "allocator",
    title: `${allocator} for ${heap.name}`,
    set: { [`heaps.${heap.name}.allocator`]: allocator },
    allocator,
  }));
}

function sizeRemedy(heap: HeapModel, heapBytes: number, share: number): Remedy {
  const bytes = roundedUp(heapBytes * (1 + share), SIZE_STEP);
  return { kind: "size", title: `${heap.name} of ${bytes} B`, set: { [`heaps.${heap.name}.size`]: bytes } };
}

function isReallocated({ tasks, interrupts }: Scenario, { task, step }: Site): boolean {
  const owner = [...tasks, ...interrupts].find(({ name }) => name === task);
  return [...everyStep(owner?.steps ?? [])].some(
    (one) => (one.step === "reallocate" || one.step === "grow") && one.name === step.name,
  );
}

/** The largest value that can be drawn; undefined: there is no end to it, or it is computed. */
function largestOf(size: Allocation["size"]): number | undefined {
  if (size.kind === "expression") return undefined;
  const { maximum } = size;
  const natural = naturalMaximum(size);
  return maximum !== undefined && natural !== undefined ? Math.min(maximum, natural) : (maximum ?? natural);
}

function naturalMaximum(draw: Draw): number | undefined {
  switch (draw.kind) {
    case "constant":
      return draw.value;
    case "uniform":
      return draw.high;
    case "choice":
    case "empirical":
      return Math.max(...draw.values);
    default:
      return undefined;
  }
}

function unusedName({ heaps }: Scenario): string {
  const taken = new Set(heaps.map(({ name }) => name));
  let name = "pinned-pool";
  for (let number = 2; taken.has(name); number++) name = `pinned-pool-${number}`;
  return name;
}

function roundedUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}

function roundedDown(bytes: number, step: number): number {
  return Math.floor(bytes / step) * step;
}
