/** Builds of the board agent's example, each made once in a test file's run. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const AGENT = fileURLToPath(new URL("../../../firmware-scenarios/board-agent/", import.meta.url));
const EXAMPLE = join(AGENT, "mps2-an385");

/** Names of heapsoak's allocators, and what the example's Makefile calls them. */
const VARIANTS = {
  "newlib-nano": ["LIBC=newlib-nano"],
  newlib: ["LIBC=newlib"],
  "first-fit": ["ALLOCATOR=own"],
} as const;

export type FirmwareAllocator = keyof typeof VARIANTS;
export const ALLOCATORS = Object.keys(VARIANTS) as FirmwareAllocator[];

export interface FirmwareOptions {
  /** Default: newlib-nano. */
  readonly allocator?: FirmwareAllocator;
  /** What the firmware itself does with its heap; the Makefile's words. Default: off. */
  readonly workload?: "off" | "on" | "flood" | "burst";
  /** Default: the example's. */
  readonly heapBytes?: number;
}

const folder = mkdtempSync(join(tmpdir(), "heapsoak-firmware-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const built = new Map<string, string>();

/** The path of the ELF file. */
export function firmware({ allocator = "newlib-nano", workload = "off", heapBytes }: FirmwareOptions): string {
  const settings = [
    ...VARIANTS[allocator],
    `WORKLOAD=${workload}`,
    ...(heapBytes === undefined ? [] : [`HEAP_BYTES=${heapBytes}`]),
  ];
  const key = settings.join(" ");
  const elf = built.get(key) ?? make(settings, join(folder, `build-${built.size}`));
  built.set(key, elf);
  return elf;
}

function make(settings: readonly string[], build: string): string {
  execFileSync("make", ["--silent", "-C", EXAMPLE, ...settings, `BUILD=${build}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return join(build, "firmware.elf");
}
