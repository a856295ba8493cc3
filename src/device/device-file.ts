import { z } from "zod";
import { closest, HeapsoakError, printable } from "../errors.ts";
import { baseName } from "../files.ts";
import { parseAddress, parseFrequency, parseSize } from "../quantities.ts";
import { type DocumentIssue, type DocumentPath, documentError, parseSource } from "../yaml-document.ts";
import { findDevice } from "./catalogue/devices.ts";
import { CORE_NAMES, parseCore } from "./cores.ts";
import type { Bank, DeviceDescription } from "./description.ts";
import { deviceIssues } from "./validation.ts";

/** A value that one of the quantity parsers reads; its refusal becomes an issue at the value's place. */
function quantity<T>(parse: (value: string | number) => T) {
  return z
    .union([z.string(), z.number()], { error: "expected a number or a text with a unit" })
    .transform((value, context) => {
      try {
        return parse(value);
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
        context.addIssue({ code: "custom", message: error.hint ? `${error.message} ${error.hint}` : error.message });
        return z.NEVER;
      }
    });
}

const size = quantity((value) => parseSize(value));
const address = quantity((value) => parseAddress(value));
/** It is shown as it is: what a terminal would obey is refused. */
const harmless = (text: string) => text === printable(text);
const unprintable = { error: "expected a text without control characters" };
const word = z.string().trim().min(1).max(64).refine(harmless, unprintable);
const sentence = z.string().max(1000).refine(harmless, unprintable);

const bankSchema = z.strictObject({
  at: address,
  size,
  kind: z.enum(["ram", "flash", "rom", "registers"]).default("ram"),
  stores: z.enum(["fault", "ignored"]).optional(),
  aliasOf: z.union([word, z.strictObject({ bank: word, offset: size.optional() })]).optional(),
  dma: z.boolean().optional(),
  retention: z.boolean().optional(),
  taken: z
    .array(z.strictObject({ at: address, size, by: word }))
    .max(64)
    .optional(),
  note: sentence.optional(),
});

/** A device as its file, or a scenario's inline `device:`, writes it. */
export const deviceSchema = z.strictObject({
  heapsoak: z.literal(1).optional(),
  extends: word.optional(),
  id: word.optional(),
  name: word.optional(),
  core: word
    .refine((name) => parseCore(name) !== undefined, {
      error: (issue) =>
        `unknown core${suggestion(String(issue.input), CORE_NAMES)}; expected one of ${CORE_NAMES.join(", ")}`,
    })
    .optional(),
  cores: z.int().min(1).max(16).optional(),
  clock: quantity((value) => parseFrequency(value)).optional(),
  banks: z.record(word, bankSchema).default({}),
  main: word.optional(),
  unalignedFaults: z.boolean().optional(),
  source: sentence.optional(),
  notes: z.array(sentence).max(20).optional(),
});

type DeviceInput = z.output<typeof deviceSchema>;

/** The keys each level of the schema knows, for suggestions. */
const DEVICE_KEYS = Object.keys(deviceSchema.shape);
const BANK_KEYS = Object.keys(bankSchema.shape);
const INNER_KEYS = ["bank", "offset", "at", "size", "by"];

/** The device a YAML or JSON text describes. Throws `bad-device` with all issues, each with line, column and path. */
export function parseDeviceFile(text: string, file: string): DeviceDescription {
  const source = parseSource(text, file, "bad-device");
  const base = baseName(file).replace(/\.(ya?ml|json)$/i, "");
  const result = readDevice(source.value, { id: base, source: file });
  if ("issues" in result) throw documentError("bad-device", source, result.issues);
  return result.device;
}

/** The device that a plain value describes (a file's contents, or a scenario's inline device), or all that is wrong. */
export function readDevice(
  value: unknown,
  defaults: { id: string; source: string },
): { device: DeviceDescription } | { issues: DocumentIssue[] } {
  const parsed = deviceSchema.safeParse(value);
  if (!parsed.success) return { issues: parsed.error.issues.flatMap(schemaIssues) };
  const input = parsed.data;
  const base = input.extends === undefined ? undefined : baseDevice(input.extends);
  if (typeof base === "string") return { issues: [{ path: ["extends"], message: base }] };
  const missing = missingKeys(input, base);
  if (missing.length > 0) return { issues: missing };
  const device = compose(input, base, defaults);
  const issues = deviceIssues(device).map((issue) => ({ path: pathOf(device, issue), message: issue.message }));
  return issues.length > 0 ? { issues } : { device };
}

function compose(
  input: DeviceInput,
  base: DeviceDescription | undefined,
  defaults: { id: string; source: string },
): DeviceDescription {
  const own = Object.entries(input.banks).map(([name, bank]) => bankOf(name, bank));
  const replaced = new Set(own.map((bank) => bank.name.toLowerCase()));
  const banks = [...(base?.banks.filter((bank) => !replaced.has(bank.name.toLowerCase())) ?? []), ...own];
  const core = input.core === undefined ? undefined : parseCore(input.core);
  const main = input.main ?? base?.mainBank ?? banks.find((bank) => bank.kind === "ram" && !bank.aliasOf)?.name ?? "";
  const { aliases: _, ...inherited } = base ?? {};
  return {
    ...inherited,
    id: input.id ?? defaults.id,
    name: input.name ?? input.id ?? defaults.id,
    core: core?.core ?? base?.core ?? "armv7e-m",
    coreName: core?.coreName ?? base?.coreName ?? "",
    ...defined({
      cores: input.cores,
      clockHz: input.clock,
      unalignedFaults: input.unalignedFaults,
      notes: input.notes,
    }),
    banks,
    mainBank: main,
    source: input.source ?? (base ? `${defaults.source}, on top of ${base.id}` : defaults.source),
  };
}

function bankOf(name: string, bank: z.output<typeof bankSchema>): Bank {
  const { at, size: bytes, kind, aliasOf, taken, ...rest } = bank;
  const alias = typeof aliasOf === "string" ? { bank: aliasOf } : aliasOf;
  return {
    name,
    low: at,
    bytes,
    kind,
    ...defined(rest),
    ...(alias ? { aliasOf: { bank: alias.bank, ...defined({ offset: alias.offset }) } } : {}),
    ...(taken ? { taken: taken.map((range) => ({ low: range.at, bytes: range.size, by: range.by })) } : {}),
  };
}

function baseDevice(id: string): DeviceDescription | string {
  try {
    return findDevice(id);
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    return error.hint ? `${error.message} ${error.hint}` : error.message;
  }
}

function missingKeys(input: DeviceInput, base: DeviceDescription | undefined): DocumentIssue[] {
  if (base) return [];
  const issues: DocumentIssue[] = [];
  if (input.core === undefined)
    issues.push({ path: [], message: "core is missing (or extends: a device of the catalogue)" });
  if (Object.keys(input.banks).length === 0) issues.push({ path: [], message: "banks is missing or empty" });
  return issues;
}

/** zod's issue in our words, unknown keys one by one. */
function schemaIssues(issue: z.core.$ZodIssue): DocumentIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `unknown key${suggestion(key, keysAt(issue.path))}`,
    }));
  }
  if (issue.code === "invalid_union") {
    const inner = issue.errors.flat().find((candidate) => candidate.code === "unrecognized_keys");
    if (inner) return schemaIssues({ ...inner, path: [...issue.path, ...inner.path] });
  }
  if (issue.code === "invalid_key") return [{ path: issue.path, message: "expected a name of 1 to 64 characters" }];
  return [{ path: issue.path, message: issue.message.replace(/^Invalid input: /, "") }];
}

function keysAt(path: DocumentPath): readonly string[] {
  if (path.length === 0) return DEVICE_KEYS;
  return path.length === 2 ? BANK_KEYS : INNER_KEYS;
}

function suggestion(word: string, candidates: readonly string[]): string {
  const meant = closest(word, candidates);
  return meant ? ` (did you mean "${meant}"?)` : "";
}

function pathOf(device: DeviceDescription, issue: { bank?: number; key?: string }): DocumentPath {
  if (issue.bank === undefined) return issue.key ? [issue.key] : ["banks"];
  const name = device.banks[issue.bank]?.name ?? "";
  return issue.key && issue.key !== "name" ? ["banks", name, issue.key] : ["banks", name];
}

/** The object without its undefined members. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
