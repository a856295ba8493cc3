import { MAIN_STACK } from "../../firmware-stack/stack-bound.ts";
import type { StackBoundRecord } from "../../firmware-stack/stack-record.ts";

/** A stack of a program: of an entry point, of a handler, or the main stack. */
export interface BoundedStack {
  readonly name: string;
  readonly kind: string;
  readonly bytes: number;
  readonly bounded: boolean;
  /** What the program gives it; null: not known. */
  readonly givenBytes: number | null;
}

/** All stacks of the program. */
export function stacksOf({ entries, interrupts, mainStack }: StackBoundRecord): BoundedStack[] {
  return [
    ...entries.map(({ name, kind, bytes, bounded, stackBytes }) => ({
      name,
      kind,
      bytes,
      bounded,
      givenBytes: stackBytes,
    })),
    ...interrupts.map(({ name, bytes, bounded }) => ({ name, kind: "interrupt", bytes, bounded, givenBytes: null })),
    { name: MAIN_STACK, kind: MAIN_STACK, bytes: mainStack.bytes, bounded: mainStack.bounded, givenBytes: null },
  ];
}
