/** Versions of allocators as boards tell them: `3.3.0`, `V10.4.3`, `newlib 4.1.0-snapshot`. */
import type { AllocatorEntry } from "../../allocators/entry.ts";

/** The numbers of a version, the more significant first; none where it holds no number. */
function numbersOf(version: string): number[] {
  const dotted = /\d{1,6}(?:\.\d{1,6}){0,3}/.exec(version)?.[0];
  return dotted === undefined ? [] : dotted.split(".").map(Number);
}

/** Negative where `a` is older than `b`; what one of them leaves out counts as 0. */
function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What to say where the emulated allocator is not exact for the board's version; undefined where nothing is known against it. */
export function versionWarning(allocator: AllocatorEntry, version: string): string | undefined {
  const { name, exactVersions, versions } = allocator;
  if (!exactVersions) return undefined;
  const { from, before } = exactVersions;
  const range = before === undefined ? `from ${from} on` : `from ${from} up to, but not including, ${before}`;
  const told = numbersOf(version);
  if (told.length === 0) return `The board does not tell its version of ${name}; placement is exact ${range}.`;
  const inside =
    compareVersions(told, numbersOf(from)) >= 0 &&
    (before === undefined || compareVersions(told, numbersOf(before)) < 0);
  return inside ? undefined : `The board has ${name} ${version}; placement is exact ${range}. Known: ${versions}.`;
}
