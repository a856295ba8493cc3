import { type NamedRole, roleOf } from "./columns.ts";
import type { Sample } from "./sample.ts";
import { UNIT_MS } from "./timestamps.ts";

/** A form of line that firmware prints. */
export interface LogFormat {
  readonly name: string;
  /** What such a line looks like, for people. */
  readonly example: string;
  /** Fills the sample's counters from a line. `part`: the line belongs to a report of which more is to come. */
  match(line: string, sample: Sample): "sample" | "part" | "no";
}

/** A format of one line with one number after another. */
function oneLine(
  name: string,
  example: string,
  pattern: RegExp,
  fill: (sample: Sample, ...figures: number[]) => void,
): LogFormat {
  return {
    name,
    example,
    match(line, sample) {
      const match = pattern.exec(line);
      if (!match) return "no";
      fill(sample, ...match.slice(1).map(Number));
      return "sample";
    },
  };
}

function fillFreeMinimumLargest(sample: Sample, free = Number.NaN, minimum = Number.NaN, largest = Number.NaN): void {
  sample.freeBytes = free;
  sample.minimumFreeBytes = minimum;
  sample.largestBytes = largest;
}

function fillFreeLargest(sample: Sample, free = Number.NaN, largest = Number.NaN): void {
  sample.freeBytes = free;
  sample.largestBytes = largest;
}

/** MicroPython counts the largest hole in blocks of the collector, 16 bytes on 32-bit targets. */
const MICROPYTHON_BLOCK_BYTES = 16;

/** `micropython.mem_info()`: free bytes on one line, the largest hole on the next. */
function microPython(): LogFormat {
  let free = Number.NaN;
  return {
    name: "micropython",
    example: "GC: total: T, used: U, free: F / No. of 1-blocks: a, 2-blocks: b, max blk sz: c, max free sz: d",
    match(line, sample) {
      const totals = /GC: total: \d+, used: \d+, free: (\d+)/.exec(line);
      if (totals) free = Number(totals[1]);
      if (totals) return "part";
      const blocks = /No\. of 1-blocks: \d+, 2-blocks: \d+, max blk sz: \d+, max free sz: (\d+)/.exec(line);
      if (!blocks || Number.isNaN(free)) return "no";
      fillFreeLargest(sample, free, Number(blocks[1]) * MICROPYTHON_BLOCK_BYTES);
      free = Number.NaN;
      return "sample";
    },
  };
}

/** Zephelin's text: a line for each heap, which are as many devices. */
function zephelin(): LogFormat {
  return {
    name: "zephelin",
    example: "zpl_memory_event heap (0xADDRESS) NB NB THREAD",
    match(line, sample) {
      const match = /zpl_memory_event (?:k_)?heap \((0x[0-9a-f]{1,16})\) \d+B (\d+)B/i.exec(line);
      if (!match) return "no";
      sample.device = `heap ${match[1]}`;
      sample.freeBytes = Number(match[2]);
      return "sample";
    },
  };
}

const PAIR = /([A-Za-z][A-Za-z0-9_. -]{0,40}?)\s?[:=]\s*"?(\d+(?:\.\d+)?)\s?(KiB|KB|kB|kb)?(?![\d.%])/g;
/** Names of one program are few; a hostile log has many. */
const NAMES_KEPT = 1000;

/** `app free heap`, `free heap`, `heap`: other words may stand before the name. */
function suffixes(name: string): string[] {
  const words = name.split(" ");
  return words.map((_, first) => words.slice(first).join(" "));
}

/** Whatever prints `name: number` or `name=number` with names that columns may have as well. */
function keyValue(): LogFormat {
  const roles = new Map<string, NamedRole | undefined>();
  const known = (name: string) => {
    if (!roles.has(name)) {
      if (roles.size >= NAMES_KEPT) roles.clear();
      roles.set(name, roleOf(name));
    }
    return roles.get(name);
  };
  return {
    name: "key-value",
    example: "heap_free=269896 min_free=201004 largest_block=45044",
    match(line, sample) {
      for (const [, name = "", figure, unit] of line.matchAll(PAIR)) {
        const role = suffixes(name)
          .map(known)
          .find((found) => found !== undefined);
        if (role) fillRole(sample, role, Number(figure) * (unit ? 1024 : 1));
      }
      return hasCounter(sample) ? "sample" : "no";
    },
  };
}

function fillRole(sample: Sample, { role, bytes, unit }: NamedRole, figure: number): void {
  if (role === "free" && Number.isNaN(sample.freeBytes)) sample.freeBytes = figure * bytes;
  else if (role === "minimum" && Number.isNaN(sample.minimumFreeBytes)) sample.minimumFreeBytes = figure * bytes;
  else if (role === "largest" && Number.isNaN(sample.largestBytes)) sample.largestBytes = figure * bytes;
  else if (role === "uptime" && unit !== undefined && unit !== "iso") sample.uptimeMs = figure * UNIT_MS[unit];
  else if (role === "boot") sample.boot = String(figure);
}

function hasCounter({ freeBytes, largestBytes }: Sample): boolean {
  return !(Number.isNaN(freeBytes) && Number.isNaN(largestBytes));
}

/** The formats of lines, the most particular ones first. Some remember lines: each log needs its own. */
export function logFormats(): LogFormat[] {
  return [
    oneLine(
      "arduino",
      "Free heap: N min: N largest: N",
      /free heap:?\s*(\d+),?\s+min:?\s*(\d+),?\s+largest:?\s*(\d+)/i,
      fillFreeMinimumLargest,
    ),
    oneLine(
      "mem",
      "[MEM] free: N | max: N | frag: N%",
      /\[MEM\] free: *(\d+) *\| *max: *(\d+) *\| *frag/i,
      fillFreeLargest,
    ),
    oneLine(
      "zephyr",
      "allocated N, free N, max allocated N, heap size N",
      /allocated (\d+), free (\d+), max allocated (\d+), heap size \d+/,
      (sample, allocated = 0, free = 0, most = 0) => fillFreeMinimumLargest(sample, free, free + allocated - most),
    ),
    oneLine(
      "esp-idf",
      "free N allocated N min_free N largest_free_block N",
      /free (\d+) allocated \d+ min_free (\d+) largest_free_block (\d+)/,
      fillFreeMinimumLargest,
    ),
    oneLine(
      "esp8266",
      "frag: N% (freeheap: N - maxblock= N)",
      /frag: *\d+ *%? *\(freeheap: *(\d+) *- *maxblock= *(\d+)\)/i,
      fillFreeLargest,
    ),
    oneLine(
      "lvgl",
      "used: N ( N %), frag: N %, biggest free: N",
      /used: *(\d+) *\( *\d+ *%\), *frag: *\d+ *%, *biggest free: *(\d+)/,
      (sample, used = 0, largest = 0) => {
        sample.usedBytes = used;
        sample.largestBytes = largest;
      },
    ),
    oneLine(
      "mbedtls",
      "Current use: N blocks / N bytes, max: N blocks / N bytes",
      /Current use: *\d+ blocks \/ (\d+) bytes, max: *\d+ blocks/,
      (sample, used) => {
        sample.usedBytes = used ?? Number.NaN;
      },
    ),
    oneLine(
      "o1heap",
      "Heap status N/N Peak alloc N Peak req N OOM count N",
      /Heap status (\d+)\/(\d+) Peak alloc (\d+)/,
      (sample, used = 0, total = 0, peak = 0) => {
        sample.freeBytes = total - used;
        sample.minimumFreeBytes = total - peak;
      },
    ),
    zephelin(),
    microPython(),
    keyValue(),
  ];
}
