import { existsSync } from "node:fs";
import { HeapsoakError } from "../errors.ts";
import { readLimited } from "../files.ts";
import { isElf } from "../image/elf.ts";
import { findDevice, lookUpDevice } from "./catalogue/devices.ts";
import type { DeviceDescription } from "./description.ts";
import { parseDeviceFile } from "./device-file.ts";
import { deviceFromElf } from "./elf-device.ts";
import { deviceFromLinkerScript } from "./linker-script.ts";

const DEVICE_FILE = /\.(ya?ml|json)$/i;
const LINKER_SCRIPT = /\.(ld|lds|lcf|x|cmd|icf)$/i;

/**
 * The device that `--device` names: an id of the catalogue, or the path of a device file (YAML or JSON), a GNU
 * linker script or an ELF file. Parts joined by `+` add up from left to right: `stm32f407vg+build/app.elf` is the
 * chip with what the program takes of its RAM. Throws `unknown-device`, `cannot-read` and what the readers throw.
 */
export async function resolveDevice(text: string): Promise<DeviceDescription> {
  const parts = existsSync(text) ? [text] : text.split("+").map((part) => part.trim());
  let device: DeviceDescription | undefined;
  for (const part of parts) device = await resolvePart(part, device);
  return device ?? findDevice(text);
}

async function resolvePart(part: string, base: DeviceDescription | undefined): Promise<DeviceDescription> {
  const known = lookUpDevice(part);
  if (known && base)
    throw new HeapsoakError("bad-argument", `"${part}": a device of the catalogue can only come first.`);
  if (known) return known;
  if (!looksLikePath(part)) return findDevice(part);
  const bytes = await readLimited(part);
  if (isElf(bytes)) return deviceFromElf(bytes, part, base);
  if (DEVICE_FILE.test(part)) {
    if (base)
      throw new HeapsoakError("bad-argument", `"${part}": a device file can only come first; it may extend a device.`);
    return parseDeviceFile(decode(bytes, part), part);
  }
  if (LINKER_SCRIPT.test(part)) return deviceFromLinkerScript(decode(bytes, part), part, base);
  throw new HeapsoakError("bad-device", `${part}: neither an ELF file nor named as a device file or linker script.`, {
    hint: "Device files end in .yaml, .yml or .json, linker scripts in .ld, .lds or .x.",
  });
}

function looksLikePath(text: string): boolean {
  return /[\\/]/.test(text) || /\.[A-Za-z]\w*$/.test(text) || existsSync(text);
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HeapsoakError("bad-device", `${path}: not a text in UTF-8.`, { cause });
  }
}
