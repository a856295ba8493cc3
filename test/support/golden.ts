import { existsSync, readdirSync, readFileSync } from "node:fs";
import { crc32, gunzipSync } from "node:zlib";
import { HeapField, NO_MEMORY, Opcode, OperationField, OPERATIONS, OPERATIONS_MOST, SLOTS, SlotField } from "../../assembly/memory-map.ts";
import { findAllocator } from "../../src/allocators/catalogue.ts";
import type { Engine } from "../../src/wasm/engine.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { testHeap } from "./bench-heap.ts";

/** The traces to hold allocators against: the whole collection when it lies beside the repository, else the subset. */
export function goldenFolder(): URL {
  const whole = new URL("../../../shared/golden/", import.meta.url);
  return existsSync(whole) ? whole : new URL("../golden/", import.meta.url);
}

/** Files of one golden folder. */
export function goldenFiles(folder: string): URL[] {
  const url = new URL(`${folder}/`, goldenFolder());
  return readdirSync(url).filter((name) => name.endsWith(".trace.gz")).map((name) => new URL(name, url));
}

/** Replays one golden file on a fresh heap of `engine` and returns the first differences (at most 5), each a sentence. */
export function goldenDifferences(engine: Engine, file: URL): string[] {
  const lines = gunzipSync(readFileSync(file)).toString("latin1").split("\n");
  const header = new Map<string, string>();
  let first = 0;
  for (; lines[first]?.startsWith("#"); first++) {
    const [, key = "", value = ""] = /^# ([^=]+)=(.*)$/.exec(lines[first] ?? "") ?? [];
    header.set(key, value);
  }
  const heap = heapOf(engine, header);
  return compare(engine, heap, header, lines, first);
}

function heapOf(engine: Engine, header: ReadonlyMap<string, string>): HeapRecord {
  const entry = findAllocator(header.get("allocator") ?? "");
  const misalignment = Number(header.get("base_misalignment") ?? 0);
  const regions = [...header].filter(([key]) => /^region\d+$/.test(key)).map(([, value]) => {
    const [low = 0, bytes = 0] = value.split(":").map(Number);
    return { low: low + misalignment, bytes };
  });
  const whole = [{ low: misalignment, bytes: Number(header.get("heap_size")) }];
  return testHeap(engine, entry.name, regions.length ? regions : whole, entry.optionsFromTrace?.(header) ?? {});
}

function compare(engine: Engine, heap: HeapRecord, header: ReadonlyMap<string, string>, lines: string[], first: number): string[] {
  const differences: string[] = [];
  const entry = findAllocator(header.get("allocator") ?? "");
  const pending: number[] = [];
  engine.bytes.fill(0, SLOTS, SLOTS + 40000 * SlotField.Length * 4);
  const flush = () => {
    engine.fast.heapReplay(heap.address, 0, pending.length);
    for (let at = engine.fast.firstMismatch(0, pending.length); at < pending.length; at = engine.fast.firstMismatch(at + 1, pending.length)) {
      const got = engine.word(OPERATIONS + (at * OperationField.Length + OperationField.Result) * 4) | 0;
      differences.push(`line ${(pending[at] ?? 0) + 1}: ${lines[pending[at] ?? 0]}: got ${got}`);
      if (differences.length > 5) break;
    }
    pending.length = 0;
  };
  for (let i = first; i < lines.length && differences.length < 5; i++) {
    const [verb, ...fields] = (lines[i] ?? "").split(" ");
    if (!verb) continue;
    if (verb === "s" || verb === "h") {
      flush();
      const got = verb === "h" ? crcOf(engine, heap, Number(header.get("heap_size"))) : statisticsOf(heap, entry.statisticKeys, fields, entry.signedStatisticKeys);
      if (got !== fields.join(" ")) differences.push(`line ${i + 1}: ${lines[i]}: got ${got}`);
      continue;
    }
    push(engine, pending.length, verb, fields.map(Number));
    pending.push(i);
    if (pending.length === OPERATIONS_MOST) flush();
  }
  if (differences.length < 5) flush();
  return differences;
}

function push(engine: Engine, index: number, verb: string, fields: number[]): void {
  const [id = 0, a = 0, b = 0, c = 0] = fields;
  const record = OPERATIONS + index * OperationField.Length * 4;
  const put = (field: OperationField, value: number) => engine.setWord(record + field * 4, value);
  const opcode = { a: Opcode.Allocate, f: Opcode.Release, r: Opcode.Reallocate, z: Opcode.AllocateAligned }[verb];
  if (opcode === undefined) throw new Error(`unknown record ${verb}`);
  put(OperationField.Opcode, opcode);
  put(OperationField.Slot, id);
  put(OperationField.RequestBytes, verb === "z" ? b : a);
  put(OperationField.Alignment, verb === "z" ? a : 0);
  put(OperationField.Expected, verb === "z" ? c : b);
  put(OperationField.Result, NO_MEMORY);
}

function crcOf(engine: Engine, heap: HeapRecord, bytes: number): string {
  const arena = heap.get(HeapField.Arena);
  return crc32(engine.bytes.subarray(arena, arena + bytes)).toString(16).padStart(8, "0");
}

function statisticsOf(heap: HeapRecord, keys: readonly string[], fields: string[], signed: readonly string[] = []): string {
  const values = heap.statistics();
  return fields
    .map((field) => {
      const key = field.split("=")[0] ?? "";
      const value = values[keys.indexOf(key)] ?? Number.NaN;
      return `${key}=${signed.includes(key) ? value | 0 : value}`;
    })
    .join(" ");
}
