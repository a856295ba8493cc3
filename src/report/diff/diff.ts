/** Two records of one kind held against each other: what got worse, and by how much. */
import { HeapsoakError } from "../../errors.ts";
import type { NamedRecord, ReportRecord } from "../report-record.ts";
import { kindsOf, riskSubjects, sizeSubjects } from "./campaign-subjects.ts";
import {
  type ChangeStatus,
  DIFF_FORMAT,
  type DiffRecord,
  type FigureChange,
  type StatementChange,
} from "./diff-record.ts";
import { type Figure, ownerOf, type Statement, type Subject } from "./figures.ts";
import { stackBoundSubject, validationSubject } from "./firmware-subjects.ts";
import { compareSubjects, runSubject } from "./run-subjects.ts";
import { Thresholds } from "./thresholds.ts";

type Pair<T> = readonly [old: T, new: T];

/** A change, and what its place in the list follows from. */
interface Weighed {
  readonly change: StatementChange | FigureChange;
  /** How far it is from the old value; statements count as further than any figure. */
  readonly weight: number;
}

const ORDER: readonly ChangeStatus[] = [
  "worse",
  "better",
  "within-chance",
  "within-threshold",
  "changed",
  "not-judged",
];
/** Products of shares are cut to so many digits, so that 29 % of 100 is 29. */
const DIGITS = 12;

/**
 * The new record against the old one. Throws `bad-argument` where they are of different kinds, of a kind that is not
 * compared, have nothing in common, or lack a figure that a threshold is for.
 */
export function diffRecords(old: NamedRecord, fresh: NamedRecord, thresholds = new Thresholds()): DiffRecord {
  const [before, after] = subjectsOf(old, fresh).map(byTitle) as [Map<string, Subject>, Map<string, Subject>];
  const pairs = [...before].flatMap(([title, subject]): Pair<Subject>[] => {
    const other = after.get(title);
    return other ? [[subject, other]] : [];
  });
  if (!pairs.some(([subject]) => subject.title !== "" || before.size === 1)) throw nothingInCommon(before, after);
  const figures = pairs.flatMap(([a, b]) => joined(a.figures, b.figures));
  thresholds.refuseUnused(figures.map(([{ name }]) => name));
  const compared = pairs.flatMap(([a, b]) => [...statementChanges(a, b), ...figureChanges(a, b, thresholds)]);
  const changes = compared
    .filter((weighed) => weighed !== undefined)
    .sort(worstFirst)
    .map(({ change }) => change);
  return {
    format: DIFF_FORMAT,
    version: 1,
    kind: old.record.format,
    old: old.name,
    new: fresh.name,
    remarks: [...new Set([...pairs.flatMap(factRemarks), ...presenceRemarks([...before.keys()], [...after.keys()])])],
    compared: compared.length,
    same: compared.length - changes.length,
    worse: changes.filter(({ status }) => status === "worse").length,
    changes,
  };
}

function subjectsOf(old: NamedRecord, fresh: NamedRecord): Pair<readonly Subject[]> {
  const [a, b] = [old.record, fresh.record];
  if (a.format !== b.format) {
    const message = `${old.name} is a record ${a.format}, ${fresh.name} one of another kind: ${b.format}.`;
    throw new HeapsoakError("bad-argument", message, { hint: "Compare what the same command has written." });
  }
  if (a.format === "heapsoak.risk" && b.format === "heapsoak.risk") {
    const kinds = new Set([...kindsOf(a), ...kindsOf(b)]);
    return [riskSubjects(a, kinds), riskSubjects(b, kinds)];
  }
  return [subjectsOfOne(a), subjectsOfOne(b)];
}

function subjectsOfOne(record: ReportRecord): readonly Subject[] {
  switch (record.format) {
    case "heapsoak.run":
      return [runSubject(record)];
    case "heapsoak.compare":
      return compareSubjects(record);
    case "heapsoak.size":
      return sizeSubjects(record);
    case "heapsoak.stack-bound":
      return [stackBoundSubject(record)];
    case "heapsoak.validation":
      return [validationSubject(record)];
    default: {
      const hint = "Records of run, compare, risk, size, stack and board validate are.";
      throw new HeapsoakError("bad-argument", `Records ${record.format} are not compared.`, { hint });
    }
  }
}

/** Subjects by title; those that share one are numbered. */
function byTitle(subjects: readonly Subject[]): Map<string, Subject> {
  const named = new Map<string, Subject>();
  for (const subject of subjects) {
    let title = subject.title;
    for (let count = 2; named.has(title); count++) title = `${subject.title} (${count})`;
    named.set(title, { ...subject, title });
  }
  return named;
}

function nothingInCommon(...sides: readonly ReadonlyMap<string, Subject>[]): HeapsoakError {
  const [old, fresh] = sides.map((side) => listed([...side.keys()].filter((title) => title !== "")));
  return new HeapsoakError("bad-argument", `The records have nothing in common: ${old}; now ${fresh}.`);
}

/** At most a dozen names. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown || "none";
}

function joined<T extends { readonly name: string }>(old: readonly T[], fresh: readonly T[]): Pair<T>[] {
  const others = new Map(fresh.map((item) => [item.name, item]));
  return old.flatMap((item): Pair<T>[] => {
    const other = others.get(item.name);
    return other ? [[item, other]] : [];
  });
}

/** What was not run alike. */
function factRemarks([old, fresh]: Pair<Subject>): string[] {
  const different = Object.entries(old.facts).flatMap(([fact, text]) => {
    const now = fresh.facts[fact];
    return now === undefined || now === text ? [] : [`not the same ${fact}: ${text}, now ${now}`];
  });
  const owners = [old, fresh].map(({ figures }) => figures.map(({ name }) => ownerOf(name)));
  return [...different, ...presenceRemarks(owners[0] ?? [], owners[1] ?? [])];
}

/** What only one of the records is about. */
function presenceRemarks(old: readonly string[], fresh: readonly string[]): string[] {
  const [before, after] = [new Set(old), new Set(fresh)];
  const gone = [...before].filter((name) => !after.has(name));
  const come = [...after].filter((name) => !before.has(name));
  return [
    ...(gone.length > 0 ? [`only in the old record: ${listed(gone)}`] : []),
    ...(come.length > 0 ? [`only in the new record: ${listed(come)}`] : []),
  ];
}

/** Undefined: nothing has changed. */
type Outcome = Weighed | undefined;

function statementChanges(old: Subject, fresh: Subject): Outcome[] {
  const before = new Map(old.statements.map((statement) => [statement.name, statement]));
  const after = new Map(fresh.statements.map((statement) => [statement.name, statement]));
  return [...new Set([...before.keys(), ...after.keys()])].map((name) => {
    return statementChange(old.title, name, before.get(name), after.get(name));
  });
}

function statementChange(subject: string, name: string, old?: Statement, fresh?: Statement): Outcome {
  if (old?.text === fresh?.text) return undefined;
  const worsening = (fresh?.badness ?? 0) - (old?.badness ?? 0);
  const status = worsening > 0 ? "worse" : worsening < 0 ? "better" : "changed";
  const change = { subject, name, status, old: old?.text ?? null, new: fresh?.text ?? null } as const;
  return { change, weight: Number.POSITIVE_INFINITY };
}

function figureChanges(old: Subject, fresh: Subject, thresholds: Thresholds): Outcome[] {
  return joined(old.figures, fresh.figures).map((pair) => {
    const threshold = thresholds.of(pair[0]);
    return figureChange(old.title, pair, threshold);
  });
}

function figureChange(subject: string, [old, fresh]: Pair<Figure>, threshold: FigureChange["threshold"]): Outcome {
  const change = Number((fresh.value - old.value).toPrecision(DIGITS));
  if (change === 0) return undefined;
  const { unit, better } = old.kind;
  const changeRatio = old.value === 0 ? null : Number((change / Math.abs(old.value)).toPrecision(DIGITS));
  const intervals = old.interval && fresh.interval ? { old: old.interval, new: fresh.interval } : null;
  const figure = { subject, name: old.name, unit, better, old: old.value, new: fresh.value };
  const judged = { ...figure, intervals, change, changeRatio, threshold };
  const weight = changeRatio === null ? Number.MAX_VALUE : Math.abs(changeRatio);
  return { change: { ...judged, status: statusOf(judged) }, weight };
}

function statusOf({ intervals, threshold, better, change, old }: Omit<FigureChange, "status">): ChangeStatus {
  if (threshold === null) return "not-judged";
  if (intervals && intervals.old[0] <= intervals.new[1] && intervals.new[0] <= intervals.old[1]) return "within-chance";
  const allowed =
    "share" in threshold ? Number((threshold.share * Math.abs(old)).toPrecision(DIGITS)) : threshold.amount;
  if (Math.abs(change) <= allowed) return "within-threshold";
  return change > 0 === (better === "more") ? "better" : "worse";
}

/** Equals stay in the order of the records: the sort is stable. */
function worstFirst(a: Weighed, b: Weighed): number {
  const rank = ORDER.indexOf(a.change.status) - ORDER.indexOf(b.change.status);
  return rank !== 0 ? rank : a.weight === b.weight ? 0 : b.weight - a.weight;
}
