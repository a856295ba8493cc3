/** Bounds of small Thumb programs. */
import { coreFrames } from "../../src/device/frames.ts";
import { analyseProgram, type ProgramRequest } from "../../src/firmware-stack/program.ts";
import { stackBounds } from "../../src/firmware-stack/stack-bound.ts";
import { readElf } from "../../src/image/elf.ts";
import { POP_R4_PC, PUSH_R4_LR, type ThumbFunction, type ThumbOptions, thumbProgram } from "./thumb-program.ts";

export const M3 = coreFrames({ core: "armv7-m", coreName: "Cortex-M3" });

type Wanted = Partial<Pick<ProgramRequest, "entries" | "handlers" | "calls" | "files">>;

/** The program of these functions, the first of which is the reset handler. */
export function analysed(functions: readonly ThumbFunction[], options: ThumbOptions & Wanted = {}) {
  const elf = readElf(thumbProgram(functions, options), "app.elf");
  return analyseProgram({ elf, entries: [], calls: new Map(), ...options });
}

/** Its bounds on a Cortex-M3. */
export function bounds(functions: readonly ThumbFunction[], options: ThumbOptions & Wanted = {}) {
  return stackBounds(analysed(functions, options), M3);
}

/** The bound of a function that is the reset handler. */
export function bound(code: ThumbFunction["code"], others: readonly ThumbFunction[] = []) {
  const { entries, unknowns } = bounds([{ name: "start", code }, ...others]);
  const { bytes, bounded } = entries[0] ?? { bytes: -1, bounded: false };
  return { bytes, bounded, unknowns: unknowns.map(({ kind }) => kind) };
}

/** A bound without unknowns. */
export const exactly = (bytes: number) => ({ bytes, bounded: true, unknowns: [] });

export const leaf: ThumbFunction = { name: "leaf", code: [PUSH_R4_LR, 0xb082, 0xb002, POP_R4_PC] }; // 16 bytes
