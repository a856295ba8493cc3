import { Readable } from "node:stream";
import { type Counters, type ReadRequest, readCounterStreams } from "../../src/forecast/read.ts";

type Settings = Partial<Omit<ReadRequest, "paths">>;

/** The tracks of texts that stand for files: `counters 1`, `counters 2` and so on. */
export function countersOf(texts: readonly (string | Buffer)[], settings: Settings = {}): Promise<Counters> {
  const inputs = texts.map((text, index) => ({
    path: `counters ${index + 1}`,
    open: async () => Readable.from([Buffer.from(text)]),
  }));
  return readCounterStreams(inputs, { columns: {}, requestBytes: 1024, ...settings });
}
