import type { LinkCounters } from "../wire/frame-decoder.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";

/** What a link has seen of its line. */
export interface LineFigures extends LinkCounters {
  /** Bytes of text: printable ASCII, tabs and ends of lines. */
  readonly printableBytes: number;
  /** The version of the latest frame that was not of ours. */
  readonly lastOtherVersion: number | undefined;
}

/** What a line looks like from here. */
export interface LineQuality {
  readonly verdict: "silent" | "good" | "text" | "garbage" | "other-version" | "echo" | "noisy" | "undecided";
  /** One sentence for people. */
  readonly words: string;
  /** What to do about it; missing where nothing is to be done. */
  readonly remedy?: string;
}

/** Fewer bytes without a frame say nothing: the end of a frame whose beginning came before us. */
const GARBAGE_BYTES_LEAST = 64;
const TEXT_BYTES_LEAST = 16;
/** Of random bytes 38 % are printable, of frames fewer: they are full of zeros and high bytes of addresses. */
const TEXT_RATIO_LEAST = 0.9;
/** A frame or two may be cut when the port is opened. */
const NOISE_FRAMES_LEAST = 5;
const NOISE_RATIO_LEAST = 0.02;

/**
 * Says what is wrong with a line, by what came over it: all that did, or what has since figures that were kept
 * (`since`). `baudRate` is only named.
 */
export function judgeLine(
  now: LineFigures,
  options: { readonly baudRate?: number; readonly since?: LineFigures } = {},
): LineQuality {
  const figures = options.since ? difference(now, options.since) : now;
  const { bytes, frames, corrupt, otherVersion, unknownType } = figures;
  if (frames > 0) return corrupt >= noiseLimit(frames) ? noisy(frames, corrupt) : good(frames);
  if (bytes === 0) return SILENT;
  if (otherVersion > 0) return foreign(otherVersion, figures.lastOtherVersion);
  if (unknownType > 0) return ECHO;
  return withoutFrames(figures, options.baudRate);
}

const SILENT: LineQuality = {
  verdict: "silent",
  words: "Nothing was received.",
  remedy:
    "Is this the right port, is the board powered and running, and is its TX wired to RX here? " +
    "A board that has stopped or waits in a debugger says nothing either.",
};

const ECHO: LineQuality = {
  verdict: "echo",
  words: "Only what is sent to the board comes back.",
  remedy: "TX and RX are joined somewhere, or the other end is no agent but something that echoes.",
};

function good(frames: number): LineQuality {
  return { verdict: "good", words: `${count(frames, "frame")}, none or hardly any damaged.` };
}

function noisy(frames: number, corrupt: number): LineQuality {
  const percent = ((100 * corrupt) / (frames + corrupt)).toFixed(1);
  return {
    verdict: "noisy",
    words: `${percent} % of the frames are damaged (${corrupt} of ${frames + corrupt}).`,
    remedy:
      "Noise on the wires, a baud rate that one side misses by some per cent, or overruns in a UART or an adapter: " +
      "try a lower baud rate and shorter wires, and see that nothing else on the board writes to this port.",
  };
}

function foreign(frames: number, version: number | undefined): LineQuality {
  return {
    verdict: "other-version",
    words: `The board's agent speaks version ${version} of the protocol (${count(frames, "frame")}), heapsoak version ${PROTOCOL_VERSION}.`,
    remedy:
      "Build the firmware with the agent that comes with this heapsoak, or use the heapsoak that the agent came with.",
  };
}

function withoutFrames({ bytes, printableBytes }: LineFigures, baudRate: number | undefined): LineQuality {
  if (bytes >= TEXT_BYTES_LEAST && printableBytes >= TEXT_RATIO_LEAST * bytes) return text(bytes);
  const words = `${count(bytes, "byte")} and no valid frame among them`;
  if (bytes < GARBAGE_BYTES_LEAST) return { verdict: "undecided", words: `${words}: too few to say more.` };
  const at = baudRate === undefined ? "" : ` ${baudRate} is used here;`;
  return {
    verdict: "garbage",
    words: `${words}: a wrong baud rate, or something else than heapsoak's agent.`,
    remedy: `Give --baud the rate that the firmware sets;${at} and see that the agent has this port to itself.`,
  };
}

function text(bytes: number): LineQuality {
  return {
    verdict: "text",
    words: `${count(bytes, "byte")} that look like a text console, and no valid frame among them.`,
    remedy:
      "The agent needs a port of its own: give --port the one it has, or move the firmware's text to the agent's log.",
  };
}

function noiseLimit(frames: number): number {
  return Math.max(NOISE_FRAMES_LEAST, frames * NOISE_RATIO_LEAST);
}

/** What has come since. */
function difference(now: LineFigures, since: LineFigures): LineFigures {
  const { lastOtherVersion, printableBytes, ...counters } = now;
  const past = addCounters(since, counters, -1);
  return { ...past, printableBytes: printableBytes - since.printableBytes, lastOtherVersion };
}

/** Each counter of `now`, and that of `past` added to it, or with sign -1 taken from it. */
export function addCounters(past: LinkCounters, now: LinkCounters, sign: 1 | -1 = 1): LinkCounters {
  const keys = Object.keys(now) as (keyof LinkCounters)[];
  return Object.fromEntries(keys.map((key) => [key, now[key] + sign * past[key]])) as unknown as LinkCounters;
}

/** How many of the bytes are text. */
export function printableIn(chunk: Uint8Array): number {
  let printable = 0;
  for (const byte of chunk) if ((byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d)) printable++;
  return printable;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
