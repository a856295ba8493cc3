import fc from "fast-check";

/** A scenario of the format as plain data: JSON is YAML. */
export type ScenarioText = Readonly<Record<string, unknown>>;
type StepData = Readonly<Record<string, unknown>>;

/** One heap for each ownership, with names, a queue and a cache of its own, so that blocks never change sides. */
const FAMILIES = ["manual", "counted", "traced"] as const;
type Family = (typeof FAMILIES)[number];

/** Allocators that any 32-bit core can have, with the options they need. */
const ALLOCATORS = [
  ...["freertos-heap1", "freertos-heap2", "freertos-heap4", "tlsf", "newlib-nano", "newlib", "picolibc", "o1heap"],
  ...["umm-bestfit", "umm-firstfit", "zephyr-sys-heap", "threadx-byte", "lwmem", "rust-linked-list-allocator"],
  ...["first-fit", "next-fit", "best-fit", "worst-fit", "buddy", "bump", "fixed-pool", "micropython-gc"],
];
const POOL_OPTIONS = { options: { blockBytes: 64 } };

const GUARDS: readonly StepData[] = [
  ...["freertos-1", "freertos-2", "zephyr-sentinel", "stack-protector", "watchpoint", "mpu"].map((kind) => ({ kind })),
  { kind: "probe", interval: 1024 },
  { kind: "segmented", heap: "manual", stacklet: 128 },
];

/** Expressions need it in their task. */
const SAMPLE = { sample: "length", from: { lognormal: [60, 0.7], max: 700 } };

/** What a context may do. */
interface Rights {
  readonly families: readonly Family[];
  readonly waits: boolean;
  readonly exits: boolean;
  readonly misuses: boolean;
  readonly reboots: boolean;
}

const us = (least: number, most: number) => fc.integer({ min: least, max: most }).map((count) => `${count} us`);
const time = fc.oneof(
  us(1, 3000),
  us(100, 2000).map((mean) => ({ exponential: mean, min: "1 us" })),
  fc.tuple(us(1, 500), us(500, 4000)).map(([a, b]) => ({ uniform: [a, b] })),
);
/** A loop must not turn too often: it takes at least this. */
const pause = us(200, 3000);

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 3000 }) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>({ uniform: [1, 120] }, { lognormal: [40, 0.8], max: 900 }) },
  { weight: 1, arbitrary: fc.constantFrom("length", "length * 2 + 8", "length / 3") },
);
function retry(retryAfter: unknown, times: number, last: string): StepData {
  // biome-ignore lint/suspicious/noThenProperty: the format's word; nothing awaits the map.
  return { retryAfter, times, then: last };
}
const policy = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>("drop", retry("1 ms", 2, "drop")) },
  { weight: 2, arbitrary: fc.constant(retry({ uniform: ["0 us", "2 ms"] }, 3, "reboot")) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>("reboot", "crash") },
);
const rarely = fc.nat(3).map((number) => number === 3);
const failurePolicy = fc.option(policy, { nil: undefined, freq: 3 });
const share = fc.constantFrom(0, 0.1, 0.5, 0.9, 1);

function nameOf(family: Family): fc.Arbitrary<string> {
  return fc.nat(2).map((index) => `${family}-${index}`);
}

function policyOf({ policy }: { readonly policy: unknown }): StepData {
  return present({ onAllocationFailure: policy });
}

/** Without the keys that are undefined. */
function present(entries: StepData): StepData {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

/** Steps on blocks of one family. */
function blockSteps(
  family: Family,
  { waits }: Rights,
  steps: fc.Arbitrary<StepData[]>,
  depth: fc.DepthIdentifier,
): fc.Arbitrary<StepData>[] {
  const name = nameOf(family);
  const heap = family;
  const asked = fc.record({ name, size, policy: waits ? failurePolicy : fc.constant("drop") });
  const allocate = fc
    .tuple(
      asked,
      fc.option(steps, { freq: 6, nil: undefined, maxDepth: 2, depthIdentifier: depth }),
      fc.constantFrom(undefined, undefined, undefined, 32),
    )
    .map(([ask, orElse, align]) =>
      present({ allocate: ask.name, size: ask.size, heap, align, orElse, ...(!orElse && policyOf(ask)) }),
    );
  const basic = [
    ...[allocate, allocate, allocate],
    name.map((free) => ({ free })),
    asked.map((ask) => present({ reallocate: ask.name, size: ask.size, heap, ...policyOf(ask) })),
    fc
      .tuple(asked, fc.constantFrom("double", "half-again", "exact"), fc.constantFrom(undefined, 64))
      .map(([ask, growth, reserve]) =>
        present({ grow: ask.name, by: ask.size, policy: growth, reserve, heap, ...policyOf(ask) }),
      ),
    fc.tuple(name, time).map(([keep, life]) => ({ keep, for: life })),
    name.map((cached) => ({ cache: cached, in: `cache-${family}` })),
    name.map((sent) => ({ send: sent, to: `queue-${family}` })),
    fc.tuple(name, share).map(([leak, chance]) => ({ leak, chance })),
  ];
  if (waits) {
    basic.push(
      fc
        .tuple(name, fc.option(time, { nil: undefined }), fc.constantFrom("end", "continue"))
        .map(([as, timeout, onTimeout]) => present({ receive: `queue-${family}`, as, timeout, onTimeout })),
    );
  }
  const pair = fc.tuple(name, name);
  if (family === "counted") {
    basic.push(
      pair.map(([shared, as]) => ({ share: shared, as })),
      name.map((drop) => ({ drop })),
    );
  }
  if (family !== "manual") basic.push(pair.map(([refer, to]) => ({ refer, to })));
  return basic;
}

function controlSteps(rights: Rights, steps: fc.Arbitrary<StepData[]>, depth: fc.DepthIdentifier) {
  const frame = fc.integer({ min: 8, max: 160 });
  const touch = fc.constantFrom<unknown>(undefined, "none", 8);
  const simple: fc.Arbitrary<StepData>[] = [
    time.map((work) => ({ work })),
    fc.constant(SAMPLE),
    ...(rights.waits
      ? [time.map((wait) => ({ wait })), fc.constantFrom("calm", "busy").map((until) => ({ until }))]
      : []),
    ...(rights.exits ? [fc.constant({ exit: true })] : []),
    ...(rights.families.length > 0 ? [fc.constant({ spawn: "worker", onAllocationFailure: "drop" })] : []),
  ];
  const nested = [
    fc
      .tuple(frame, touch, fc.boolean(), steps)
      .map(([bytes, touched, raii, list]) => present({ call: "f", frame: bytes, touch: touched, raii, do: list })),
    fc
      .tuple(frame, fc.nat(9), steps)
      .map(([bytes, levels, list]) => ({ recurse: "g", frame: bytes, depth: levels, do: list })),
    fc.tuple(fc.nat(4), steps).map(([repeat, list]) => ({ repeat, do: list })),
    fc.tuple(share, steps, steps).map(([chance, list, other]) => ({ chance, do: list, else: other })),
    fc.tuple(steps, steps).map(([a, b]) => ({ choose: [a, b].map((list, i) => ({ weight: i + 1, do: list })) })),
  ];
  return fc.oneof({ depthIdentifier: depth, maxDepth: 2 }, fc.oneof(...simple), ...nested);
}

function stepsOf(rights: Rights): fc.Arbitrary<StepData[]> {
  const depth = fc.createDepthIdentifier();
  const { outer } = fc.letrec<{ outer: StepData[]; inner: StepData[]; step: StepData }>((tie) => {
    const inner = tie("inner") as fc.Arbitrary<StepData[]>;
    const step = tie("step") as fc.Arbitrary<StepData>;
    const blocks = rights.families.flatMap((family) => blockSteps(family, rights, inner, depth));
    return {
      outer: fc.array(step, { minLength: 1, maxLength: 8, size: "max" }),
      inner: fc.array(step, { maxLength: 3, depthIdentifier: depth }),
      step: fc.oneof(
        { weight: 8, arbitrary: blocks.length > 0 ? fc.oneof(...blocks) : fc.constant({ work: "5 us" }) },
        { weight: 6, arbitrary: controlSteps(rights, inner, depth) },
        { weight: rights.misuses ? 1 : 0, arbitrary: misuse },
        { weight: rights.reboots ? 1 : 0, arbitrary: rareReboot },
      ),
    };
  });
  return outer.map((list) => [SAMPLE, ...list]);
}

const misuse = fc
  .tuple(fc.constantFrom("double-free", "use-after-free", "overrun"), fc.constantFrom(...FAMILIES).chain(nameOf))
  .map(([kind, of]): StepData => ({ misuse: kind, of, bytes: 12 }));
const rareReboot = fc.constantFrom(true, "cold").map((reboot): StepData => ({ chance: 0.05, do: [{ reboot }] }));

const arrival: fc.Arbitrary<StepData> = fc.oneof(
  us(1000, 20_000).map((every) => ({ every })),
  us(1000, 9000).map((every) => ({ every: { uniform: ["0 us", every] } })),
  us(1000, 9000).map((every) => ({ every, jitter: "20 %", start: "random" })),
  fc.integer({ min: 20, max: 300 }).map((rate) => ({ poisson: `${rate}/s` })),
  us(0, 30_000).map((at) => ({ at })),
  fc.constantFrom("calm", "busy").map((on) => ({ on })),
);
const overrun = fc.constantFrom(undefined, undefined, "catch-up", "skip", "queue");
const activation = fc.tuple(arrival, overrun).map(([start, what]) => present({ ...start, overrun: what }));

function task(steps: fc.Arbitrary<StepData[]>, starts: fc.Arbitrary<StepData>): fc.Arbitrary<StepData> {
  const guard = fc.option(fc.constantFrom(...GUARDS), { nil: undefined, freq: 2 });
  const stack = fc
    .tuple(fc.constantFrom(512, 1024, 2048), guard)
    .map(([bytes, kind]) => present({ size: bytes, guard: kind }));
  return fc
    .tuple(starts, fc.nat(4), fc.boolean(), stack, failurePolicy, steps)
    .map(([start, priority, fpu, place, own, list]) =>
      present({
        onAllocationFailure: "drop",
        ...start,
        priority,
        fpu,
        stack: place,
        ...policyOf({ policy: own }),
        do: list,
      }),
    );
}

function loop(steps: fc.Arbitrary<StepData[]>): fc.Arbitrary<StepData> {
  const paused = fc.tuple(pause, fc.boolean(), steps);
  const body = paused.map(([us, works, list]) => [works ? { work: us } : { wait: us }, ...list]);
  return task(body, fc.constant({ loop: true }));
}

const heapOf = (ownership: Family, isrSafe: boolean) =>
  fc.tuple(fc.constantFrom(...ALLOCATORS), fc.integer({ min: 64, max: 512 })).map(([allocator, granules]) => ({
    ...{ allocator, size: granules * 16, ownership, isrSafe, assertionsStop: true },
    ...(allocator === "fixed-pool" && POOL_OPTIONS),
    ...(allocator === "buddy" && { size: 4096 }),
  }));

function perFamily<Value>(
  make: (family: Family) => fc.Arbitrary<Value>,
  prefix = "",
): fc.Arbitrary<Record<string, Value>> {
  return fc.record(Object.fromEntries(FAMILIES.map((family) => [`${prefix}${family}`, make(family)])));
}

/** Scenarios of a few tasks on small heaps; most of them can fail in several ways. Some are still refused. */
export function randomScenario(): fc.Arbitrary<ScenarioText> {
  return fc
    .record({ isrSafe: fc.boolean(), misuses: rarely, reboots: rarely })
    .chain(({ isrSafe, misuses, reboots }) => {
      const own = { families: FAMILIES, waits: true, exits: false, misuses, reboots };
      const steps = stepsOf(own);
      const handler = stepsOf({
        ...own,
        families: isrSafe ? FAMILIES : [],
        waits: false,
        misuses: false,
        reboots: false,
      });
      const interrupt = fc
        .tuple(arrival, fc.nat(3), fc.integer({ min: 0, max: 64 }), handler)
        .map(([start, priority, frame, list]) => ({ ...start, priority, frame, do: list }));
      const body = fc.record({
        uptime: fc.constant("250 ms"),
        seed: fc.nat(1000),
        bootTime: fc.constantFrom("0 s", "2 ms"),
        heaps: perFamily((family) => heapOf(family, isrSafe)),
        queues: perFamily(
          () =>
            fc.record({
              capacity: fc.integer({ min: 1, max: 4 }),
              whenFull: isrSafe
                ? fc.constantFrom("drop-newest", "drop-oldest", "fail")
                : fc.constantFrom("drop-newest", "drop-oldest", "block"),
            }),
          "queue-",
        ),
        caches: perFamily(
          () =>
            fc.record({ slots: fc.integer({ min: 1, max: 4 }), evict: fc.constantFrom("oldest", "newest", "random") }),
          "cache-",
        ),
        tasks: fc.record(
          {
            alpha: task(steps, activation),
            beta: fc.oneof(task(steps, activation), loop(steps)),
            gamma: task(steps, activation).map((made) => ({ ...made, instances: 2 })),
            worker: task(stepsOf({ ...own, exits: true }), fc.constant({ instances: 30 })),
          },
          { requiredKeys: ["alpha", "worker"] },
        ),
        interrupts: fc.record({ line: interrupt, tick: interrupt }, { requiredKeys: [] }),
      });
      return body.map((rest) => ({
        ...{ heapsoak: 1, title: "random", why: "test", device: "stm32f407vg" },
        // biome-ignore lint/suspicious/noThenProperty: the format's word; nothing awaits the map.
        modes: { calm: { for: { exponential: "15 ms" }, then: "busy" }, busy: { for: "7 ms", then: "calm" } },
        ...rest,
      }));
    });
}
