/**
 * Holds the frame decoder to its promises over long streams: flat memory and nothing lost over gigabytes; and over
 * millions of frames on a line that flips, drops and repeats, no more damage taken for frames than the checks' odds
 * give, and every loss counted. Needs the built package. Exits with 1 when a promise is broken; speed is only printed.
 *
 *   node test/board-long/decoder-soak.mjs [--bytes N] [--frames N] [--seed N]
 *
 * 0 leaves a part out; by default 3,600,000,000 bytes and 10,000,000 frames.
 */
import { parseArgs } from "node:util";
import { soakClean } from "./clean-stream.mjs";
import { soakNoisy } from "./noisy-stream.mjs";

const { bytes, frames, seed } = readArguments();
const broken = [];
if (bytes > 0) broken.push(...(await soakClean(bytes, seed)));
if (frames > 0) broken.push(...(await soakNoisy(frames, seed)));
for (const promise of broken) console.error(`broken: ${promise}`);
process.exitCode = broken.length > 0 ? 1 : 0;

function readArguments() {
  const usage = "Usage: node test/board-long/decoder-soak.mjs [--bytes N] [--frames N] [--seed N]";
  try {
    const options = { bytes: { type: "string" }, frames: { type: "string" }, seed: { type: "string" } };
    const { values } = parseArgs({ options });
    return {
      bytes: count("bytes", values.bytes ?? "3600000000"),
      frames: count("frames", values.frames ?? "10000000"),
      seed: count("seed", values.seed ?? "20261121"),
    };
  } catch (problem) {
    console.error(`${problem.message}\n${usage}`);
    return process.exit(2);
  }
}

function count(name, text) {
  if (/^\d{1,13}$/.test(text)) return Number(text);
  throw new Error(`--${name} is ${text}; expected a whole number.`);
}
