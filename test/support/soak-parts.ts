import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { instantiateSync } from "@assemblyscript/loader";
import asc from "assemblyscript/asc";
import { ENGINE_HIGH, ENGINE_POOL, PAGE_BYTES } from "../../assembly/memory-map.ts";
import { DrawField, type DrawKind, DrawSiteField } from "../../assembly/soak/draw-map.ts";
import type { CoreBuild } from "../../src/wasm/module.ts";

/** Where bulk results go: no device lies in the memory of these tests. */
export const SCRATCH = 0x1000_0000;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The exports of assembly/test/soak-parts.ts. */
export interface SoakExports {
  initializeDraws(): void;
  rekey(site: number, seed: bigint, branch: number): void;
  nextBits(site: number): bigint;
  fillBits(site: number, output: number, count: number): void;
  draw(descriptor: number, site: number): number;
  drawWhole(descriptor: number, site: number): number;
  drawMicroseconds(descriptor: number, residue: number, site: number): bigint;
  fillDraws(descriptor: number, site: number, output: number, count: number): void;
  sumMicroseconds(descriptor: number, residue: number, site: number, count: number): bigint;
  wheelReset(wheel: number, now: bigint): void;
  wheelInsert(wheel: number, timer: number, time: bigint): void;
  wheelRemove(wheel: number, timer: number): void;
  wheelTakeDue(wheel: number, until: bigint): number;
  wheelMayBeDue(wheel: number, until: bigint): number;
  wheelNow(wheel: number): bigint;
  wheelPending(wheel: number): number;
}

/** Compiles assembly/test/soak-parts.ts with the options of a product build; nothing is written to disk. */
async function compileParts(build: CoreBuild): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["--target", build], {
    readFile: (name, base) => (name === "asconfig.json" ? partsConfiguration() : read(join(base, name))),
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = Uint8Array.from(contents as Uint8Array);
    },
  });
  if (error || !binary) throw new Error(`asc: ${error?.message}\n${stderr.toString()}`);
  return binary;
}

function partsConfiguration(): string {
  const configuration = JSON.parse(readFileSync(join(ROOT, "asconfig.json"), "utf8"));
  return JSON.stringify({ ...configuration, entries: ["assembly/test/soak-parts.ts"] });
}

function read(path: string): string | null {
  try {
    return readFileSync(path.startsWith("/") ? path : join(ROOT, path), "utf8");
  } catch {
    return null;
  }
}

/** A quantity as a test writes it. */
export interface Quantity {
  kind: DrawKind;
  a?: number;
  b?: number;
  minimum?: number;
  maximum?: number;
  /** Values of an `Empirical`, ascending. */
  values?: readonly number[];
  /** Value and weight of each entry of a `Choice`. */
  weighted?: readonly (readonly [value: number, weight: number])[];
}

/** The parts over a memory of their own, with records handed out one behind the other. */
export class SoakParts {
  readonly core: SoakExports;
  readonly view: DataView;
  #free = ENGINE_POOL;

  private constructor(binary: Uint8Array<ArrayBuffer>) {
    const pages = ENGINE_HIGH / PAGE_BYTES;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.core = instantiateSync(binary, { env: { memory } }).exports as unknown as SoakExports;
    this.view = new DataView(memory.buffer);
    this.core.initializeDraws();
  }

  static async compile(build: CoreBuild): Promise<SoakParts> {
    return new SoakParts(await compileParts(build));
  }

  /** Zeroed bytes at an 8-aligned address. */
  reserve(bytes: number): number {
    const address = this.#free;
    this.#free += Math.ceil(bytes / 8) * 8;
    return address;
  }

  /** A site keyed for seed 1 and branch 0 unless told otherwise. */
  site(identity: bigint, seed = 1n, branch = 0): number {
    const address = this.reserve(DrawSiteField.Length * 4);
    this.view.setBigUint64(address + DrawSiteField.IdentityLow * 4, identity, true);
    this.core.rekey(address, seed, branch);
    return address;
  }

  counter(site: number): bigint {
    return this.view.getBigUint64(site + DrawSiteField.CounterLow * 4, true);
  }

  descriptor(quantity: Quantity): number {
    const address = this.reserve(DrawField.Length * 4);
    const table = quantity.values ?? cumulative(quantity.weighted ?? []);
    this.view.setUint32(address + DrawField.Kind * 4, quantity.kind, true);
    this.view.setUint32(address + DrawField.TableCount * 4, quantity.values?.length ?? table.length / 2, true);
    this.view.setUint32(address + DrawField.Table * 4, this.#reals(table), true);
    this.view.setFloat64(address + DrawField.A * 4, quantity.a ?? 0, true);
    this.view.setFloat64(address + DrawField.B * 4, quantity.b ?? 0, true);
    this.view.setFloat64(address + DrawField.Minimum * 4, quantity.minimum ?? -Infinity, true);
    this.view.setFloat64(address + DrawField.Maximum * 4, quantity.maximum ?? Infinity, true);
    return address;
  }

  #reals(values: readonly number[]): number {
    const address = this.reserve(values.length * 8);
    for (const [i, value] of values.entries()) this.view.setFloat64(address + i * 8, value, true);
    return address;
  }

  /** The next `count` draws of the quantity. */
  draws(quantity: Quantity, count: number, site = this.site(7n)): Float64Array {
    this.core.fillDraws(this.descriptor(quantity), site, SCRATCH, count);
    return new Float64Array(this.view.buffer, SCRATCH, count).slice();
  }
}

function cumulative(weighted: readonly (readonly [number, number])[]): number[] {
  let sum = 0;
  return weighted.flatMap(([value, weight]) => {
    sum += weight;
    return [value, sum];
  });
}
