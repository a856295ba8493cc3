import { createContext, Script } from "node:vm";

/**
 * Runs `work`, and ends it where it takes longer than `limitMs`: then `late` says what is thrown. Only this ends a
 * regular expression whose repetitions multiply. The limit costs a thread a call, so a call should do much.
 */
export function withinTime(limitMs: number, work: () => void, late: () => Error): void {
  let failure: { readonly error: unknown } | undefined;
  const context = createContext({
    run: () => {
      try {
        work();
      } catch (error) {
        failure = { error };
      }
    },
  });
  try {
    RUN.runInContext(context, { timeout: limitMs });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? late() : error;
  }
  if (failure) throw failure.error;
}

const RUN = new Script("run()");
