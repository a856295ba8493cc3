import { Command } from "commander";
import { BoardCommander } from "../board/commands/commander.ts";
import type { BoardLink } from "../board/link/link.ts";
import { openLink } from "../board/link/serial-link.ts";
import { BoardWatch, type BoardWatchOptions } from "../board/watch/board-watch.ts";
import { resolveDevice } from "../device/resolve.ts";
import { HeapsoakError } from "../errors.ts";
import { readLimited } from "../files.ts";
import { readElf } from "../image/elf.ts";
import { watchSummary } from "../report/watch-screen.ts";
import {
  type AllocatorFlags,
  allocatorOptions,
  linkOptions,
  type PortFlags,
  withAllocatorOptions,
  withPortOptions,
} from "./board-options.ts";
import { paintFor } from "./colors.ts";
import { watchLoop } from "./watch-loop.ts";

interface WatchFlags extends PortFlags, AllocatorFlags {
  readonly elf?: string;
  readonly device?: string;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const DIFFERENT = 1;
const UNDECIDED = 3;

const EXAMPLES = `
Examples:
  $ heapsoak board watch --port /dev/ttyACM0
  $ heapsoak board watch --port /dev/ttyUSB0 --baud 921600 --elf build/app.elf --device stm32f407vg

The screen shows the heap of an emulated twin that is given every operation of the board; each address is compared.
Where frames are lost, the board's memory is read back and the twin goes on. q or Ctrl-C ends, r reads memory back.
Without a terminal a line is written each second.

Exit codes: 0 no difference was seen, 1 the twin was given another address than the board, 2 bad input,
3 the twin faulted, so that nothing was compared from there.`;

/** `heapsoak board watch`: a live screen of a board's heap, stacks, call sites and log. */
export function boardWatchCommand(): Command {
  return withAllocatorOptions(withPortOptions(new Command("watch")))
    .summary("show a board's heap live, beside an emulated twin")
    .description("Shows a board's heap, stacks, call sites and log as they are, beside an emulated twin.")
    .option("--elf <file>", "the firmware's ELF file: names of call sites, static data in the map")
    .option("--device <id>", "the board's device; by default what the board calls itself")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(flags: WatchFlags): Promise<void> {
  const options: BoardWatchOptions = {
    ...allocatorOptions(flags),
    ...(flags.device === undefined ? {} : { device: await resolveDevice(flags.device) }),
    ...(flags.elf === undefined ? {} : { elf: readElf(await readLimited(flags.elf), flags.elf) }),
  };
  const link = await openLink(linkOptions(flags));
  try {
    await watchLink(link, new BoardWatch(link, options));
  } finally {
    await link.close();
  }
}

async function watchLink(link: BoardLink, watch: BoardWatch): Promise<void> {
  const clockMs = () => performance.timeOrigin + performance.now();
  link.subscribe((items, receivedMs) => {
    watch.take(items, receivedMs);
    // A board that came back is asked who it is.
    if (items.some(({ kind }) => kind === "connected")) void link.send({ kind: "hello" }).catch(() => {});
  });
  await introduce(link);
  await untilSignal((signal) =>
    watchLoop({
      link,
      watch,
      openReader: () => openReader(link),
      output: process.stdout,
      keyboard: process.stdin,
      paint: paintFor(process.stdout),
      clockMs,
      signal,
    }),
  );
  const state = watch.state(clockMs());
  process.stdout.write(`${watchSummary(state).join("\n")}\n`);
  if (state.twin.differences > 0) process.exitCode = DIFFERENT;
  else if (state.twin.state === "faulted") process.exitCode = UNDECIDED;
}

/** Signals end the work as a key does, so that the terminal is left as it was. */
async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    await work(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** Waits for the board's name. A line on which the board only sends has its frames instead: the name comes later. */
async function introduce(link: BoardLink): Promise<void> {
  const commander = new BoardCommander(link);
  try {
    await commander.identify();
  } catch (error) {
    if (!(error instanceof HeapsoakError) || link.counters.frames === 0) throw error;
  } finally {
    commander.close();
  }
}

/** A commander of its own for each reading: the board may have restarted since the last one. */
async function openReader(link: BoardLink): Promise<BoardCommander> {
  const commander = new BoardCommander(link);
  try {
    await commander.identify();
    return commander;
  } catch (error) {
    commander.close();
    throw error;
  }
}
