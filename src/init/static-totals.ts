/** What a program's image takes of each bank, besides the heaps and stacks that are written apart. */
import { type DeviceDescription, ramBanks } from "../device/description.ts";
import { staticUseOf } from "../device/elf-memory.ts";
import { memoryRequest } from "../scenario/layout.ts";
import type { DraftHeap, DraftStack, StaticTotal } from "./draft.ts";
import type { LinkedProgram } from "./linked-program.ts";

interface Range {
  readonly low: number;
  readonly bytes: number;
}

/** The sum by bank. The allocators' own variables are in it in the program, and apart in a scenario. */
export function staticTotals(
  program: LinkedProgram,
  device: DeviceDescription,
  heaps: readonly DraftHeap[],
  stacks: readonly (DraftStack | undefined)[],
): StaticTotal[] {
  const apart = [...heaps.map(({ at, bytes }) => ({ at, bytes: bytes.value })), ...stacks].flatMap((range) =>
    range?.at === undefined ? [] : [{ low: range.at, bytes: range.bytes }],
  );
  const uses = staticUseOf(program, ramBanks(device));
  return ramBanks(device).flatMap((bank) => {
    const inside = uses.filter(({ low }) => low >= bank.low && low < bank.low + bank.bytes);
    const image = inside.reduce((sum, use) => sum + bytesWithout(use, apart), 0);
    const states = heaps.filter(({ at }) =>
      at === undefined ? bank.name === device.mainBank : at >= bank.low && at < bank.low + bank.bytes,
    );
    const stateBytes = states.reduce((sum, heap) => sum + reservedState(heap, device), 0);
    if (image === 0) return [];
    const counted = inside.filter((use) => bytesWithout(use, apart) > 0);
    const names = [...new Set(counted.map(({ name }) => name))].slice(0, 8).join(", ");
    const less = counted.some((use) => bytesWithout(use, apart) < use.bytes)
      ? ", without the heaps and stacks below"
      : "";
    const own =
      stateBytes > 0 ? `; ${stateBytes} B of it are the allocator's variables, which lie before the heap here` : "";
    return [
      { bank: bank.name, bytes: Math.max(0, image - stateBytes), source: `${names} of ${program.name}${less}${own}` },
    ];
  });
}

function bytesWithout({ low, bytes }: Range, apart: readonly Range[]): number {
  let rest: Range[] = [{ low, bytes }];
  for (const cut of apart) {
    rest = rest.flatMap((part) => {
      const before = Math.min(part.bytes, Math.max(0, cut.low - part.low));
      const end = part.low + part.bytes;
      const after = Math.min(part.bytes, Math.max(0, end - (cut.low + cut.bytes)));
      if (before + after >= part.bytes) return [part];
      return [
        { low: part.low, bytes: before },
        { low: end - after, bytes: after },
      ].filter((piece) => piece.bytes > 0);
    });
  }
  return rest.reduce((sum, part) => sum + part.bytes, 0);
}

/** Bytes from the allocator's variables to the heap, as a scenario lays them out. */
function reservedState({ name, allocator, bytes, at, options }: DraftHeap, device: DeviceDescription): number {
  const model = { name, allocator: allocator.value, options, parts: [{ bytes: bytes.value }] };
  const [request] = memoryRequest({
    device,
    staticUse: [],
    heaps: [{ ...model, isrSafe: false, ownership: "manual", assertionsStop: true }],
    tasks: [],
  }).heaps;
  const stateBytes = request?.stateBytes ?? 0;
  if (at === undefined) return stateBytes;
  return stateBytes === 0 ? 0 : at - Math.floor((at - stateBytes) / 8) * 8;
}
