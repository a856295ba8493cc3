/** What a program's names, random streams and loops are numbered with, and how streams are identified. */
import type { DocumentPath } from "../yaml-document.ts";
import type { StreamNumbers } from "./compiler-amounts.ts";

/** Numbers things in the order in which they are first met. */
class Numbering {
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(name, number);
    return number;
  }

  get names(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}

/** The numbers of one program; its instances share them. */
export class ProgramNumbers implements StreamNumbers {
  readonly #names = new Numbering();
  readonly #samples = new Numbering();
  readonly #sites = new Numbering();
  #localCount = 0;
  #frameCapacity = 0;

  /** The slot of a name that holds a block. */
  name(name: string): number {
    return this.#names.of(name);
  }

  number(name: string): number {
    return this.#samples.of(name);
  }

  site(path: string): number {
    return this.#sites.of(path);
  }

  noteLoops(nested: number): void {
    this.#localCount = Math.max(this.#localCount, nested);
  }

  noteCalls(nested: number): void {
    this.#frameCapacity = Math.max(this.#frameCapacity, nested);
  }

  /** Names that hold blocks, by slot. */
  get names(): readonly string[] {
    return this.#names.names;
  }

  /** Names of sampled numbers, by index. */
  get samples(): readonly string[] {
    return this.#samples.names;
  }

  /** Draw sites by number: their place within the task. */
  get sites(): readonly string[] {
    return this.#sites.names;
  }

  /** Loops that are open at once. */
  get localCount(): number {
    return this.#localCount;
  }

  /** Calls that are open at once. */
  get frameCapacity(): number {
    return this.#frameCapacity;
  }
}

/** A path as people write it: `tasks.uplink.do[2]`. */
export function pathText(path: DocumentPath): string {
  const parts = path.map((key, index) => {
    if (typeof key === "number") return `[${key}]`;
    return index === 0 ? String(key) : `.${String(key)}`;
  });
  return parts.join("");
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** 64-bit FNV-1a of a text in UTF-8: what keys the random stream of a draw site. */
export function streamIdentity(text: string): bigint {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash;
}
