/**
 * What the soak engine costs: pairs of allocation and release in a run, all accounting included, beside the same
 * operations through the allocators alone; and activations that allocate nothing.
 *
 * Neighbours on the machine disturb for longer than a slice takes: run and allocators take turns in short slices,
 * and the quoted figure is the tenth percentile of both. The median stands beside it.
 */
import { fileURLToPath } from "node:url";
import { measureCheckpoints } from "./checkpoints.mjs";
import { measureLongRuns } from "./long-run.mjs";
import { recordOperations } from "./recorded-sequence.mjs";

const WARM_UP_STEPS = 3_000_000;
/** Instructions and events of one slice: about half a millisecond. */
const SLICE_STEPS = 15_000;
const SLICES_A_ROUND = 10;
/** Rounds until the compiler has settled. */
const WARM_UP_ROUNDS = 5;
const QUOTED = 0.1;
const MEDIAN = 0.5;

const PAIRS = [
  { name: "soak/poisson/freertos-heap4", scenario: "poisson" },
  { name: "soak/poisson/tlsf", scenario: "poisson", allocator: "tlsf" },
  { name: "soak/year", scenario: "year" },
  { name: "soak/mqtt-tls", shipped: "mqtt-tls" },
];
const ACTIVATIONS = [
  { name: "soak/interrupts", scenario: "interrupts" },
  { name: "soak/tasks", scenario: "tasks" },
];

/** The rows whose name starts with one of the texts in `only`; all without it. `rounds` of ten slices each. */
export async function measureSoak(host, { only, rounds }) {
  const wanted = ({ name }) => !only || only.some((text) => name.startsWith(text));
  const rows = [];
  for (const subject of PAIRS.filter(wanted)) rows.push(await measurePairs(host, subject, rounds));
  for (const subject of ACTIVATIONS.filter(wanted)) rows.push(await measureActivations(host, subject, rounds));
  rows.push(...(await measureCheckpoints(host, wanted)));
  rows.push(...(await measureLongRuns(wanted, (subject) => scenarioFile(host, subject))));
  return rows;
}

/** The path of a subject's scenario. */
function scenarioFile(host, { scenario, shipped }) {
  return shipped ? host.findScenario(shipped) : fileURLToPath(new URL(`scenarios/${scenario}.yaml`, import.meta.url));
}

async function measurePairs(host, subject, rounds) {
  const scenario = await load(host, subject);
  const sequences = recordOperations(host, machineOf(host, scenario));
  const alone = sequences.map((sequence) => new AllocatorAlone(host, scenario, sequence));
  const running = new Running(machineOf(host, scenario), releases);
  takeTurns([running, ...alone], rounds);
  const operations = sequences.reduce((sum, { noted }) => sum + noted, 0);
  const aloneNs = (quantile) =>
    alone.reduce((sum, { ns, sequence }) => sum + ns(quantile) * (sequence.noted / operations), 0);
  return {
    name: subject.name,
    pairsPerSecond: perSecond(running.ns(QUOTED)),
    allocatorOnlyPairsPerSecond: perSecond(aloneNs(QUOTED)),
    ratio: round(running.ns(QUOTED) / aloneNs(QUOTED), 2),
    medianRatio: round(running.ns(MEDIAN) / aloneNs(MEDIAN), 2),
    medianPairsPerSecond: perSecond(running.ns(MEDIAN)),
    medianAllocatorOnlyPairsPerSecond: perSecond(aloneNs(MEDIAN)),
    simulatedSecondsPerSecond: running.simulatedSecondsPerSecond,
  };
}

async function measureActivations(host, subject, rounds) {
  const running = new Running(machineOf(host, await load(host, subject)), activations);
  takeTurns([running], rounds);
  return {
    name: subject.name,
    nsPerActivation: round(running.ns(QUOTED), 2),
    medianNsPerActivation: round(running.ns(MEDIAN), 2),
    simulatedSecondsPerSecond: running.simulatedSecondsPerSecond,
  };
}

function load(host, { allocator, ...subject }) {
  return host.loadScenario(scenarioFile(host, subject), allocator ? { allocator: { "": allocator } } : {});
}

function machineOf(host, scenario) {
  const machine = new host.SoakMachine({
    scenario,
    compiled: host.compileScenario(scenario),
    layout: host.layOut(scenario),
  });
  machine.prepare();
  return machine;
}

function releases(machine) {
  return machine.heaps.reduce((sum, _, heap) => sum + machine.heapFigures(heap).frees, 0);
}

function activations(machine) {
  return machine.contexts().reduce((sum, context) => sum + context.activations, 0);
}

function takeTurns(subjects, rounds) {
  for (let index = -WARM_UP_ROUNDS; index < rounds; index++) {
    for (const subject of subjects) subject.round(index >= 0);
  }
}

/** Slices of time, each with how much was done in it. */
class Slices {
  #nsEach = [];

  add(ns, done) {
    this.#nsEach.push(ns / done);
  }

  quantile(share) {
    const sorted = this.#nsEach.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length * share)];
  }
}

/** A run that goes on slice by slice; `count` says how much it has done. */
class Running {
  #machine;
  #advance;
  #count;
  #perUnit = new Slices();
  #perSimulatedSecond = new Slices();

  constructor(machine, count) {
    this.#machine = machine;
    this.#count = count;
    // Past the machine, which keeps a copy of its memory for each batch: in a run, one every 30 ms.
    this.#advance = machine.device.engine.fast.soakAdvance;
    machine.advance(WARM_UP_STEPS);
  }

  ns = (quantile) => this.#perUnit.quantile(quantile);

  get simulatedSecondsPerSecond() {
    return Math.round(1e9 / this.#perSimulatedSecond.quantile(MEDIAN));
  }

  round(counts) {
    const machine = this.#machine;
    for (let slice = 0; slice < SLICES_A_ROUND; slice++) {
      const [before, beforeUs] = [this.#count(machine), machine.nowUs];
      const ns = timed(() => this.#advance(SLICE_STEPS));
      if (machine.failure()) throw new Error(`the run fails while it is measured: ${machine.failure().kind}`);
      if (!counts) continue;
      this.#perUnit.add(ns, this.#count(machine) - before);
      this.#perSimulatedSecond.add(ns, (machine.nowUs - beforeUs) / 1e6);
    }
  }
}

/** The recorded operations of one heap, over and over from its start. */
class AllocatorAlone {
  sequence;
  #engine;
  #record;
  #fresh;
  #slices = new Slices();

  constructor(host, scenario, sequence) {
    const layout = host.layOut(scenario);
    this.sequence = sequence;
    this.#engine = layout.device.engine;
    this.#record = layout.device.recordOf(layout.heaps[sequence.heap]).address;
    this.#fresh = this.#engine.snapshot();
    this.#start(sequence.count);
    sequence.refuseOtherPlacement(this.#engine);
  }

  ns = (quantile) => this.#slices.quantile(quantile);

  round(counts) {
    const slices = this.sequence.slices();
    this.#start(slices[0][0]);
    for (const [first, end] of slices) {
      const ns = timed(() => this.#engine.fast.heapReplayBare(this.#record, first, end));
      if (counts) this.#slices.add(ns, (end - first) / 2);
    }
  }

  /** The first operations on a fresh heap. */
  #start(end) {
    this.#engine.restore(this.#fresh);
    this.sequence.load(this.#engine);
    this.#engine.fast.heapReplayBare(this.#record, 0, end);
  }
}

function timed(run) {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
}

function perSecond(ns) {
  return Math.round(1e9 / ns);
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
