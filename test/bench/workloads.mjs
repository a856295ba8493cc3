/** Golden operations for the benchmarks, parsed into the words of OperationField. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Opcode, OperationField } from "../../dist/assembly/memory-map.js";

/** Whose operations an allocator gets that has none of its own. */
const SUBSTITUTE = "freertos-heap4";
const OPCODES = { a: Opcode.Allocate, f: Opcode.Release, r: Opcode.Reallocate, z: Opcode.AllocateAligned };
/** Files of these arenas, the larger first: avr-libc cannot address 64 KiB. */
const ARENAS = ["65536", "6000"];

export const WORKLOADS = ["message", "pressure"];

/**
 * A workload for an allocator: its own golden trace or the substitute's. `words` are operations, ready to be copied
 * to OPERATIONS; `header` holds the trace's `# key=value` lines, `own` tells whose trace it is.
 */
export function workloadOf(allocator, workload) {
  const file = goldenFile(allocator, workload) ?? goldenFile(SUBSTITUTE, workload);
  if (!file) throw new Error(`no golden trace of ${SUBSTITUTE} for the workload ${workload}`);
  const lines = gunzipSync(readFileSync(file.url)).toString("latin1").split("\n");
  const header = new Map();
  for (const line of lines) {
    const [, key, value] = /^# ([^=]+)=(.*)$/.exec(line) ?? [];
    if (key) header.set(key, value);
  }
  const records = lines.map((line) => line.split(" ")).filter(([verb]) => verb in OPCODES);
  const words = new Uint32Array(records.length * OperationField.Length);
  for (const [index, [verb, id, first, second]] of records.entries()) {
    words.set(
      [OPCODES[verb], id, verb === "z" ? second : (first ?? 0), verb === "z" ? first : 0],
      index * OperationField.Length,
    );
  }
  return { words, count: records.length, header, own: file.folder === allocator };
}

function goldenFile(folder, workload) {
  for (const root of [new URL("../../../shared/golden/", import.meta.url), new URL("../golden/", import.meta.url)]) {
    const url = new URL(`${folder}/`, root);
    if (!existsSync(url)) continue;
    const names = readdirSync(url);
    for (const bytes of ARENAS) {
      const name = `${folder}-${workload}-${bytes}-s1.trace.gz`;
      if (names.includes(name)) return { url: new URL(name, url), folder };
    }
  }
  return undefined;
}
