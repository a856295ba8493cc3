/** What single lines of a trace say of their operations: size, time, call site and task. */
import { ANNOTATIONS } from "../trace/format.ts";
import { inflated, openSource } from "../trace/input.ts";

/** Call site and task as the trace names them. */
export interface LineLabel {
  readonly site: string | null;
  readonly task: string | null;
  /** What was asked for there; null of frees. */
  readonly requestBytes: number | null;
  /** On the clock of the trace; null where it tells none. */
  readonly timeUs: number | null;
}

const LF = 0x0a;
const NAMES_MOST = 65_536;

/** The labels of the lines asked for, by line number. Throws as reading does. */
export async function lineLabels(path: string, wanted: ReadonlySet<number>): Promise<Map<number, LineLabel>> {
  const labels = new Map<number, LineLabel>();
  const tasks = new Map<string, string>();
  let left = Math.max(0, ...wanted);
  let number = 0;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of inflated(await openSource(path, path), path)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let from = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      number++;
      if (bytes[from] === 0x21) noteTask(text(bytes, from, end), tasks);
      else if (wanted.has(number)) noteLabel(text(bytes, from, end), number, labels);
      from = end + 1;
      if (number >= left) left = 0;
    }
    rest = bytes.slice(from);
    if (left === 0) break;
  }
  if (rest.length > 0 && wanted.has(number + 1)) noteLabel(text(rest, 0, rest.length), number + 1, labels);
  for (const [line, label] of labels) {
    if (label.task !== null) labels.set(line, { ...label, task: tasks.get(label.task) ?? label.task });
  }
  return labels;
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    .toString("utf8")
    .trimEnd();
}

function noteTask(line: string, tasks: Map<string, string>): void {
  const [, number, name] = /^! task task=(\S{1,64})(?: \S+)*? text=(.{1,256})/.exec(line) ?? [];
  if (number !== undefined && name !== undefined && tasks.size < NAMES_MOST) tasks.set(number, name.trimEnd());
}

function noteLabel(line: string, number: number, labels: Map<number, LineLabel>): void {
  const value = (key: string) => new RegExp(`\\s${key}=(\\S{1,256})`).exec(line)?.[1] ?? null;
  const size = /^[ar]\s+\d+\s+(\d+)|^z\s+\d+\s+\d+\s+(\d+)/.exec(line);
  const requestBytes = size ? Number(size[1] ?? size[2]) : null;
  const time = value(ANNOTATIONS.time);
  const timeUs = time !== null && /^\d{1,15}$/.test(time) ? Number(time) : null;
  labels.set(number, { timeUs, site: value(ANNOTATIONS.site), task: value(ANNOTATIONS.task), requestBytes });
}
