/**
 * Lines `! WORD KEY=VALUE … [text=…]` of recordings: what a board reported beside its allocator's operations, and
 * what became of the line to it. `text` is always the last key and goes on to the end of the line, blanks
 * included; all else has none.
 */

/** What an event means to a replay: the heap starts anew, operations are missing here, or nothing. */
export type BoardEventKind = "boot" | "gap" | "note";

interface BoardEvent {
  readonly kind: BoardEventKind;
}

/** The words. Readers refuse others: what a replay does not know it cannot know to be harmless. */
export const BOARD_EVENTS = {
  /** The board has started: what was live is gone. `t` begins at 0 here. */
  boot: { kind: "boot" },
  /** `frames` are missing; `certain=0`: or 65,536 more, once or several times. Imports: `line` of the log is damaged. */
  gap: { kind: "gap" },
  /** The log begins `captured` operations after the boot. */
  joined: { kind: "gap" },
  /** The line broke; `text` says why. */
  disconnected: { kind: "gap" },
  /** A second recording goes on in this file. */
  appended: { kind: "gap" },
  /** An operation at an `address` outside the heap's bounds, which no replay can carry out. */
  outside: { kind: "gap" },
  /** The board came back with another heap or allocator than the header says. */
  "other-heap": { kind: "gap" },
  /** More blocks were live than are followed: all were forgotten. */
  forgot: { kind: "gap" },
  /** The line is there again. */
  connected: { kind: "note" },
  /** What the board says it is. */
  identity: { kind: "note" },
  /** The name of a task. */
  task: { kind: "note" },
  /** A stack's bytes and how many of them were never used. */
  stack: { kind: "note" },
  /** The allocator's own figures. */
  statistics: { kind: "note" },
  /** A line of the firmware's log. */
  log: { kind: "note" },
  heartbeat: { kind: "note" },
  /** A free of an address of which the log knows nothing: born before it, or in a gap. */
  "unmatched-free": { kind: "note" },
  /** The same of a reallocation that was refused. */
  "unmatched-reallocate": { kind: "note" },
  /** An address was handed out while its block was live, and nothing is missing. */
  "handed-out-twice": { kind: "note" },
  /** The board answered a command. */
  answer: { kind: "note" },
  /** The recording ended on purpose, with its totals. */
  end: { kind: "note" },
} as const satisfies Readonly<Record<string, BoardEvent>>;

export type BoardEventWord = keyof typeof BOARD_EVENTS;

/** The longest text of an event, in characters, more than a frame holds: even if all are escaped, readers take the line. */
const TEXT_CHARACTERS_MOST = 1020;
const WORD_CHARACTERS_MOST = 256;

/** An event as a line with its end. Values of `fields` lose their blanks; `text` may say anything. */
export function eventLine(
  word: BoardEventWord,
  fields: Readonly<Record<string, string | number | undefined>> = {},
  text?: string,
): string {
  let line = `! ${word}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${typeof value === "number" ? value : escapeWord(value)}`;
  }
  return text === undefined ? `${line}\n` : `${line} text=${escapeText(text)}\n`;
}

/**
 * Any text on one line, and so that no terminal obeys it: control characters, line and paragraph separators and
 * what turns the direction of writing become `\n`, `\x1b` or `\u{202e}`; a backslash is doubled.
 */
export function escapeText(text: string): string {
  const cut = text.length > TEXT_CHARACTERS_MOST ? `${text.slice(0, TEXT_CHARACTERS_MOST)}…` : text;
  return cut.replaceAll(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

/** As `escapeText`, without blanks: for values in front of others. An empty text becomes `-`. */
function escapeWord(text: string): string {
  const word = escapeText(text.slice(0, WORD_CHARACTERS_MOST)).replaceAll(/\s/gu, "_");
  return word === "" ? "-" : word;
}

function escapeCharacter(character: string): string {
  if (character === "\\") return "\\\\";
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}
