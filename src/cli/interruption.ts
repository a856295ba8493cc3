const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs `work` with a signal that Ctrl-C aborts, so that the work can end cleanly; a second Ctrl-C ends the process
 * as if nobody had listened. `clear` removes what would stand in the way of a message.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, clear: () => void): Promise<T> {
  const controller = new AbortController();
  const abort = () => {
    forget();
    clear();
    process.stderr.write("heapsoak: ending the run; interrupt once more to stop at once.\n");
    controller.abort();
  };
  const forget = () => {
    for (const signal of SIGNALS) process.off(signal, abort);
  };
  for (const signal of SIGNALS) process.on(signal, abort);
  try {
    return await work(controller.signal);
  } finally {
    forget();
  }
}
