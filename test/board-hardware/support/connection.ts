import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { until } from "./wait.ts";

/** Connects to a Unix socket once somebody listens there: its file appears a moment before that. */
export async function connectionTo(what: string, path: string): Promise<Socket> {
  return until(what, async () => {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      socket.destroy();
      return undefined;
    }
  });
}
