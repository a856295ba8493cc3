import { basename } from "node:path";
import { closest, type ErrorCode, HeapsoakError } from "../../errors.ts";

/** What the system says, in the words of each platform, and what it means. */
const MEANINGS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/no such file|file not found|no such device|path not found/i, "port-missing"],
  [/permission denied|operation not permitted/i, "port-denied"],
  // On Windows a port that another program has open answers so.
  [/cannot lock|temporarily unavailable|resource busy|access denied|port is locked/i, "port-busy"],
];

/** Names of ports that a message lists at most. */
const NAMES_MOST = 8;

/** The circumstances that a message depends on. */
export interface PortCircumstances {
  /** Paths of the ports that exist. */
  readonly ports: readonly string[];
  readonly platform: NodeJS.Platform;
}

/** What a failure to open a port means: `port-missing`, `port-denied`, `port-busy`, or `port-unusable` for the rest. */
export function portErrorCode(error: unknown): ErrorCode {
  if (error instanceof HeapsoakError) return error.code;
  const message = error instanceof Error ? error.message : String(error);
  return MEANINGS.find(([words]) => words.test(message))?.[1] ?? "port-unusable";
}

/** The error for people: what is wrong with the port, and how to mend it on their platform. */
export function portError(path: string, cause: unknown, circumstances: PortCircumstances): HeapsoakError {
  if (cause instanceof HeapsoakError) return cause;
  const code = portErrorCode(cause);
  const fail = (message: string, hint: string) => new HeapsoakError(code, `${path}: ${message}`, { hint, cause });
  if (code === "port-missing") return fail("there is no such port.", missingHint(path, circumstances));
  if (code === "port-denied") return fail("you may not open this port.", deniedHint(path, circumstances.platform));
  if (code === "port-busy") return fail("another program has this port open.", busyHint(path, circumstances.platform));
  return unusable(path, cause);
}

/** The error for a path at which there is no terminal device: `what` says what there is. */
export function notAPort(path: string, what: string): HeapsoakError {
  return new HeapsoakError("port-unusable", `${path}: is ${what}, expected a serial port or a pty.`, {
    hint: "`heapsoak board list` shows the ports of this machine; for a socket, let socat make a pty of it.",
  });
}

function unusable(path: string, cause: unknown): HeapsoakError {
  const words = cause instanceof Error ? cause.message : String(cause);
  if (/inappropriate ioctl/i.test(words)) return notAPort(path, "no terminal device");
  const hint = /baud|parameter is incorrect|invalid argument/i.test(words)
    ? "Perhaps its driver does not have this baud rate: give another one with --baud, here and in the firmware."
    : "Plug it in again, or try another port: `heapsoak board list` shows them.";
  return new HeapsoakError("port-unusable", `${path}: cannot be opened (${words}).`, { hint, cause });
}

function missingHint(path: string, { ports }: PortCircumstances): string {
  if (ports.length === 0) {
    return "No serial port was found here at all: is the board plugged in, with a cable that carries data?";
  }
  const byName = new Map(ports.map((port) => [basename(port), port]));
  const near = byName.get(closest(basename(path), byName.keys()) ?? "");
  const more = ports.length > NAMES_MOST ? `, and ${ports.length - NAMES_MOST} more` : "";
  const all = `Ports here: ${ports.slice(0, NAMES_MOST).join(", ")}${more}.`;
  return near === undefined ? all : `Did you mean ${near}? ${all}`;
}

function deniedHint(path: string, platform: NodeJS.Platform): string {
  if (platform === "linux") {
    return (
      "Serial ports belong to the group dialout (uucp on Arch): `sudo usermod -aG dialout $USER`, then log out and in " +
      `again. \`ls -l ${path}\` shows the group; a rule of udev can give a board's port to everybody who is logged in.`
    );
  }
  if (platform === "darwin") {
    return `Give the port's /dev/cu.* name, which every user may open; \`ls -l ${path}\` shows whose this one is.`;
  }
  return "Run it as a user who may open this port.";
}

function busyHint(path: string, platform: NodeJS.Platform): string {
  const usual = "Usual ones: another heapsoak, screen or minicom, the serial monitor of an IDE or a flashing tool";
  if (platform === "win32") return `${usual}, PuTTY or another terminal program. Close it and try again.`;
  const manager = platform === "linux" ? ", and for seconds after plugging in ModemManager" : "";
  return `${usual}${manager}. \`fuser -v ${path}\` or \`lsof ${path}\` shows which one it is.`;
}
