import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { findDevice, lookUpDevice } from "../device/catalogue/devices.ts";
import type { DeviceDescription } from "../device/description.ts";
import { readDevice } from "../device/device-file.ts";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { readLimited } from "../files.ts";
import {
  DOCUMENT_BYTES_MOST,
  type DocumentIssue,
  type DocumentPath,
  documentError,
  parseSource,
  type SourceDocument,
} from "../yaml-document.ts";
import { buildScenario, oneLine } from "./build.ts";
import { checkScenario } from "./checks.ts";
import { EMPIRICAL_BYTES_MOST } from "./draws.ts";
import { schemaIssues } from "./issues.ts";
import { isOwnIssue, mended } from "./mend.ts";
import type { Scenario } from "./model.ts";
import { Reading } from "./reading.ts";
import { type ScenarioDocument, scenarioSchema } from "./schema.ts";
import { applySettings, heapSettings, type Settings, settingBehind } from "./settings.ts";
import { refuseHugeTree, splitDrawIssues } from "./source-tree.ts";

/** What a caller may change of a scenario before it is judged. */
export interface ScenarioOptions {
  /** Values by path, as YAML would give them: `{ "heaps.main.size": "48 KiB" }`. Applied last. */
  readonly set?: Settings;
  /** A catalogue id or a path, in place of the scenario's device; paths count from the working directory. */
  readonly device?: string;
  /** Size by heap; "" means the first heap. */
  readonly heapSize?: Readonly<Record<string, string>>;
  /** Allocator by heap; "" means the first heap. Options that the new allocator does not have are dropped. */
  readonly allocator?: Readonly<Record<string, string>>;
  /** As `30 d`. */
  readonly uptime?: string;
  readonly seed?: number | bigint | string;
}

/** Empirical distributions and device files of one scenario. */
const FILES_MOST = 100;
/** Files with more issues are not judged further. */
const MENDED_MOST = 200;
/** What depends on the device. */
const DEVICE_KEYS: ReadonlySet<PropertyKey> = new Set(["heaps", "stacks", "stack", "static"]);
/** More issues than anybody reads. */
const ISSUES_MOST = 1000;

/** The scenario in the file. Throws `cannot-read`, or `bad-scenario` with all issues: file, line, column and path each. */
export async function loadScenario(path: string, options: ScenarioOptions = {}): Promise<Scenario> {
  const bytes = await readLimited(path, 4 * DOCUMENT_BYTES_MOST);
  return parseScenario(decode(bytes, path), path, options);
}

/** The scenario in the text. `file` names it in messages; paths in the scenario count from its folder. Throws as `loadScenario`. */
export async function parseScenario(text: string, file: string, options: ScenarioOptions = {}): Promise<Scenario> {
  const source = parseSource(text, file, "bad-scenario");
  refuseHugeTree(source);
  const settings = settingsOf(source.value, options);
  const raw = applySettings(source.value, settings);
  const folder = dirname(file);
  const written = (raw as { device?: unknown } | null)?.device;
  const found = await deviceOf(written, file, folder, options.device);
  const changes =
    Object.keys(settings).length > 0 || options.device ? `\n${JSON.stringify([settings, options.device])}` : "";
  const origin: Origin = {
    file,
    source: text + changes,
    lineOf: (path) => source.locate(path).line,
    files: await readEmpirical(raw, folder),
  };
  const { document, issues } = readDocument(raw);
  if ("issues" in found) issues.push(...found.issues);
  if (document && "device" in found && issues.length === 0) {
    const judged = judge(raw, document, found.device, origin);
    if (judged.issues.length === 0) return judged.scenario;
    issues.push(...judged.issues);
  } else if (issues.length <= MENDED_MOST) {
    issues.push(...furtherIssues(raw, issues, "device" in found ? found.device : undefined, origin));
  }
  throw refusal(source, settings, issues);
}

/** What a scenario was read from. */
interface Origin {
  readonly file: string;
  readonly source: string;
  readonly lineOf: (path: DocumentPath) => number;
  readonly files: ReadonlyMap<string, string | HeapsoakError>;
}

/** The document in base units, or all that the schema holds against it. */
function readDocument(raw: unknown): { document?: ScenarioDocument; issues: DocumentIssue[] } {
  const written = (raw as { device?: unknown } | null)?.device;
  const inline = typeof written === "object" && written !== null;
  // An inline device is read apart, with better words for what is wrong with it.
  const parsed = scenarioSchema.safeParse(inline ? { ...(raw as object), device: "inline" } : raw);
  const split = splitDrawIssues(raw);
  if (parsed.success) return { document: parsed.data, issues: [...split.issues] };
  return { issues: [...split.issues, ...schemaIssues(parsed.error, raw).filter(({ path }) => !split.covers(path))] };
}

/** The model, and all that is wrong with what the schema accepted. */
function judge(
  raw: unknown,
  document: ScenarioDocument,
  device: DeviceDescription,
  origin: Origin,
  extent: { memory: boolean } = { memory: true },
): { scenario: Scenario; issues: readonly DocumentIssue[] } {
  const reading = new Reading(document, device, origin);
  const scenario = buildScenario(reading, { ...origin, raw });
  checkMutant(reading, raw);
  checkScenario(reading, scenario, extent);
  return { scenario, issues: reading.issues.list };
}

/** What else is wrong with a document that the schema refuses: names that lead nowhere and the like. */
function furtherIssues(
  raw: unknown,
  issues: readonly DocumentIssue[],
  device: DeviceDescription | undefined,
  origin: Origin,
): DocumentIssue[] {
  const rest = mended(raw, issues);
  const { document } = readDocument(rest);
  if (!document) return [];
  const judged = judge(rest, document, device ?? findDevice("stm32f407vg"), origin, { memory: false });
  const own = judged.issues.filter((issue) => isOwnIssue(issue, issues));
  // On a device that is not known, only what has nothing to do with one can be told.
  return device ? own : own.filter(({ path }) => !path.some((step) => DEVICE_KEYS.has(step)));
}

/** The error with all issues in the order of the file; those that a setting caused say so. */
function refusal(source: SourceDocument, settings: Settings, issues: readonly DocumentIssue[]): HeapsoakError {
  const placed = issues.slice(0, ISSUES_MOST).map((issue) => ({ ...issue, ...source.locate(issue.path) }));
  placed.sort((a, b) => a.line - b.line || a.column - b.column);
  const told = placed.map(({ path, message }) => {
    const setting = settingBehind(settings, path);
    return { path, message: setting === undefined ? message : `${message} (changed by the setting ${setting})` };
  });
  return documentError("bad-scenario", source, told);
}

async function deviceOf(
  written: unknown,
  file: string,
  folder: string,
  override: string | undefined,
): Promise<{ device: DeviceDescription } | { issues: DocumentIssue[] }> {
  if (override !== undefined) return { device: await resolveDevice(override) };
  if (typeof written === "object" && written !== null) {
    const result = readDevice(written, { id: "inline", source: file });
    if ("device" in result) return result;
    return { issues: result.issues.map(({ path, message }) => ({ path: ["device", ...path], message })) };
  }
  if (typeof written !== "string") return { issues: [] };
  try {
    return { device: await resolveDevice(fromFolder(written, folder)) };
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    return { issues: [{ path: ["device"], message: oneLine(error) }] };
  }
}

/** The device's text with its paths, alone or joined by `+`, counted from the scenario's folder. */
function fromFolder(device: string, folder: string): string {
  if (existsSync(join(folder, device)) && !lookUpDevice(device) && !isAbsolute(device)) return join(folder, device);
  const parts = device.split("+").map((part) => part.trim());
  const placed = parts.map((part) => {
    const path = /[\\/]/.test(part) || /\.[A-Za-z]\w*$/.test(part) || existsSync(join(folder, part));
    return lookUpDevice(part) || !path || isAbsolute(part) ? part : join(folder, part);
  });
  return placed.join("+");
}

function settingsOf(document: unknown, options: ScenarioOptions): Settings {
  return {
    ...heapSettings(document, options),
    ...(options.uptime !== undefined && { uptime: options.uptime }),
    ...(options.seed !== undefined && { seed: typeof options.seed === "bigint" ? String(options.seed) : options.seed }),
    ...options.set,
  };
}

/** Texts of all empirical files that the scenario names, or why they cannot be read, by the name it gives them. */
async function readEmpirical(raw: unknown, folder: string): Promise<Map<string, string | HeapsoakError>> {
  const names = new Set<string>();
  collectEmpirical(raw, names);
  const files = new Map<string, string | HeapsoakError>();
  for (const name of [...names].slice(0, FILES_MOST)) {
    const path = isAbsolute(name) ? name : join(folder, name);
    try {
      const bytes = await readLimited(path, EMPIRICAL_BYTES_MOST);
      files.set(name, decode(bytes, path));
    } catch (error) {
      // Reported at the place that names it.
      if (!(error instanceof HeapsoakError)) throw error;
      files.set(name, error);
    }
  }
  return files;
}

function collectEmpirical(node: unknown, names: Set<string>): void {
  if (typeof node !== "object" || node === null) return;
  if ("empirical" in node && typeof node.empirical === "string") names.add(node.empirical);
  for (const inner of Object.values(node)) collectEmpirical(inner, names);
}

/** Each path of the mutant must lead somewhere: a change that changes nothing would prove nothing. */
function checkMutant(reading: Reading, raw: unknown): void {
  for (const [path, value] of Object.entries(reading.document.mutant ?? {})) {
    try {
      applySettings(raw, { [path]: value });
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      reading.issues.add(["mutant", path], oneLine(error));
    }
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HeapsoakError("bad-scenario", `${path}: not a text in UTF-8.`, { cause });
  }
}
