import { HeapsoakError } from "../errors.ts";

/** For options that may be given again: each adds one to the list. */
export function collect(value: string, all: readonly string[] = []): string[] {
  return [...all, value];
}

/** `KEY=VALUE` arguments; numbers become numbers, `true` and `false` 1 and 0. `flag` names the option in messages. Throws `bad-argument`. */
export function parseAssignments(texts: readonly string[], flag: string): Record<string, string | number> {
  const values = new Map<string, string | number>();
  for (const text of texts) {
    const [, key, value] = /^([^=\s]+)=(.+)$/.exec(text) ?? [];
    if (!key || !value) throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected KEY=VALUE.`);
    if (values.has(key)) throw new HeapsoakError("bad-argument", `${flag}: "${key}" is given twice.`);
    values.set(key, assigned(value));
  }
  return Object.fromEntries(values);
}

/** A whole number from `least` to `most`. Throws `bad-argument`. */
export function parseCount(text: string, flag: string, least: number, most: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= least && count <= most) return count;
  throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected a whole number from ${least} to ${most}.`);
}

function assigned(value: string): string | number {
  if (value === "true") return 1;
  if (value === "false") return 0;
  return /^(0x[0-9a-f]+|-?\d+)$/i.test(value) ? Number(value) : value;
}
