import { BankKind, ENGINE_HIGH, HeapField } from "../../assembly/memory-map.ts";
import { encodeOptions } from "../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues } from "../allocators/entry.ts";
import { HeapsoakError } from "../errors.ts";
import type { ImageSegment } from "../image/ram-image.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import { Engine, type MappedBank } from "../wasm/engine.ts";
import { type HeapBlock, type HeapFinding, HeapRecord, type HeapSummary, type Region } from "../wasm/heap-record.ts";

/** What to look for in a RAM image. */
export interface AutopsyRequest {
  readonly segments: readonly ImageSegment[];
  readonly allocator: AllocatorEntry;
  /** The heap's regions; the first is the arena. */
  readonly regions: readonly Region[];
  readonly options?: OptionValues;
  /** Where the allocator's static variables lie, when the image holds them as heapsoak lays them out. */
  readonly stateAt?: number;
  /** Values of static variables by name (`AllocatorEntry.statics`), when the arena alone does not tell them. */
  readonly statics?: Readonly<Record<string, number>>;
}

/** A heap found in a RAM image. */
export interface Autopsy {
  readonly allocator: string;
  readonly regions: readonly Region[];
  /** Blocks up to the end, or up to where the metadata leads nowhere. */
  readonly blocks: readonly HeapBlock[];
  /** False where the walk ended early. */
  readonly walkedToEnd: boolean;
  /** The first invariant that does not hold, or undefined. */
  readonly finding: HeapFinding | undefined;
  /** Undefined where the metadata is too broken to be summed up. */
  readonly summary: HeapSummary | undefined;
  readonly statistics: Readonly<Record<string, number>> | undefined;
}

/**
 * Walks a heap inside a RAM image. Changes nothing: the image is copied into an emulated device whose static
 * variables of the allocator are read from the image, supplied, or rebuilt from the arena.
 * Throws `bad-image` where the image does not hold the heap, `bad-argument` where variables are missing.
 */
export function autopsy(request: AutopsyRequest): Autopsy {
  const { allocator, segments, regions } = request;
  for (const region of regions) requireHeld(segments, region);
  if (regions.some(({ low }) => low === 0)) {
    throw new HeapsoakError("bad-argument", "A heap cannot begin at address 0, which is the null pointer.");
  }
  const scratch = request.stateAt === undefined ? scratchBank(segments) : undefined;
  const banks = bankOf(segments);
  const engine = new Engine(scratch ? [...banks, scratch] : banks, { unalignedFaults: false });
  for (const { low, bytes } of segments) engine.bytes.set(bytes, low);
  const record = new HeapRecord(
    engine,
    allocator.kind,
    encodeOptions(allocator, request.options ?? {}),
    regions[0]?.bytes,
  );
  record.place(regions, request.stateAt ?? scratch?.low ?? 0);
  if (request.stateAt !== undefined)
    requireHeld(segments, { low: request.stateAt, bytes: record.get(HeapField.StateBytes) });
  else adopt(record, request);
  const finding = record.check();
  const walk = record.blocksUntilFault();
  const sound = walk.complete && finding === undefined;
  return {
    allocator: allocator.name,
    regions,
    blocks: walk.blocks,
    walkedToEnd: walk.complete,
    finding,
    summary: sound ? record.summary() : undefined,
    statistics: sound ? named(allocator, record.statistics()) : undefined,
  };
}

function adopt(record: HeapRecord, { allocator, statics = {} }: AutopsyRequest): void {
  const names = allocator.statics ?? [];
  const unknown = Object.keys(statics).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new HeapsoakError("bad-argument", `${allocator.name} has no static variable "${unknown}".`, {
      hint: names.length ? `It has: ${names.join(", ")}.` : "It needs none.",
    });
  }
  const values = names.map((name) => statics[name] ?? 0);
  if (record.adopt(values, allocator.pointerBytes)) return;
  throw new HeapsoakError("bad-argument", `The arena of ${allocator.name} alone does not tell its state.`, {
    hint: `Look these variables up on the board and pass them: ${names.map((name) => `--static ${name}=VALUE`).join(" ")}`,
  });
}

function named(allocator: AllocatorEntry, values: readonly number[]): Record<string, number> {
  return Object.fromEntries(allocator.statisticKeys.map((key, index) => [key, values[index] ?? 0]));
}

function requireHeld(segments: readonly ImageSegment[], region: Region): void {
  const held = segments.some(({ low, bytes }) => region.low >= low && region.low + region.bytes <= low + bytes.length);
  if (held) return;
  const have = segments.map(({ low, bytes }) => `${formatAddress(low)} + ${formatBytes(bytes.length)}`).join(", ");
  throw new HeapsoakError(
    "bad-image",
    `The image does not hold ${formatAddress(region.low)} + ${formatBytes(region.bytes)}.`,
    {
      hint: `It holds ${have || "nothing"}.`,
    },
  );
}

function bankOf(segments: readonly ImageSegment[]): MappedBank[] {
  return segments.map(({ low, bytes }) => ({ low, bytes: bytes.length, home: low, kind: BankKind.Ram }));
}

/** 64 KiB beside the image for the allocator's static variables. */
function scratchBank(segments: readonly ImageSegment[]): MappedBank {
  const bytes = 0x1_0000;
  const free = (low: number) =>
    segments.every((segment) => low + bytes <= segment.low || low >= segment.low + segment.bytes.length);
  const low = [0x57ff_0000, 0x5000_0000, 0x4ff0_0000, ENGINE_HIGH].find(free);
  if (low === undefined)
    throw new HeapsoakError("bad-image", "The image leaves no room for the allocator's static variables.");
  return { low, bytes, home: low, kind: BankKind.Ram };
}
