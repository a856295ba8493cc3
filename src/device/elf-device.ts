import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import { type Elf, ElfMachine, readElf } from "../image/elf.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import { type Bank, type DeviceDescription, ramBanks, type StaticUse } from "./description.ts";
import { coreOfElf, heapBoundsOf, type PlacedSection, placedSections, stackTopOf, staticUseOf } from "./elf-memory.ts";
import { deviceIssues } from "./validation.ts";

/** Sections farther apart than this lie in different banks. */
const BANK_GAP_BYTES = 16 * 1024 * 1024;

/**
 * The device a program was linked for: banks of `base`, whose RAM is taken as the program's sections take it.
 * Without `base` the banks are inferred, no larger than the file shows, and the notes say so. Throws `bad-elf`.
 */
export function deviceFromElf(bytes: Uint8Array, file: string, base?: DeviceDescription): DeviceDescription {
  const elf = readElf(bytes, file);
  if (elf.kind === "core") {
    throw new HeapsoakError("bad-elf", `${file}: an ELF core does not describe a device.`, {
      hint: "heapsoak autopsy reads it.",
    });
  }
  const device = base ?? inferDevice(elf, file);
  const staticUse = staticUseOf(elf, ramBanks(device));
  if (base) refuseOtherDevice(elf, base, staticUse);
  const bounds = heapBoundsOf(elf);
  return {
    ...device,
    name: base ? `${base.name} running ${stem(file)}` : device.name,
    source: base ? `${base.source}; ${file}` : file,
    staticUse,
    ...(bounds ? { heapBounds: bounds } : {}),
  };
}

/** The program must be for the device's architecture and have its data in the device's RAM. */
function refuseOtherDevice(elf: Elf, base: DeviceDescription, staticUse: readonly StaticUse[]): void {
  const isArm = base.core.startsWith("arm");
  const machine = isArm
    ? ElfMachine.Arm
    : base.core === "avr"
      ? ElfMachine.Avr
      : base.core === "riscv"
        ? ElfMachine.RiscV
        : ElfMachine.Xtensa;
  if (elf.machine !== machine) {
    throw new HeapsoakError(
      "bad-elf",
      `${elf.name}: it is for ${coreOfElf(elf).coreName}, but ${base.id} has a ${base.coreName}.`,
    );
  }
  const stray = placedSections(elf).find(
    (section) => section.writable && !base.banks.some((bank) => holds(bank, section)),
  );
  if (stray && !staticUse.some((use) => use.name === stray.name)) {
    const range = `${formatAddress(stray.low)} + ${formatBytes(stray.bytes)}`;
    throw new HeapsoakError("bad-elf", `${elf.name}: section ${stray.name} (${range}) lies in no bank of ${base.id}.`, {
      hint: "The program was linked for another device, or for RAM that a device file has to add.",
    });
  }
}

function holds(bank: Bank, section: PlacedSection): boolean {
  return section.low >= bank.low && section.low + section.bytes <= bank.low + bank.bytes;
}

function inferDevice(elf: Elf, file: string): DeviceDescription {
  const { core, coreName, assumed } = coreOfElf(elf);
  const sections = placedSections(elf);
  const ram = groups(sections.filter((section) => section.writable)).map((group) => ramExtent(elf, group));
  const rom = groups(sections.filter((section) => !section.writable && !ram.some((bank) => meets(bank, section))));
  if (ram.length === 0)
    throw new HeapsoakError("bad-elf", `${file}: no section is in RAM, so it does not show a device.`);
  const name = (kind: string, index: number) => (index === 0 ? kind : `${kind}${index + 1}`);
  const banks: Bank[] = [
    ...ram.map((extent, index): Bank => ({ name: name("RAM", index), ...extent, kind: "ram" })),
    ...rom.map(
      (group, index): Bank => ({ name: name("FLASH", index), ...aligned(group), kind: "flash", stores: "fault" }),
    ),
  ].sort((a, b) => a.low - b.low);
  const notes = [
    `Banks are inferred from the sections and stack symbols of ${file}: as small as they can be. Give the device as well (ID+ELF) for its real size.`,
    ...(assumed ? ["The file does not name the core: Armv7E-M is assumed."] : []),
  ];
  const largest = banks.filter((bank) => bank.kind === "ram").sort((a, b) => b.bytes - a.bytes)[0];
  const id = stem(file);
  const device = { id, name: id, core, coreName, banks, mainBank: largest?.name ?? "RAM", source: file, notes };
  const issues = deviceIssues(device);
  if (issues.length > 0)
    throw new HeapsoakError("bad-elf", `${file}: ${issues.map((issue) => issue.message).join("; ")}.`);
  return device;
}

/** Sections (in address order) that lie close enough to be in one bank. */
function groups(sections: readonly PlacedSection[]): PlacedSection[][] {
  const found: PlacedSection[][] = [];
  for (const section of sections) {
    const group = found.at(-1);
    const last = group?.at(-1);
    if (group && last && section.low - (last.low + last.bytes) < BANK_GAP_BYTES) group.push(section);
    else found.push([section]);
  }
  return found;
}

/** A RAM bank reaches from its first section to its last, or to the top of the stack, or the end of the heap. */
function ramExtent(elf: Elf, group: readonly PlacedSection[]): { low: number; bytes: number } {
  const { low, bytes } = aligned(group);
  const bounds = heapBoundsOf(elf);
  const ends = [low + bytes, stackTopOf(elf) ?? 0, bounds ? bounds.low + bounds.bytes : 0];
  const high = Math.max(...ends.filter((end) => end > low && end - low < BANK_GAP_BYTES), low + bytes);
  return { low, bytes: Math.ceil((high - low) / 4) * 4 };
}

function aligned(group: readonly PlacedSection[]): { low: number; bytes: number } {
  const low = Math.floor(Math.min(...group.map((section) => section.low)) / 4) * 4;
  const high = Math.max(...group.map((section) => section.low + section.bytes));
  return { low, bytes: Math.ceil((high - low) / 4) * 4 };
}

function meets(a: { low: number; bytes: number }, b: { low: number; bytes: number }): boolean {
  return a.low < b.low + b.bytes && b.low < a.low + a.bytes;
}

function stem(file: string): string {
  return baseName(file).replace(/\.(elf|axf|out)$/i, "");
}
