/** The device of a scenario: the one that is given, or configured, or shown by the linker's map or the ELF file. */

import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative } from "node:path";
import { lookUpDevice } from "../device/catalogue/devices.ts";
import { parseCore } from "../device/cores.ts";
import type { Bank, DeviceDescription } from "../device/description.ts";
import { deviceFromElf } from "../device/elf-device.ts";
import { deviceFromLinkerScript } from "../device/linker-script.ts";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import { ElfMachine } from "../image/elf.ts";
import { formatAddress } from "../quantities.ts";
import type { Configuration } from "./configuration.ts";
import type { LinkMap } from "./map-file.ts";
import { yamlText } from "./yaml-text.ts";

export interface Target {
  readonly device: DeviceDescription;
  /** The lines of the scenario that say it. */
  readonly lines: readonly string[];
  readonly source: string;
  readonly notes: readonly string[];
}

export interface TargetRequest {
  readonly device: string | undefined;
  readonly elf: { readonly bytes: Uint8Array; readonly name: string } | undefined;
  readonly map: { readonly content: LinkMap; readonly name: string } | undefined;
  readonly configuration: Configuration;
  /** Whether the files show where the main stack lies, or its top at least. */
  readonly hasMainStack: boolean;
  /** The scenario's path, which paths in it count from. */
  readonly out: string;
}

/** Throws `bad-argument` where nothing shows a device, and `bad-elf` for a program that is not for it. */
export async function findTarget(request: TargetRequest): Promise<Target> {
  const { device: given, elf, map, configuration } = request;
  if (given !== undefined) return accepted(await givenTarget(given, request.out), elf);
  const notes: string[] = [];
  const configured = configuredTarget(configuration, notes);
  if (configured) return accepted(configured, elf);
  if (map && map.content.regions.length > 0) return mapTarget(map, elf, notes);
  if (elf) return elfTarget(elf, request.hasMainStack, notes);
  throw new HeapsoakError("bad-argument", "Nothing shows which device the firmware is for.", {
    hint: "Give it with --device: an id from `heapsoak devices`, or a device file or linker script.",
  });
}

/** Refuses a program that is not for the device. */
function accepted(target: Target, elf: TargetRequest["elf"]): Target {
  if (elf) deviceFromElf(elf.bytes, elf.name, target.device);
  return target;
}

async function givenTarget(given: string, out: string): Promise<Target> {
  const device = await resolveDevice(given);
  if (device.staticUse) {
    throw new HeapsoakError("bad-argument", `--device: got "${given}", expected a device without its program.`, {
      hint: "Give the program with --elf.",
    });
  }
  const isFile = existsSync(given) && !lookUpDevice(given) && !isAbsolute(given);
  const written = isFile && out !== "-" ? relative(dirname(out), given) : given;
  const text = isFile && !/[\\/]/.test(written) ? `./${written}` : written;
  return { device, lines: [`device: ${yamlText(text)}`], source: "--device", notes: [] };
}

const DEVICE_OPTIONS = ["CONFIG_IDF_TARGET", "CONFIG_SOC", "CONFIG_SOC_PART_NUMBER", "CONFIG_BOARD"];

function configuredTarget(configuration: Configuration, notes: string[]): Target | undefined {
  const unknown: string[] = [];
  for (const option of DEVICE_OPTIONS) {
    const found = configuration.text(option);
    if (!found) continue;
    const words = [found.value, found.value.split(/[_/@]/)[0] ?? ""];
    const device = words
      .map((word) => (word === "" ? undefined : lookUpDevice(word)))
      .find((known) => known !== undefined);
    if (device) return { device, lines: [`device: ${yamlText(device.id)}`], source: found.source, notes };
    unknown.push(`${option}="${found.value}"`);
  }
  if (unknown.length > 0) notes.push(`${unknown.join(", ")}: no device of the catalogue is called so.`);
  return undefined;
}

const ARCHITECTURES: ReadonlyMap<number, string> = new Map([
  [ElfMachine.Avr, "avr"],
  [ElfMachine.RiscV, "riscv"],
  [ElfMachine.Xtensa, "xtensa"],
]);

/** The regions of the map are the banks; the core is the program's, where there is one. */
function mapTarget(map: NonNullable<TargetRequest["map"]>, elf: TargetRequest["elf"], notes: string[]): Target {
  const { regions, machine } = map.content;
  const script = regions.map(({ name, low, bytes, attributes }) => {
    const kind = /^[rwxaild!]+$/i.test(attributes) ? `(${attributes}) ` : "";
    return `  ${name} ${kind}: ORIGIN = ${low}, LENGTH = ${bytes}`;
  });
  const architecture = ARCHITECTURES.get(machine ?? 0);
  const named = architecture === undefined ? "" : `OUTPUT_ARCH(${architecture})\n`;
  const read = deviceFromLinkerScript(`${named}MEMORY {\n${script.join("\n")}\n}\n`, map.name);
  const core = elf ? deviceFromElf(elf.bytes, elf.name) : read;
  const device = { ...read, id: stem(elf?.name ?? map.name), core: core.core, coreName: core.coreName };
  if (elf) deviceFromElf(elf.bytes, elf.name, device);
  if (/assumed/.test(core.coreName)) notes.push("The core is not known: Armv7E-M is assumed. --device says which.");
  return { device, lines: inlineLines(device), source: `memory configuration of ${baseName(map.name)}`, notes };
}

/** Banks as the sections show them, with room for the main stack where none is among them. */
function elfTarget(elf: NonNullable<TargetRequest["elf"]>, hasMainStack: boolean, notes: string[]): Target {
  const device = deviceFromElf(elf.bytes, elf.name);
  notes.push("The banks are as small as the program's sections show them; --device or --map gives the device's own.");
  if (/assumed/.test(device.coreName)) notes.push("The core is not known: Armv7E-M is assumed. --device says which.");
  const { staticUse: _, heapBounds: __, ...bare } = hasMainStack ? device : withRoom(device);
  if (!hasMainStack)
    notes.push(
      `No main stack was found: ${bare.mainBank} has ${ASSUMED_STACK_BYTES} B more than the sections show, for it.`,
    );
  return { device: bare, lines: inlineLines(bare), source: `sections of ${baseName(elf.name)}`, notes };
}

const ASSUMED_STACK_BYTES = 1024;

function withRoom(device: DeviceDescription): DeviceDescription {
  const banks = device.banks.map((bank) =>
    bank.name === device.mainBank ? { ...bank, bytes: bank.bytes + ASSUMED_STACK_BYTES } : bank,
  );
  return { ...device, banks };
}

function inlineLines(device: DeviceDescription): string[] {
  const core = parseCore(device.coreName) ? device.coreName : device.core;
  return [
    "device:",
    `  id: ${yamlText(device.id)}`,
    `  core: ${yamlText(core.toLowerCase())}`,
    "  banks:",
    ...device.banks.map((bank) => `    ${yamlText(bank.name)}: ${bankText(bank)}`),
    `  main: ${yamlText(device.mainBank)}`,
  ];
}

function bankText({ low, bytes, kind, stores }: Bank): string {
  const parts = [`at: ${formatAddress(low)}`, `size: ${bytes}`];
  if (kind !== "ram") parts.push(`kind: ${kind}`);
  if (stores) parts.push(`stores: ${stores}`);
  return `{ ${parts.join(", ")} }`;
}

function stem(path: string): string {
  const bare = baseName(path)
    .replace(/\.[^.]*$/, "")
    .replaceAll(/[^\w.-]/g, "-")
    .slice(0, 60);
  return bare === "" ? "firmware" : bare;
}
