import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll } from "vitest";
import type { TraceBatch } from "../../src/trace/format.ts";
import { type OpenTrace, readTrace } from "../../src/trace/reader.ts";

/** One operation of a batch, as a row. */
export interface Row {
  readonly opcode: number;
  readonly id: number;
  readonly requestBytes: number;
  readonly alignment: number;
  readonly expected: number;
  readonly line: number;
}

/** A trace from memory, handed over in chunks of `chunkBytes`. */
export function traceOf(content: string | Uint8Array, chunkBytes = 1 << 16): Promise<OpenTrace> {
  const bytes = Buffer.from(content);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) =>
    bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  );
  return readTrace(Readable.from(chunks, { objectMode: false }), "t.trace");
}

/** All operations of a trace. */
export async function rowsOf(content: string | Uint8Array, chunkBytes?: number): Promise<Row[]> {
  const rows: Row[] = [];
  const trace = await traceOf(content, chunkBytes);
  for await (const batch of trace.batches()) rows.push(...batchRows(batch));
  return rows;
}

function batchRows({ count, opcodes, ids, requestBytes, alignments, expected, lines }: TraceBatch): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    opcode: opcodes[i] ?? 0,
    id: ids[i] ?? 0,
    requestBytes: requestBytes[i] ?? 0,
    alignment: alignments[i] ?? 0,
    expected: expected[i] ?? 0,
    line: lines[i] ?? 0,
  }));
}

/** A folder that lives as long as the test file, and a function that writes files into it and returns their paths. */
export function temporaryFolder(): { folder: string; write: (name: string, content: string | Uint8Array) => string } {
  const folder = mkdtempSync(join(tmpdir(), "heapsoak-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  return { folder, write };
}

/** A random but valid trace of `operations` records, the same for the same seed. */
export function randomTrace(operations: number, seed = 1): string {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const live: number[] = [];
  const lines = ["# allocator=freertos-heap4", "# heap_size=8192"];
  for (let id = 0; lines.length < operations + 2; ) {
    if (live.length > 0 && random(100) < 48) lines.push(`f ${live.splice(random(live.length), 1)[0]}`);
    else {
      lines.push(`a ${id} ${8 + random(200)} 0`);
      live.push(id++);
    }
  }
  return `${lines.join("\n")}\n`;
}
