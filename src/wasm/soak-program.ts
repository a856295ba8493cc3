import type { ProgramImage } from "../soak/compiler-image.ts";
import type { Engine } from "./engine.ts";

/** A program in engine memory. */
export interface LaidProgram {
  /** The address of a word of the image. */
  address(word: number): number;
}

/** Copies a program's image into the engine's pool and fills in the addresses it refers to. */
export function layProgram(engine: Engine, { words, relocations }: ProgramImage): LaidProgram {
  const base = engine.allocatePool(words.length * 4);
  engine.words.set(words, base >>> 2);
  for (const { at, target, odd } of relocations) engine.setWord(base + at * 4, base + target * 4 + (odd ? 1 : 0));
  return { address: (word) => base + word * 4 };
}
