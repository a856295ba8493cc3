/** What of stack bounds and validations can be compared. */
import type { FirstDifference, ValidationRecord } from "../../board/validation/validation-record.ts";
import { MAIN_STACK } from "../../firmware-stack/stack-bound.ts";
import type { StackBoundRecord } from "../../firmware-stack/stack-record.ts";
import { VERDICTS } from "../verdict-of.ts";
import { type Figure, figuresOf, type Statement, type Subject } from "./figures.ts";
import { BADNESS } from "./run-subjects.ts";

const DIFFERENCES: Readonly<Record<FirstDifference["kind"], string>> = {
  placement: "a placement",
  statistic: "a statistic",
  ram: "the heap's RAM",
};

/** The bounds of entry points, handlers and the main stack, and the limits they were held against. */
export function stackBoundSubject(record: StackBoundRecord): Subject {
  const stacks = [
    ...record.entries.map(({ name, bytes, bounded }) => ({ name, bytes, bounded })),
    ...record.interrupts.map(({ name, bytes, bounded }) => ({ name, bytes, bounded })),
    { ...record.mainStack, name: MAIN_STACK },
  ];
  return {
    title: "",
    facts: { core: record.core },
    statements: [
      { name: "verdict", text: record.verdict, badness: BADNESS[record.verdict] },
      ...record.limits.map(({ name, verdict }): Statement => {
        return { name: `limit of ${name}`, text: verdict, badness: BADNESS[verdict] };
      }),
      ...stacks.map(({ name, bounded }): Statement => {
        return { name: `bound of ${name}`, text: bounded ? "known" : "a lower bound", badness: bounded ? 0 : 1 };
      }),
    ],
    figures: stacks.flatMap(({ name, bytes }) => figuresOf(`stacks.${name}`, { boundBytes: bytes })),
  };
}

export function validationSubject(record: ValidationRecord): Subject {
  const { board, buildId, allocator, allocatorVersion, emulatedAs, source, ram, verdict, firstDifference } = record;
  const facts = {
    board,
    build: buildId,
    allocator: `${allocator} ${allocatorVersion}`,
    "emulated allocator": emulatedAs,
    "source of operations": `${source.name} ${source.digest.slice(0, 12)}`,
    "version of heapsoak": record.heapsoak,
  };
  const statements: Statement[] = [
    { name: "verdict", text: verdict, badness: BADNESS[VERDICTS.validation[verdict]] },
    ...(firstDifference
      ? [{ name: `difference in ${DIFFERENCES[firstDifference.kind]}`, text: "found", badness: 2 } as const]
      : []),
    ...(ram
      ? [{ name: "RAM at the end", text: ram.equal ? "equal" : "different", badness: ram.equal ? 0 : 2 } as const]
      : []),
  ];
  return { title: "", facts, statements, figures: cycleFigures(record) };
}

function cycleFigures({ calibration }: ValidationRecord): Figure[] {
  return (calibration?.lines ?? []).flatMap(({ verb, cyclesPerVisit, maximumCycles }) =>
    figuresOf(`calibration.${verb}`, { cyclesPerVisit, maximumCycles }),
  );
}
