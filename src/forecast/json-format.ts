import { type NamedRole, roleOf } from "./columns.ts";
import type { NamedColumns } from "./csv-format.ts";
import { LineKind, type LineReader, type Sample, sampleFault } from "./sample.ts";
import { TimeCells } from "./time-value.ts";

/** Objects within objects: `{"heap":{"free":1}}`. */
const DEPTH_MOST = 4;
const PAIRS_MOST = 200;
const NAMES_KEPT = 1000;

type Pairs = [path: string, value: unknown][];

/**
 * JSON Lines: an object a line, its keys named as columns may be. A line of heaptop is one of these: its samples
 * name the heap's regions, of which `internal` is read; its other lines (tasks, alerts) are no samples.
 */
export class JsonReader implements LineReader {
  readonly format = "json-lines";
  fault = "";
  readonly #named: NamedColumns;
  readonly #times = new TimeCells();
  readonly #roles = new Map<string, NamedRole | undefined>();

  constructor(named: NamedColumns = {}) {
    this.#named = named;
  }

  read(line: string, sample: Sample): LineKind {
    if (line.trim() === "") return LineKind.Other;
    const value = parsed(line);
    if (value === undefined) return this.#broken("no JSON object");
    if ("ht" in value && "type" in value && value.type !== "sample") return LineKind.Other;
    const timeFault = this.#fill(pairsOf(value), sample);
    const hasCounter = ![sample.freeBytes, sample.largestBytes, sample.usedBytes].every(Number.isNaN);
    if (!hasCounter) return LineKind.Other;
    const hasTime = !(Number.isNaN(sample.wallMs) && Number.isNaN(sample.uptimeMs));
    const fault = hasTime ? sampleFault(sample) : timeFault || "no time";
    return fault === "" ? LineKind.Sample : this.#broken(fault);
  }

  #broken(fault: string): LineKind {
    this.fault = fault;
    return LineKind.Broken;
  }

  /** What is wrong with its time, if anything. */
  #fill(pairs: Pairs, sample: Sample): string {
    let fault = "";
    for (const [path, value] of pairs) {
      const role = this.#role(path);
      if (!role || value === null) continue;
      if (role.role === "time" || role.role === "uptime") {
        fault ||= this.#times.read(String(value), role.unit, role.role === "uptime", sample);
      } else fillFigure(sample, role, value);
    }
    return fault;
  }

  #role(path: string): NamedRole | undefined {
    if (!this.#roles.has(path)) {
      if (this.#roles.size >= NAMES_KEPT) this.#roles.clear();
      this.#roles.set(path, this.#findRole(path));
    }
    return this.#roles.get(path);
  }

  #findRole(path: string): NamedRole | undefined {
    const key = path.slice(path.lastIndexOf(".") + 1);
    for (const role of ["time", "free", "minimum", "largest", "device"] as const) {
      const named = this.#named[role];
      if (named === undefined) continue;
      const [, stem = named, unit] = (role === "time" && /^(.*):(s|ms|us|iso)$/.exec(named)) || [];
      if (path !== stem && key !== stem) continue;
      const known = roleOf(key);
      return {
        role: known?.role === "uptime" ? "uptime" : role,
        bytes: 1,
        unit: (unit as NamedRole["unit"]) ?? known?.unit,
      };
    }
    const role = roleOf(path.replace(/^regions\.internal\./, "")) ?? (path.includes(".") ? undefined : roleOf(key));
    // heaptop counts `t_ms` from the boot.
    return role && role.role in this.#named && this.#named[role.role as keyof NamedColumns] !== undefined
      ? undefined
      : role;
  }
}

function fillFigure(sample: Sample, { role, bytes }: NamedRole, value: unknown): void {
  if (role === "device") sample.device ||= String(value);
  else if (role === "boot") sample.boot ||= String(value);
  else if (typeof value !== "number") return;
  else if (role === "free" && Number.isNaN(sample.freeBytes)) sample.freeBytes = value * bytes;
  else if (role === "minimum" && Number.isNaN(sample.minimumFreeBytes)) sample.minimumFreeBytes = value * bytes;
  else if (role === "largest" && Number.isNaN(sample.largestBytes)) sample.largestBytes = value * bytes;
  else if (role === "used") sample.usedBytes = value * bytes;
  else if (role === "total") sample.totalBytes = value * bytes;
}

function parsed(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The plain values of an object and of those within it, by their paths. */
function pairsOf(value: object, prefix = "", depth = 0, pairs: Pairs = []): Pairs {
  for (const [key, inner] of Object.entries(value)) {
    if (pairs.length >= PAIRS_MOST) break;
    if (typeof inner === "object" && inner !== null) {
      if (depth < DEPTH_MOST && !Array.isArray(inner)) pairsOf(inner, `${prefix}${key}.`, depth + 1, pairs);
    } else pairs.push([prefix + key, inner]);
  }
  return pairs;
}
