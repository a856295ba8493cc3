import { BANKS_MOST, ENGINE_HIGH, ENGINE_LOW } from "../../assembly/memory-map.ts";
import { HeapsoakError } from "../errors.ts";
import { ADDRESS_SPACE_BYTES, formatAddress, formatBytes } from "../quantities.ts";
import { type Bank, type DeviceDescription, findBank } from "./description.ts";

/** Larger banks than any microcontroller's; untouched pages cost nothing, but snapshots copy RAM. */
export const BANK_BYTES_MOST = 256 * 1024 * 1024;

/** What is wrong with a device, and which bank (by index) or key it is about. */
export interface DeviceIssue {
  readonly message: string;
  readonly bank?: number;
  readonly key?: "at" | "size" | "aliasOf" | "taken" | "name" | "main";
}

/** Everything wrong with the device's memory map; empty when it can be used. */
export function deviceIssues(device: DeviceDescription): DeviceIssue[] {
  if (device.banks.length > BANKS_MOST) {
    return [{ message: `${device.banks.length} banks; at most ${BANKS_MOST} are supported` }];
  }
  const issues = device.banks.flatMap((bank, index) => bankIssues(device, bank, index));
  const main = findBank(device, device.mainBank);
  if (main?.kind !== "ram") issues.push({ key: "main", message: `main bank "${device.mainBank}" is not a RAM bank` });
  return issues;
}

/** Throws `bad-device` with all issues when the device cannot be used. */
export function refuseBadDevice(device: DeviceDescription): void {
  const issues = deviceIssues(device);
  if (issues.length === 0) return;
  throw new HeapsoakError("bad-device", `${device.name}: ${issues.map((issue) => issue.message).join("; ")}.`);
}

function bankIssues(device: DeviceDescription, bank: Bank, index: number): DeviceIssue[] {
  const issue = (key: NonNullable<DeviceIssue["key"]>, message: string): DeviceIssue => {
    return { bank: index, key, message: `bank "${bank.name}" ${message}` };
  };
  const shape = shapeIssue(bank);
  if (shape) return [issue(shape.key, shape.message)];
  const found: DeviceIssue[] = [];
  for (const other of device.banks.slice(0, index)) {
    if (other.name.toLowerCase() === bank.name.toLowerCase()) found.push(issue("name", "is there twice"));
    if (overlaps(bank, other)) found.push(issue("at", `(${span(bank)}) overlaps "${other.name}" (${span(other)})`));
  }
  const alias = aliasMessage(device, bank);
  if (alias) found.push(issue("aliasOf", alias));
  for (const range of bank.taken ?? []) {
    const inside = range.bytes > 0 && range.low >= bank.low && range.low + range.bytes <= bank.low + bank.bytes;
    if (!inside) found.push(issue("taken", `does not contain the range taken by ${range.by} (${span(range)})`));
  }
  return found;
}

function shapeIssue(bank: Bank): { key: "at" | "size"; message: string } | undefined {
  if (!Number.isInteger(bank.low) || bank.low < 0 || bank.low % 4 !== 0) {
    return { key: "at", message: `starts at ${formatAddress(bank.low)}, expected a multiple of 4` };
  }
  if (!(bank.bytes > 0)) return { key: "size", message: "has no bytes" };
  if (bank.bytes % 4 !== 0) return { key: "size", message: `has ${bank.bytes} bytes, expected a multiple of 4` };
  if (bank.bytes > BANK_BYTES_MOST) {
    const most = formatBytes(BANK_BYTES_MOST);
    return { key: "size", message: `is too large: ${formatBytes(bank.bytes)}, at most ${most} are supported` };
  }
  if (bank.low + bank.bytes > ADDRESS_SPACE_BYTES) {
    return {
      key: "size",
      message: `reaches past the end of the address space (${formatAddress(bank.low)} + ${formatBytes(bank.bytes)})`,
    };
  }
  if (overlaps(bank, { low: ENGINE_LOW, bytes: ENGINE_HIGH - ENGINE_LOW })) {
    const engine = `${formatAddress(ENGINE_LOW)}–${formatAddress(ENGINE_HIGH - 1)}`;
    return { key: "at", message: `(${span(bank)}) reaches into ${engine}, where heapsoak keeps its own state` };
  }
  return undefined;
}

function aliasMessage(device: DeviceDescription, bank: Bank): string | undefined {
  if (!bank.aliasOf) return undefined;
  const home = device.banks.find((other) => other.name.toLowerCase() === bank.aliasOf?.bank.toLowerCase());
  if (!home) return `is an alias of "${bank.aliasOf.bank}", which is not a bank of the device`;
  if (home.aliasOf) return `is an alias of "${home.name}", which is an alias itself`;
  const offset = bank.aliasOf.offset ?? 0;
  if (offset < 0 || offset % 4 !== 0 || offset + bank.bytes > home.bytes) {
    return `shows ${formatBytes(bank.bytes)} from offset ${offset} of "${home.name}", which has ${formatBytes(home.bytes)}`;
  }
  return undefined;
}

function overlaps(a: { low: number; bytes: number }, b: { low: number; bytes: number }): boolean {
  return a.low < b.low + b.bytes && b.low < a.low + a.bytes;
}

function span(range: { low: number; bytes: number }): string {
  return `${formatAddress(range.low)}–${formatAddress(range.low + Math.max(range.bytes, 1) - 1)}`;
}
