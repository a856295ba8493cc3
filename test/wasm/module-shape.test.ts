import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ENGINE_HIGH, PAGE_BYTES } from "../../assembly/memory-map.ts";
import { type CoreBuild, coreModule } from "../../src/wasm/module.ts";
import { testEngine } from "../support/bench-heap.ts";

const SECTION_IMPORT = 2;

describe.each(["release", "exact", "debug"] satisfies CoreBuild[])("the %s module", (build) => {
  const file = new Uint8Array(readFileSync(new URL(`../../dist/core/${build}.wasm`, import.meta.url)));

  test("imports its memory and the fault handler, and exports functions only", () => {
    const imports = WebAssembly.Module.imports(coreModule(build)).map(({ module, name }) => `${module}.${name}`);
    expect(imports.filter((name) => name !== "env.abort").sort()).toEqual(["env.memory", "fault.raiseFault"]);
    const exports = WebAssembly.Module.exports(coreModule(build));
    expect(exports.filter(({ kind }) => kind !== "function")).toEqual([]);
    expect(exports.length).toBeLessThan(48);
  });

  test("asks for a memory whose minimum is its size at instantiation", () => {
    const { minimum } = importedMemory(section(file, SECTION_IMPORT));
    expect(minimum * PAGE_BYTES).toBe(ENGINE_HIGH);
    const engine = testEngine();
    expect(engine.memory.buffer.byteLength).toBe(minimum * PAGE_BYTES);
    expect(() => engine.memory.grow(1)).toThrow(RangeError);
  });

  test("contains no memory.grow and dispatches no method on a runtime id (unmanaged objects have none)", () => {
    const text = readFileSync(new URL(`../../dist/core/${build}.wat`, import.meta.url), "utf8");
    expect(text).toContain("(module");
    expect(text).not.toContain("memory.grow");
    expect(text).not.toContain("@override");
  });
});

function section(file: Uint8Array, wanted: number): Uint8Array {
  for (let at = 8; at < file.length; ) {
    const id = file[at];
    const length = leb(file, at + 1);
    const start = length.next;
    if (id === wanted) return file.subarray(start, start + length.value);
    at = start + length.value;
  }
  throw new Error(`no section ${wanted}`);
}

function leb(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7, at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at + 1 };
  }
}

/** Minimum and maximum pages of the one memory import. */
function importedMemory(bytes: Uint8Array): { minimum: number; maximum: number } {
  const count = leb(bytes, 0);
  let at = count.next;
  for (let i = 0; i < count.value; i++) {
    const module = leb(bytes, at);
    const name = leb(bytes, module.next + module.value);
    at = name.next + name.value;
    const kind = bytes[at++];
    if (kind === 2) {
      const minimum = leb(bytes, at + 1);
      return { minimum: minimum.value, maximum: leb(bytes, minimum.next).value };
    }
    at = leb(bytes, at).next;
  }
  throw new Error("no memory import");
}
