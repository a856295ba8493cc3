/** Where something happened: the step, whose path names its task already, or both, or the task alone. */
export function placeText(task: string | null, step: string | null): string {
  if (step === null) return task ?? "the kernel";
  const named = task === null || step.startsWith(`tasks.${task}`) || step.startsWith(`interrupts.${task}`);
  return named ? step : `${task}: ${step}`;
}
