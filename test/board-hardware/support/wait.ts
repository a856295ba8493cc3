import { setTimeout as delay } from "node:timers/promises";

/** Generous: QEMU on a loaded machine of two cores is slower by factors. */
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

/** Waits until `found` returns something else than false, undefined or null, and returns it. */
export async function until<T>(
  what: string,
  found: () => T | false | undefined | null | Promise<T | false | undefined | null>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const lastMs = performance.now() + patienceMs;
  for (;;) {
    const value = await found();
    if (value !== false && value !== undefined && value !== null) return value;
    if (performance.now() > lastMs) throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}`);
    await delay(POLL_MS);
  }
}
