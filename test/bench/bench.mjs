/**
 * Nanoseconds per operation of every allocator on golden operations, the loop inside WASM; and the soak engine's
 * speed, checkpoints and memory (rows `soak/…`).
 *
 *   npm run bench [-- [--json] [--native] [--passes N] [--only ALLOCATOR|ROW]…]
 *
 * The operations lie parsed in engine memory, each pass starts with a fresh heap, and the row `null` is the loop
 * alone. `--native` interleaves passes of our own C with those of the allocators it mirrors. `--only` takes allocators and
 * beginnings of the soak rows' names: `--only soak` means all of these. `--only campaign` compares a campaign's worker
 * threads with independent processes instead; it takes both cores of a machine that has nothing else to do.
 */
import { parseArgs } from "node:util";
import { measureDevice } from "./device.mjs";
import { measureSoak } from "./soak.mjs";
import { printSoakTable } from "./soak-table.mjs";

const WARM_UP_PASSES = 10;
const RAM = { low: 0x2000_0000, bytes: 0x10_0000, home: 0x2000_0000, kind: 0 };
const AVR_RAM = { low: 0x100, bytes: 0x7f00, home: 0x100, kind: 0 };

const CAMPAIGN_ROUNDS = 5;

const options = readArguments();
const PASSES = passes(options.passes);
const host = await load();
if (options.only?.join() === "campaign") {
  await (await import("./campaign.mjs")).printCampaign(CAMPAIGN_ROUNDS);
  process.exit();
}
const engine = new host.Engine([AVR_RAM, RAM], { unalignedFaults: false });
const pristine = engine.snapshot();

try {
  const rows = await measureAll();
  const soakRows = await measureSoak(host, { only: options.only, rounds: PASSES });
  if (rows.length + soakRows.length === 0) stop(`--only ${options.only.join(", ")}: no allocator and no row.`);
  if (options.json) console.log(JSON.stringify([...rows.map(({ rivalOf, ...row }) => row), ...soakRows], null, 2));
  else {
    if (rows.length > 0) printTable(rows);
    printSoakTable(soakRows);
  }
} catch (problem) {
  stop(problem.message);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        json: { type: "boolean" },
        native: { type: "boolean" },
        passes: { type: "string" },
        only: { type: "string", multiple: true },
      },
    }).values;
  } catch (problem) {
    return stop(
      `${problem.message}\nUsage: npm run bench [-- [--json] [--native] [--passes N] [--only ALLOCATOR|ROW]…]`,
    );
  }
}

/** At least 30 make a best and a median worth quoting; fewer only show that both languages place alike. */
function passes(text = "100") {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count;
  return stop(`--passes is ${text}; expected a whole number from 1 to 100000.`);
}

async function load() {
  try {
    const [map, { Engine }, { HeapRecord }, library, catalogue, workloads, ...soak] = await Promise.all([
      import("../../dist/assembly/memory-map.js"),
      import("../../dist/src/wasm/engine.js"),
      import("../../dist/src/wasm/heap-record.js"),
      import("../../dist/src/index.js"),
      import("../../dist/src/allocators/catalogue.js"),
      import("./workloads.mjs"),
      import("../../dist/src/cli/find-scenario.js"),
      import("../../dist/src/scenario/layout.js"),
      import("../../dist/src/soak/compiler.js"),
      import("../../dist/src/soak/driver.js"),
      import("../../dist/src/wasm/soak-machine.js"),
    ]);
    return Object.assign({ ...map, ...library, Engine, HeapRecord, ...catalogue, ...workloads }, ...soak);
  } catch (problem) {
    if (problem.code !== "ERR_MODULE_NOT_FOUND") throw problem;
    return stop("The benchmarks run the built package. Run: npm run build");
  }
}

function stop(message) {
  console.error(message);
  process.exit(2);
}

async function measureAll() {
  const native = options.native ? await import("./native.mjs") : undefined;
  native?.compiler();
  const named = host.allocators.filter(({ name }) => !options.only || options.only.includes(name));
  const rows = options.only ? [] : measureDevice(host);
  if (named.length > 0) for (const workload of host.WORKLOADS) rows.push(measureNull(workload));
  for (const entry of named) {
    for (const workload of host.WORKLOADS) rows.push(...(await measure(entry, workload, native)));
  }
  return rows;
}

function measureNull(workload) {
  const { words, count } = host.workloadOf("", workload);
  engine.words.set(words, host.OPERATIONS >>> 2);
  const times = [];
  for (let pass = 0; pass < WARM_UP_PASSES + PASSES; pass++) {
    clearSlots(words);
    times.push(timed(() => engine.fast.replayNull(0, count)));
  }
  return row(`replay/null/${workload}`, times, count);
}

async function measure(entry, workload, native) {
  const { words, count, header, own } = host.workloadOf(entry.name, workload);
  engine.restore(pristine);
  const heap = heapOf(entry, header, own);
  engine.words.set(words, host.OPERATIONS >>> 2);
  const source = native?.NATIVE[entry.name];
  const rival = source ? new native.NativeHeap(source, words, Number(header.get("heap_size"))) : undefined;
  const times = [];
  const rivalTimes = [];
  for (let pass = 0; pass < WARM_UP_PASSES + PASSES; pass++) {
    clearSlots(words);
    heap.start();
    times.push(timed(() => engine.fast.heapReplayBare(heap.address, 0, count)));
    if (rival) rivalTimes.push(await rival.pass());
  }
  const rows = [row(`replay/${entry.name}/${workload}`, times, count)];
  if (rival) {
    refuseOtherPlacement(`${entry.name}/${workload}`, placementsOf(heap, words, count), await rival.placements());
    rival.close();
    rows.push({ ...row(`native/${entry.name}/${workload}`, rivalTimes, count), rivalOf: rows[0] });
  }
  return rows;
}

function heapOf(entry, header, own) {
  const heap = new host.HeapRecord(
    engine,
    entry.kind,
    host.encodeOptions(entry, own ? (entry.optionsFromTrace?.(header) ?? {}) : {}),
    65536,
  );
  const base =
    (entry.pointerBytes === 2 ? 0x1000 : RAM.low + 0x1_0000) + (own ? Number(header.get("base_misalignment") ?? 0) : 0);
  heap.place(regionsOf(header, base, own), (base - heap.get(host.HeapField.StateBytes)) & ~7);
  if (!heap.start()) throw new Error(`${entry.name} cannot use ${header.get("heap_size")} bytes`);
  return heap;
}

function regionsOf(header, base, own) {
  const regions = own
    ? [...header].filter(([key]) => /^region\d+$/.test(key)).map(([, value]) => value.split(":").map(Number))
    : [];
  if (regions.length === 0) return [{ low: base, bytes: Number(header.get("heap_size")) }];
  return regions.map(([offset, bytes]) => ({ low: base + offset, bytes }));
}

function clearSlots(words) {
  let slots = 0;
  for (let at = host.OperationField.Slot; at < words.length; at += host.OperationField.Length)
    slots = Math.max(slots, words[at] + 1);
  engine.bytes.fill(0, host.SLOTS, host.SLOTS + slots * host.SlotField.Length * 4);
}

/** The offsets that the watched replay of the same operations reports, allocations only. */
function placementsOf(heap, words, count) {
  clearSlots(words);
  heap.start();
  engine.fast.heapReplay(heap.address, 0, count);
  const offsets = [];
  for (let index = 0; index < count; index++) {
    const record = (host.OPERATIONS >>> 2) + index * host.OperationField.Length;
    if (engine.words[record + host.OperationField.Opcode] === host.Opcode.Release) continue;
    offsets.push(engine.words[record + host.OperationField.Result] | 0);
  }
  return offsets;
}

function refuseOtherPlacement(name, ours, theirs) {
  const at = ours.findIndex((offset, index) => offset !== theirs[index]);
  if (at >= 0 || ours.length !== theirs.length) {
    throw new Error(
      `${name}: the C version places otherwise: allocation ${at} lies at ${theirs[at]}, ours at ${ours[at]}`,
    );
  }
}

function timed(run) {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
}

function row(name, times, count) {
  const sorted = times.slice(WARM_UP_PASSES).sort((a, b) => a - b);
  const round = (ns) => Math.round((ns / count) * 100) / 100;
  return { name, nsPerOperation: round(sorted[0]), medianNsPerOperation: round(sorted[sorted.length >>> 1]) };
}

function printTable(rows) {
  const width = Math.max(...rows.map(({ name }) => name.length));
  console.log(`${"".padEnd(width)}   best  median  ns per operation`);
  for (const { name, nsPerOperation, medianNsPerOperation, rivalOf } of rows) {
    const ratio = rivalOf
      ? `  ours / C at -O2: ${(rivalOf.nsPerOperation / nsPerOperation).toFixed(2)} best, ${(rivalOf.medianNsPerOperation / medianNsPerOperation).toFixed(2)} median, same placement`
      : "";
    console.log(
      `${name.padEnd(width)} ${nsPerOperation.toFixed(2).padStart(6)} ${medianNsPerOperation.toFixed(2).padStart(7)}${ratio}`,
    );
  }
}
