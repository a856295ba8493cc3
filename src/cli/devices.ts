import { deviceCatalogue } from "../device/catalogue/devices.ts";
import { architectureName } from "../device/cores.ts";
import { type Bank, type DeviceDescription, flashBytes, ramBytes, unalignedFaults } from "../device/description.ts";
import { formatAddress, formatBytes, formatFrequency } from "../quantities.ts";

/** Columns of the longest bar of the memory map. */
const BAR_COLUMNS = 32;
const SMALLEST_SCALE_BYTES = 64;

/** The table of `heapsoak devices`: one line per device. */
export function renderDeviceList(devices: readonly DeviceDescription[] = deviceCatalogue): string {
  const rows = devices.map((device) => [
    device.id,
    `${(device.cores ?? 1) > 1 ? `${device.cores}× ` : ""}${device.coreName}`,
    device.clockHz ? formatFrequency(device.clockHz) : "",
    flashColumn(device),
    ramColumn(device),
  ]);
  const table = alignColumns([["DEVICE", "CORE", "CLOCK", "FLASH", "RAM"], ...rows]);
  return `${table}\n\n\`heapsoak devices ID\` shows one with its memory map.\n`;
}

/** The page of `heapsoak devices ID`: core, memory map to scale, sources, and what is from memory. */
export function renderDevice(device: DeviceDescription): string {
  const sections = [heading(device), memoryMap(device), usage(device), remarks(device)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** What `heapsoak devices --json` prints: the descriptions as they are, with the sums. */
export function deviceJson(device: DeviceDescription): object {
  return { ...device, ramBytes: ramBytes(device), flashBytes: flashBytes(device) ?? null };
}

function heading(device: DeviceDescription): string {
  const cores = (device.cores ?? 1) > 1 ? `${device.cores} × ` : "";
  const clock = device.clockHz ? `, ${formatFrequency(device.clockHz)}${device.clockFromMemory ? " *" : ""}` : "";
  const alignment = unalignedFaults(device) ? "; unaligned accesses fault" : "";
  const lines = [
    `${device.id}: ${device.name}`,
    `  ${cores}${device.coreName} (${architectureName(device.core)})${clock}${alignment}`,
  ];
  if (device.aliases?.length) lines.push(`  also: ${device.aliases.join(", ")}`);
  if (device.flashOutside) {
    const bytes = device.flashOutside.bytes;
    lines.push(`  program memory: ${bytes === undefined ? "" : `${formatBytes(bytes)}, `}${device.flashOutside.where}`);
  }
  return lines.join("\n");
}

/** Banks by address, with a bar to scale; what lies far apart is separated by a line of dots. */
function memoryMap(device: DeviceDescription): string {
  const banks = [...device.banks].sort((a, b) => a.low - b.low);
  const scaleBytes = barScale(banks);
  const rows = banks.map((bank) => [
    `  ${formatAddress(bank.low)}`,
    bank.name + (bank.fromMemory ? " *" : ""),
    formatBytes(bank.bytes),
    bank.kind,
    bar(bank, scaleBytes),
  ]);
  const lines = alignColumns(rows, [2]).split("\n");
  const body = banks.flatMap((bank, index) => {
    const before = banks[index - 1];
    const gap = before && before.low + before.bytes < bank.low ? ["  ·"] : [];
    return [...gap, lines[index] ?? "", ...details(bank)];
  });
  const legend = `  █ ${formatBytes(scaleBytes)} of RAM · ░ taken · ▒ seen elsewhere as well · main bank ${device.mainBank}`;
  return [...body, legend].join("\n");
}

function details(bank: Bank): string[] {
  const words = [
    bank.aliasOf ? aliasText(bank.aliasOf) : "",
    bank.dma === false ? "no DMA" : "",
    bank.retention ? "retained" : "",
    bank.stores && !bank.aliasOf ? (bank.stores === "fault" ? "a store faults" : "a store does nothing") : "",
    ...(bank.taken ?? []).map(({ low, bytes, by }) => `${formatAddress(low)} + ${formatBytes(bytes)} taken by ${by}`),
    bank.note ?? "",
  ].filter((word) => word !== "");
  return words.length > 0 ? [`               ${words.join("; ")}`] : [];
}

function aliasText(alias: NonNullable<Bank["aliasOf"]>): string {
  const offset = alias.offset ? ` from offset ${formatBytes(alias.offset)}` : "";
  return `${alias.reversed ? "reversed view" : "view"} of ${alias.bank}${offset}`;
}

function usage(device: DeviceDescription): string {
  const lines = (device.staticUse ?? []).map(
    ({ low, bytes, name }) => `  ${formatAddress(low)}  ${formatBytes(bytes).padStart(10)}  ${name}`,
  );
  if (device.heapBounds) {
    const { low, bytes, from } = device.heapBounds;
    lines.push(`  ${formatAddress(low)}  ${formatBytes(bytes).padStart(10)}  heap, from ${from}`);
  }
  return lines.length > 0 ? ["taken by the program:", ...lines].join("\n") : "";
}

function remarks(device: DeviceDescription): string {
  const lines = [`source: ${device.source}`, ...(device.notes ?? []).map((note) => `note: ${note}`)];
  const marked = device.clockFromMemory || device.banks.some((bank) => bank.fromMemory);
  if (marked) lines.push("* from memory: not checked against a source.");
  if (device.banks.some((bank) => bank.stores)) lines.push("What a store to flash or ROM does is from memory.");
  return lines.join("\n");
}

/** The power of two of bytes that one full block stands for, so that the largest RAM bank fills the bar. */
function barScale(banks: readonly Bank[]): number {
  const largest = Math.max(...banks.filter((bank) => bank.kind === "ram").map((bank) => bank.bytes), 1);
  let scaleBytes = SMALLEST_SCALE_BYTES;
  while (largest / scaleBytes > BAR_COLUMNS) scaleBytes *= 2;
  return scaleBytes;
}

function bar(bank: Bank, scaleBytes: number): string {
  if (bank.kind !== "ram") return "";
  const columns = (bytes: number) => Math.round(bytes / scaleBytes);
  if (bank.aliasOf) return "▒".repeat(Math.max(1, columns(bank.bytes)));
  const taken = (bank.taken ?? []).reduce((sum, range) => sum + range.bytes, 0);
  const all = Math.max(1, columns(bank.bytes));
  const used = Math.min(all, columns(taken));
  return "░".repeat(used) + "█".repeat(all - used);
}

function ramColumn(device: DeviceDescription): string {
  const banks = device.banks.filter((bank) => bank.kind === "ram" && !bank.aliasOf);
  const parts = banks.map((bank) => `${bank.name} ${formatBytes(bank.bytes)}`).join(", ");
  return banks.length === 1 ? formatBytes(ramBytes(device)) : `${formatBytes(ramBytes(device))}: ${parts}`;
}

function flashColumn(device: DeviceDescription): string {
  const bytes = flashBytes(device);
  if (bytes !== undefined) return formatBytes(bytes);
  return device.flashOutside ? "external" : "none";
}

/** Rows with columns padded to their widest cell; columns in `right` are right-aligned. */
function alignColumns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const cell = (text: string, column: number) => {
    return right.includes(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  };
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
