import type { Engine } from "./engine.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** A record in engine memory, read and written field by field. Fields are word offsets. */
export class EngineRecord {
  readonly engine: Engine;
  readonly address: number;

  constructor(engine: Engine, address: number) {
    this.engine = engine;
    this.address = address;
  }

  /** The word, unsigned. */
  get(field: number): number {
    return this.engine.word(this.address + field * 4);
  }

  /** The word, signed: -1 where "none" is all ones. */
  signed(field: number): number {
    return this.get(field) | 0;
  }

  /** The 64-bit number at a field, exact below 2^53. */
  long(field: number): number {
    return this.get(field + 1) * 2 ** 32 + this.get(field);
  }

  set(field: number, value: number): void {
    this.engine.setWord(this.address + field * 4, value);
  }

  /** Stores a whole number of 64 bits. */
  setLong(field: number, value: number | bigint): void {
    const long = BigInt.asUintN(64, BigInt(value));
    this.set(field, Number(long & 0xffff_ffffn));
    this.set(field + 1, Number(long >> 32n));
  }

  /** Stores an f64. */
  setReal(field: number, value: number): void {
    scratch.setFloat64(0, value, true);
    this.set(field, scratch.getUint32(0, true));
    this.set(field + 1, scratch.getUint32(4, true));
  }
}
