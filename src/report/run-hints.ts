import type { RunFailure, RunRecord } from "../soak/record.ts";

/** Least time that a rewind should show to be worth its pictures. */
const REWIND = "10s";
const STACK_STEP_BYTES = 64;

/** An option to add to the same command, and what it is for. */
type Hint = readonly [option: string, purpose: string];

/** What to try next; empty where nothing suggests itself. `rewound`: the last operations are on show already. */
export function hintLines(record: RunRecord, rewound = false): string[] {
  if (record.verdict === "pass") return [];
  const hints = record.failure ? failureHints(record, record.failure, rewound) : undecidedHints(record);
  if (hints.length === 0) return [];
  const width = Math.max(...hints.map(([option]) => option.length));
  return ["next, the same command with:", ...hints.map(([option, purpose]) => `  ${option.padEnd(width)}  ${purpose}`)];
}

function failureHints(record: RunRecord, failure: RunFailure, rewound: boolean): Hint[] {
  const larger = largerHeap(record, failure);
  const deeper = deeperStack(record, failure);
  return [
    ...(rewound ? [] : [[`--rewind ${REWIND}`, "shows the last operations before the failure"] as const]),
    ...(larger === undefined ? [] : [[`--heap-size ${larger}`, "adds the bytes that were missing"] as const]),
    ...(deeper === undefined ? [] : [[`--set ${deeper}`, "is what its worst case needs"] as const]),
  ];
}

/** `HEAP=SIZE` that adds what the refused request missed, in whole KiB; undefined where the heap leaks, and would fail later. */
function largerHeap({ heaps }: RunRecord, { heap, requestBytes, largestFreeBytes }: RunFailure): string | undefined {
  const record = heap === null ? undefined : heaps[heap];
  if (!record || record.drift?.shrinking || requestBytes === null || largestFreeBytes === null) return undefined;
  if (requestBytes <= largestFreeBytes) return undefined;
  return `${heap}=${Math.ceil((record.arenaBytes + requestBytes - largestFreeBytes) / 1024)}KiB`;
}

/** The setting that gives an overrun stack its worst case. */
function deeperStack({ stacks }: RunRecord, { kind }: RunFailure): string | undefined {
  if (kind !== "stack-overflow" && kind !== "stack-corruption" && kind !== "fault") return undefined;
  const short = Object.entries(stacks).find(
    ([, { overflow, worstCaseBytes, sizeBytes }]) => overflow !== null && worstCaseBytes > sizeBytes,
  );
  if (!short) return undefined;
  const [name, { worstCaseBytes }] = short;
  const path = name === "interrupts" ? "stacks.interrupts.size" : `tasks.${name.replace(/#\d+$/, "")}.stack.size`;
  return `${path}=${Math.ceil(worstCaseBytes / STACK_STEP_BYTES) * STACK_STEP_BYTES}`;
}

function undecidedHints({ verdict, expectations, simulatedUs, scenario }: RunRecord): Hint[] {
  const open = expectations.filter(({ met }) => met === null).length;
  if (verdict !== "undecided" || open === 0 || simulatedUs < scenario.uptimeUs) return [];
  const which = open === 1 ? "one expectation is" : `${open} expectations are`;
  return [["--uptime TIME", `gives it more time: ${which} not decided yet`]];
}
