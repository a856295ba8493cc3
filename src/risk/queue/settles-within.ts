import { setTimeout as sleep } from "node:timers/promises";

/** Waits for the work to end, well or badly, but no longer than so many milliseconds. Returns whether it has ended. */
export async function settlesWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const farewell = new AbortController();
  const late = sleep(ms, false, { signal: farewell.signal }).catch(() => false);
  const settled = work.then(
    () => true,
    () => true, // the connection may be gone
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    farewell.abort();
  }
}
