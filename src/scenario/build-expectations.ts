import type { DocumentPath } from "../yaml-document.ts";
import type { ExpectationDocument } from "./expectation-schema.ts";
import { heapFigures } from "./expectation-schema.ts";
import { suggestion, valueAt } from "./issues.ts";
import type { Bound, Expectation, HeapFigure } from "./model.ts";
import type { Reading } from "./reading.ts";

/** What stands for the main stack in an expectation. */
export const INTERRUPT_STACK = "interrupts";

type Place = Pick<Expectation, "path" | "text" | "line">;

/** The expectations, one for each bound. */
export function buildExpectations(reading: Reading, raw: unknown): Expectation[] {
  return reading.document.expect.flatMap((expectation, index) => {
    const path = ["expect", index];
    return build(reading, expectation, { path, text: inFlow(valueAt(raw, path)), line: reading.lineOf(path) });
  });
}

function build(reading: Reading, expectation: ExpectationDocument, place: Place): Expectation[] {
  const { path } = place;
  if ("survives" in expectation) return [{ ...place, expect: "survives", us: expectation.survives }];
  if ("fails" in expectation) {
    const { by, with: kind } = expectation.fails;
    return [{ ...place, expect: "fails", byUs: by, ...(kind && { with: kind }) }];
  }
  if ("heap" in expectation) return heapExpectations(reading, expectation, place);
  if ("stack" in expectation) {
    const { stack, headroom } = expectation;
    return [
      { ...place, expect: "stack", stack: stackName(reading, stack, [...path, "stack"]), headroom: headroom.atLeast },
    ];
  }
  if ("noAllocationIn" in expectation) {
    const names = expectation.noAllocationIn;
    for (const [index, name] of names.entries()) runnableName(reading, name, [...path, "noAllocationIn", index]);
    return [{ ...place, expect: "noAllocationIn", names }];
  }
  if ("noAllocationAfter" in expectation) {
    return [{ ...place, expect: "noAllocationAfter", us: expectation.noAllocationAfter }];
  }
  return [{ ...place, expect: "periodic" }];
}

function heapExpectations(
  reading: Reading,
  expectation: Extract<ExpectationDocument, { heap: string }>,
  place: Place,
): Expectation[] {
  const heap = reading.resolved("heaps", expectation.heap, [...place.path, "heap"]);
  const figures = Object.keys(heapFigures) as HeapFigure[];
  const found = figures.flatMap((figure) =>
    boundsOf(expectation[figure]).map((bound): Expectation => ({ ...place, expect: "heap", heap, figure, bound })),
  );
  if (found.length === 0) reading.issues.add(place.path, `expected a figure of the heap: ${figures.join(", ")}`);
  return found;
}

function boundsOf(written: { below?: number | undefined; atLeast?: number | undefined } | undefined): Bound[] {
  const bounds: Bound[] = [];
  if (written?.below !== undefined) bounds.push({ kind: "below", value: written.below });
  if (written?.atLeast !== undefined) bounds.push({ kind: "atLeast", value: written.atLeast });
  return bounds;
}

/** A stack is its task's; `interrupts` is the main stack. */
function stackName(reading: Reading, name: string, path: DocumentPath): string {
  const tasks = reading.names("tasks");
  if (name !== INTERRUPT_STACK && !tasks.includes(name)) {
    reading.issues.add(path, `there is no stack "${name}"${suggestion(name, [INTERRUPT_STACK, ...tasks])}`);
  }
  return name;
}

function runnableName(reading: Reading, name: string, path: DocumentPath): void {
  const names = [...reading.names("tasks"), ...reading.names("interrupts")];
  if (!names.includes(name)) {
    reading.issues.add(path, `there is no task or interrupt "${name}"${suggestion(name, names)}`);
  }
}

/** The value as YAML writes it on one line, without the outermost braces. */
function inFlow(value: unknown): string {
  const text = flow(value);
  return text.startsWith("{ ") ? text.slice(2, -2) : text;
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const pairs = Object.entries(value).map(([key, inner]) => `${key}: ${flow(inner)}`);
  return pairs.length > 0 ? `{ ${pairs.join(", ")} }` : "{}";
}
