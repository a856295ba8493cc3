import type { Amount, Expression, Step } from "./model.ts";

/** The lists of steps inside a step; empty for a plain one. */
export function nestedSteps(step: Step): readonly (readonly Step[])[] {
  switch (step.step) {
    case "allocate":
      return step.orElse ? [step.orElse] : [];
    case "call":
    case "recurse":
    case "repeat":
      return [step.steps];
    case "chance":
      return [step.steps, step.otherwise];
    case "choose":
      return step.options.map((option) => option.steps);
    default:
      return [];
  }
}

/** All steps, nested ones behind the step that holds them. */
export function* everyStep(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    for (const inner of nestedSteps(step)) yield* everyStep(inner);
  }
}

/** The amounts that a step evaluates, with the key they stand at. */
export function amountsOf(step: Step): [key: string, amount: Amount][] {
  switch (step.step) {
    case "allocate":
    case "reallocate":
      return [["size", step.size]];
    case "grow":
      return [
        ["by", step.by],
        ...(step.reserve ? ([["reserve", step.reserve]] satisfies [string, Amount][]) : []),
        ...(step.until ? ([["until", step.until]] satisfies [string, Amount][]) : []),
      ];
    case "recurse":
      return [["depth", step.depth]];
    case "repeat":
      return [["repeat", step.count]];
    default:
      return [];
  }
}

/** The names that the expression reads. */
export function namesIn(expression: Expression): string[] {
  if (expression.kind === "name") return [expression.name];
  return expression.kind === "operation" ? [...namesIn(expression.left), ...namesIn(expression.right)] : [];
}
