/** The page of a run: the verdict and its figures, the moment of failure, then what the run did to heaps and stacks. */
import { formatBytes } from "../../quantities.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import type { FaultRecordOfRun, RunRecord } from "../../soak/record.ts";
import { plainPaint } from "../paint.ts";
import { placeText } from "../place-text.ts";
import { driftLines, heapRows } from "../run-heap-text.ts";
import { headroom } from "../run-stack-text.ts";
import { outcome } from "../run-text.ts";
import { simulatedInstant } from "../simulated-time.ts";
import { formatCount } from "../table.ts";
import { historySection } from "./history-section.ts";
import { latencySection } from "./latency-section.ts";
import { type Html, html } from "./markup.ts";
import { memorySection } from "./memory-section.ts";
import { holdersTable, momentSection } from "./moment-section.ts";
import type { PageContext } from "./page-context.ts";
import { badge, factList, subheading, table, toned } from "./parts.ts";
import { type RecordPage, type Section, VERDICT_TONES } from "./record-page.ts";
import { stackSection } from "./stack-section.ts";

/** The page of a run; `name` is the file's. */
export function runPage(record: RunRecord, name: string, context: PageContext): RecordPage {
  const { scenario, verdict } = record;
  return {
    title: scenario.title,
    verdict: verdict.toUpperCase(),
    tone: VERDICT_TONES[verdict],
    sentence: runSentence(record),
    sections: [
      verdictSection(record),
      ...momentSection(record),
      ...(context.drawsRuns ? historySection(record, context.indexOf(record, name)) : []),
      memorySection(record),
      ...stackSection(record),
      ...latencySection(record, context),
      ...heapSection(record),
      ...taskSection(record),
      ...faultSection(record),
    ],
    provenance: provenanceOf(record),
  };
}

/** What happened, in one sentence. */
export function runSentence(record: RunRecord): string {
  const text = outcome(record);
  const why = record.failure ? `: ${record.failure.message.replace(/\.$/, "")}` : "";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${why}.`;
}

function verdictSection(record: RunRecord): Section {
  return {
    id: "verdict",
    title: "Verdict",
    body: html`${verdictFigures(record)}${expectationTable(record)}${remarks(record)}`,
  };
}

/** The figures behind the verdict: how long it survived, and each heap's tightest moment. */
function verdictFigures({ failure, heaps, reboots, scenario, simulatedUs, stacks }: RunRecord): Html {
  const facts: [string, Html | string][] = [
    [failure ? "survived" : "simulated", formatDuration(failure ? failure.atUs : simulatedUs)],
    ["device", scenario.device],
  ];
  for (const [name, heap] of Object.entries(heaps).slice(0, 3)) {
    const { arenaBytes, failedRequests, minimumFreeBytes, minimumLargestFreeBytes } = heap;
    facts.push([`${name}: least free of ${formatBytes(arenaBytes)}`, `${formatCount(minimumFreeBytes)} B`]);
    facts.push([`${name}: smallest largest free`, `${formatCount(minimumLargestFreeBytes)} B`]);
    if (failedRequests > 0) facts.push([`${name}: failed requests`, toned(formatCount(failedRequests), "bad")]);
  }
  const tightest = Object.entries(stacks).sort(([, a], [, b]) => roomOf(a) - roomOf(b))[0];
  if (tightest) {
    const [name, stack] = tightest;
    const text = headroom(stack);
    facts.push([`least stack headroom: ${name}`, roomOf(stack) < 0 ? toned(text, "bad") : text]);
  }
  if (reboots > 0) facts.push(["reboots", formatCount(reboots)]);
  return factList(facts);
}

function roomOf({ sizeBytes, worstCaseBytes }: { sizeBytes: number; worstCaseBytes: number }): number {
  return sizeBytes - worstCaseBytes;
}

function expectationTable({ expectations }: RunRecord): Html {
  if (expectations.length === 0) return html`<p>It states no expectations.</p>`;
  const rows = expectations.map(({ text, met, observed }) => ({
    title: html`<code>${text}</code>`,
    cells: [met === null ? badge("UNDECIDED", "open") : met ? badge("MET", "good") : badge("NOT MET", "bad"), observed],
  }));
  return table(["expectation", "", "observed"], rows, { caption: "What the scenario expects", words: [1, 2] });
}

function remarks({ periodic }: RunRecord): Html | null {
  if (!periodic) return null;
  const from = periodic.fromUs === 0 ? "the start" : formatDuration(periodic.fromUs);
  return html`<p>Proved periodic: from ${from} on its whole state returns every ${formatDuration(periodic.periodUs)}, so what happened in one period happens in all.</p>`;
}

/** All figures of each heap, a column a heap, then where they drift and who holds them. */
function heapSection(record: RunRecord): Section[] {
  const entries = Object.entries(record.heaps);
  if (entries.length === 0) return [];
  const { failure, simulatedUs } = record;
  const rows = heapRows(entries.map(([, heap]) => heap)).map(({ title, cells }) => ({
    title: title.startsWith(" ") ? html`<span class="sub">${title.trim()}</span>` : title,
    cells,
  }));
  const drifts = entries.flatMap(([name, heap]) =>
    driftLines(name, heap, { simulatedUs, hasFailed: failure?.heap === name }, plainPaint),
  );
  const others = entries.filter(([name]) => name !== failure?.heap);
  const body = html`${table(["", ...entries.map(([name]) => name)], rows, { caption: "Over the whole run" })}
${drifts.map((text) => html`<p>${text}.</p>`)}
${others.map(([name, heap]) => heap.holders.length > 0 && html`${subheading(`Who holds ${name} at the end`)}${holdersTable(heap)}`)}`;
  return [{ id: "heaps", title: "Heaps in figures", body }];
}

function taskSection({ tasks }: RunRecord): Section[] {
  const entries = Object.entries(tasks);
  if (entries.length === 0) return [];
  const rows = entries.map(([title, { activations, skipped, allocations, failedRequests, leaks, leakStep }]) => ({
    title,
    cells: [
      ...[activations, skipped, allocations, failedRequests].map(formatCount),
      leaks > 0 ? toned(formatCount(leaks), "bad") : "0",
      leakStep !== undefined && html`<code>${leakStep}</code>`,
    ],
  }));
  const heads = ["task", "starts", "skipped", "allocations", "refused", "leaked blocks", "first leaked at"];
  return [{ id: "tasks", title: "Tasks", body: table(heads, rows, { caption: "Over the whole run", words: [6] }) }];
}

function faultSection({ faults }: RunRecord): Section[] {
  if (faults.length === 0) return [];
  return [{ id: "faults", title: "Faults", body: html`${faults.map(faultOf)}` }];
}

function faultOf({ access, address, atUs, exception, kind, registers, step, task }: FaultRecordOfRun): Html {
  const by = task === null ? "" : ` in ${placeText(task, step)}`;
  const rows = registers.map(({ name, value, meaning }) => ({
    title: html`<code>${name}</code>`,
    cells: [html`<code>${value}</code>`, meaning],
  }));
  const caption = `Registers at the ${exception}`;
  return html`<p>${toned(exception, "bad")}: ${access} at <code>${address}</code> (${kind}), ${simulatedInstant(atUs)}${by}.</p>
${rows.length > 0 && table(["register", "value", "meaning"], rows, { caption, words: [1, 2] })}`;
}

function provenanceOf({ digest, provenance, scenario }: RunRecord): [string, string][] {
  return [
    ["digest of the run", digest],
    ["scenario", scenario.path],
    ["seed", String(scenario.seed)],
    ["device", scenario.device],
    ["heapsoak", provenance.heapsoak],
    ["SHA-256 of the engine", provenance.core],
    ["SHA-256 of the scenario", provenance.scenario],
  ];
}
