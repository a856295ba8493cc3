import type { TimeUnit } from "./timestamps.ts";

/** What a column, a JSON key or the name before a number stands for. */
export type Role = "time" | "uptime" | "free" | "minimum" | "largest" | "used" | "total" | "boot" | "device";

/** A name that was recognised, with the unit it carries. */
export interface NamedRole {
  readonly role: Role;
  /** Bytes of one unit: 1024 of `free_kb`. */
  readonly bytes: number;
  readonly unit: TimeUnit | undefined;
}

/** Names are compared without case, spaces and punctuation. */
const TIME = words(
  "time timestamp ts datetime date utc utctime localtime epoch epochtime unixtime unix loggedat createdat",
  "receivedat received eventtime sampledat sampletime when t",
);
const UPTIME = words("uptime up sysuptime systemuptime sinceboot timesinceboot runtime millis micros");
const BOOT = words(
  "boot boots bootcount bootcounter bootid bootsession reboots rebootcount restarts restartcount resetcount",
);
const DEVICE = words(
  "device deviceid devicename dev id mac macaddress macaddr host hostname node nodeid nodename serial serialnumber",
  "sn unit unitid chipid imei client clientid name entityid topic source",
);

/** Words that say nothing more about a counter of a heap. */
const NOISE = new Set(
  words(
    "heap mem memory ram esp esp32 esp8266 sys system size bytes byte b internal dram stat stats get current space remaining in of mean avg average",
  ),
);
const MINIMUM = new Set(words("min minimum lowest least"));
const LARGEST = new Set(words("largest biggest max maximum contiguous"));
const MOST = new Set(words("max maximum"));
const WORDS =
  /^(?:minimum|min|lowest|least|largest|biggest|maximum|max|contiguous|contig|free|available|avail|unused|ever|watermark|water|low|mark|allocatable|allocated|alloc|blocks?|blk|hole|chunk|used|inuse|usage|total|capacity|heap|memory|mem|esp32|esp8266|esp|ram|dram|system|sys|size|bytes?|internal|stats?|get|current|space|remaining|mean|average|avg|sz|in|of)/;
const UNIT = /^(kib|kb|mib|mb|bytes?|b)$/;
const TIME_UNIT = /^(.*?)(?:(milliseconds?|millis|msec|ms)|(microseconds?|micros|usec|us)|(seconds?|secs?|s))$/;

/**
 * What the name stands for, or undefined. Counters of a heap are recognised by their words in any order: `free`,
 * `free_heap`, `heapFreeBytes`, `minFreeHeap`, `minimum_ever_free`, `largest_free_block`, `maxAllocHeap`, `max_block`.
 */
export function roleOf(name: string): NamedRole | undefined {
  // FreeRTOS: xMinimumEverFreeBytesRemaining.
  const squeezed = name
    .replace(/^x(?=[A-Z])/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "");
  if (squeezed === "" || squeezed.length > 60) return undefined;
  return timeRole(squeezed) ?? plainRole(squeezed) ?? counterRole(squeezed);
}

function timeRole(squeezed: string): NamedRole | undefined {
  if (TIME.includes(squeezed)) return { role: "time", bytes: 1, unit: undefined };
  if (UPTIME.includes(squeezed)) return { role: "uptime", bytes: 1, unit: ownUnit(squeezed) };
  const [, stem = "", milli, micro, second] = TIME_UNIT.exec(squeezed) ?? [];
  const unit = milli ? "ms" : micro ? "us" : second ? "s" : undefined;
  if (unit && UPTIME.includes(stem)) return { role: "uptime", bytes: 1, unit };
  if (unit && TIME.includes(stem)) return { role: "time", bytes: 1, unit };
  return undefined;
}

function ownUnit(squeezed: string): TimeUnit | undefined {
  if (squeezed === "millis") return "ms";
  return squeezed === "micros" ? "us" : undefined;
}

function plainRole(squeezed: string): NamedRole | undefined {
  if (BOOT.includes(squeezed)) return { role: "boot", bytes: 1, unit: undefined };
  return DEVICE.includes(squeezed) ? { role: "device", bytes: 1, unit: undefined } : undefined;
}

function counterRole(squeezed: string): NamedRole | undefined {
  const found: string[] = [];
  let bytes = 1;
  for (let rest = squeezed; rest !== ""; ) {
    const unit = UNIT.exec(rest)?.[1];
    if (unit && !unit.startsWith("b")) bytes = unit.startsWith("k") ? 1024 : 1024 * 1024;
    if (unit) break;
    const word = WORDS.exec(rest)?.[0];
    if (word === undefined) return undefined;
    if (!NOISE.has(word)) found.push(word);
    rest = rest.slice(word.length);
  }
  const role = roleOfWords(found);
  return role && { role, bytes, unit: undefined };
}

function roleOfWords(found: readonly string[]): Role | undefined {
  const has = (...any: string[]) => found.some((word) => any.includes(word));
  if (has("used", "allocated", "inuse", "usage")) return found.length === 1 ? "used" : undefined;
  if (found.some((word) => MINIMUM.has(word)) || has("watermark", "mark"))
    return has("block", "blk") ? undefined : "minimum";
  // The most that was free, in a window of time say, is no block.
  if (has(...MOST) && found.every((word) => MOST.has(word) || word === "free")) return undefined;
  if (found.some((word) => LARGEST.has(word))) return "largest";
  if (has("free", "available", "avail", "unused")) return has("block", "blocks", "blk") ? undefined : "free";
  return found.length === 1 && has("total", "capacity") ? "total" : undefined;
}

function words(...lists: readonly string[]): string[] {
  return lists.join(" ").split(" ");
}
