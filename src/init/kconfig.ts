/** Reads what Kconfig writes and reads: sdkconfig, Zephyr's .config, prj.conf. */
import type { HeaderRemark } from "./preprocessor.ts";

export interface KconfigEntry {
  /** With the `CONFIG_` in front. */
  readonly name: string;
  /** As it stands there, without quotes; `n` for what is not set. */
  readonly text: string;
  readonly line: number;
}

const ENTRY = /^\s*(CONFIG_[A-Za-z0-9_]+)\s*=(.*)$/;
const NOT_SET = /^\s*#\s*(CONFIG_[A-Za-z0-9_]+) is not set\s*$/;
const REMARKS_MOST = 50;

/** The options of the text by name; of several settings of one the last counts, as with Kconfig, and it is told. */
export function readKconfig(text: string): { entries: Map<string, KconfigEntry>; remarks: HeaderRemark[] } {
  const entries = new Map<string, KconfigEntry>();
  const remarks: HeaderRemark[] = [];
  const remark = (line: number, what: string) => {
    if (remarks.length < REMARKS_MOST) remarks.push({ line, text: what });
  };
  for (const [index, content] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1;
    const entry = entryOf(content, line);
    if (!entry) {
      if (!/^\s*(#.*)?$/.test(content)) remark(line, `not understood: ${content.trim().slice(0, 60)}`);
      continue;
    }
    const earlier = entries.get(entry.name);
    if (earlier && earlier.text !== entry.text) {
      remark(line, `${entry.name} is ${entry.text} here and ${earlier.text} in line ${earlier.line}; the last counts`);
    }
    entries.set(entry.name, entry);
  }
  return { entries, remarks };
}

function entryOf(content: string, line: number): KconfigEntry | undefined {
  const unset = NOT_SET.exec(content)?.[1];
  if (unset !== undefined) return { name: unset, text: "n", line };
  const [, name, written = ""] = ENTRY.exec(content.slice(0, 4096)) ?? [];
  if (name === undefined) return undefined;
  const value = written.trim();
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(value)?.[1];
  return { name, text: quoted?.replaceAll(/\\(.)/g, "$1") ?? value.split(/\s/, 1)[0] ?? "", line };
}
