/** What can be wrong with a record, by a name that stays the same from version to version: SARIF's rules. */
import type { RunFailureKind } from "../../soak/record.ts";

export interface Rule {
  /** What it means, in a sentence. */
  readonly text: string;
  /** What to do about it. */
  readonly help: string;
}

export type RuleId =
  | RunFailureKind
  | "no-failure"
  | "expectation"
  | "risk-limit"
  | "heap-size"
  | "board-comparison"
  | "stack-limit"
  | "stack-bound"
  | "fit"
  | "forecast"
  | "hunt"
  | "worst-case";

export const RULES: Readonly<Record<RuleId, Rule>> = {
  crash: {
    text: "A request for memory was refused, and the firmware does not cope with that.",
    help: "Look at the blocks that pin the free memory (heapsoak blame), enlarge the heap (heapsoak size), use another allocator (heapsoak compare), or handle the refusal (orElse, onAllocationFailure).",
  },
  "reboot-by-policy": {
    text: "A request for memory was refused, and the policy is to reboot.",
    help: "Look at the blocks that pin the free memory (heapsoak blame), enlarge the heap (heapsoak size), or use another allocator (heapsoak compare).",
  },
  fault: {
    text: "The device faulted: an access to memory that is not there, or not allowed.",
    help: "Look at the fault's registers and the last operations (--rewind); a stack that overflowed before it is named in the record.",
  },
  "stack-overflow": {
    text: "A stack overflowed, and a guard noticed.",
    help: "Give the stack its worst case (the record's worstCaseBytes), or take large buffers off it.",
  },
  "stack-corruption": {
    text: "A task found its stack overwritten when it came back to it.",
    help: "Find the stack that overflowed into it (overwrote in the record), and give it its worst case or a guard.",
  },
  deadlock: {
    text: "All tasks wait for one another.",
    help: "Look at the queues that are full or empty, and at what their tasks wait for.",
  },
  "boot-loop": {
    text: "The device rebooted more than 10 times in an hour.",
    help: "Look at what the first reboot was for; memory that is not initialised at a warm reboot is a usual cause.",
  },
  overload: {
    text: "There was more work than processor time.",
    help: "Look at the tasks' skipped activations; make their work shorter or their periods longer.",
  },
  "no-progress": {
    text: "Simulated time stood still: tasks ran without ever waiting.",
    help: "Look for a loop of steps that takes no time, and give it work or wait.",
  },
  "queue-full": {
    text: "A queue whose policy is to fail was full.",
    help: "Make the queue longer, its reader faster, or choose another whenFull.",
  },
  "allocation-in-interrupt": {
    text: "An interrupt asked for memory from a heap that is not safe there.",
    help: "Allocate in a task, or from a pool that may be used in interrupts.",
  },
  "too-many-blocks": {
    text: "More blocks were live than can be recorded.",
    help: "Look for a leak (holders in the record); a real heap would be full as well.",
  },
  "no-failure": {
    text: "The run ended before its horizon, without a failure so far.",
    help: "Let it run to its end.",
  },
  expectation: {
    text: "An expectation of the scenario is not met.",
    help: "The message has the figure that was observed. Mend the firmware's use of memory, or correct the expectation.",
  },
  "risk-limit": {
    text: "The probability of a failure within the horizon is above the accepted risk.",
    help: "Take the heap that the campaign recommends, or look for the cause with heapsoak blame.",
  },
  "heap-size": {
    text: "No heap that the device holds meets the accepted risk with this allocator.",
    help: "Use another allocator, another device, or less memory at once.",
  },
  "board-comparison": {
    text: "A board and the emulator do not agree.",
    help: "Check that the allocator's version and options are those of the board's firmware; otherwise report it.",
  },
  "stack-limit": {
    text: "The worst case of a stack is above its limit.",
    help: "Enlarge the stack, or shorten its deepest path, which the record has.",
  },
  "stack-bound": {
    text: "The worst case of a stack is not known: only a lower bound is.",
    help: "Annotate what the record calls unknown: recursion, calls by pointer, frames of variable size.",
  },
  fit: {
    text: "The scenario does not make the heap look like the trace.",
    help: "Read the reasons in the record; a longer trace or one with call sites fits better.",
  },
  forecast: {
    text: "A device's counters show that a request will be refused within the horizon.",
    help: "Restart the device before the date, and look for the leak or the fragmentation that the verdict names.",
  },
  hunt: {
    text: "A run was found that fails, or needs a larger heap.",
    help: "Repeat it from the recipe in the record, and look at the moment of its failure.",
  },
  "worst-case": {
    text: "Every heap that was tried can be defeated by some sequence of requests.",
    help: "Use a larger heap, smaller requests, or an allocator with a better bound.",
  },
};
