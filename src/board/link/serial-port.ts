import { stat } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { HeapsoakError } from "../../errors.ts";
import { settledWithin } from "./deadline.ts";
import { notAPort } from "./port-errors.ts";

/** What the link uses of a port of serialport. */
export interface SerialStream extends Duplex {
  readonly isOpen: boolean;
  open(done: (error: Error | null) => void): void;
  drain(done: (error: Error | null) => void): void;
  flush(done: (error: Error | null) => void): void;
  /** Asks for the modem lines. */
  get(done: (error: Error | null) => void): void;
  close(done: (error: Error | null) => void): void;
}

/** How a link gets at ports: this machine's, or those of a test. */
export interface PortAccess {
  /** A port that is not open yet. */
  make(path: string, baudRate: number): Promise<SerialStream>;
  /** Whether there is something at the path. Throws `port-unusable` where that is no terminal device. */
  isThere(path: string): Promise<boolean>;
}

/** What a port may take to hand its last bytes to the wire, and to close. */
const DRAIN_MS = 500;
const CLOSE_MS = 1000;
/** What Linux and macOS say of the lines of a port that is hung up. */
const HUNG_UP = /input\/output error|device not configured/i;

/** This machine's ports. They are locked: only one program has a port open. */
export const machinePorts: PortAccess = { make: makePort, isThere: isPortThere };

/**
 * The package, which other commands do not need. Throws `port-unusable` where its native part cannot be loaded.
 */
export async function loadSerialport(): Promise<typeof import("serialport")> {
  try {
    return await import("serialport");
  } catch (cause) {
    const [why] = String(cause instanceof Error ? cause.message : cause).split("\n");
    const machine = `${process.platform} on ${process.arch}, Node ${process.versions.node}`;
    throw new HeapsoakError("port-unusable", `Serial ports cannot be used on this machine (${machine}): ${why}.`, {
      hint: "The package serialport has no ready-made native part for it: `npm rebuild serialport` builds one with a C++ compiler.",
      cause,
    });
  }
}

/** Opens the port. Throws what serialport says. */
export async function openPort(access: PortAccess, path: string, baudRate: number): Promise<SerialStream> {
  const port = await access.make(path, baudRate);
  port.on("error", () => {}); // a write that closing cancels comes back as one
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return port;
}

/**
 * Closes the port once the wire has what was written, but waits for neither for ever: what is left then is thrown
 * away, for the kernel would keep a port with bytes that nobody takes from closing.
 */
export async function closePort(port: SerialStream): Promise<void> {
  const call = (verb: "drain" | "flush" | "close") => new Promise((resolve) => port[verb](resolve));
  if (!port.isOpen) return;
  await settledWithin(call("drain"), DRAIN_MS);
  if (!port.isOpen) return;
  await settledWithin(call("flush"), DRAIN_MS);
  if (port.isOpen) await settledWithin(call("close"), CLOSE_MS);
}

/**
 * Whether the system has hung the port up, or its device does not answer. Reads of such a port find nothing for ever
 * and never fail. A pty has no modem lines, and says so with another error.
 */
export async function isHungUp(port: SerialStream): Promise<boolean> {
  const error = await new Promise<Error | null>((resolve) => port.get(resolve));
  return error !== null && HUNG_UP.test(error.message);
}

async function makePort(path: string, baudRate: number): Promise<SerialStream> {
  const { SerialPort } = await loadSerialport();
  return new SerialPort({ path, baudRate, autoOpen: false });
}

async function isPortThere(path: string): Promise<boolean> {
  if (process.platform === "win32") return true; // COM ports are no files: opening tells
  try {
    const status = await stat(path);
    if (status.isCharacterDevice()) return true;
    if (status.isDirectory()) throw notAPort(path, "a folder");
    throw notAPort(path, status.isSocket() ? "a socket" : status.isFIFO() ? "a pipe" : "a file");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ENOTDIR")
      return false;
    throw error;
  }
}
