/**
 * What GCC says of stacks: `.su` (-fstack-usage) a line a function, `.ci` (-fcallgraph-info=su) a graph a source file.
 *
 *   main.c:12:5:main⇥24⇥static                                     static | dynamic | dynamic,bounded
 *
 *   node: { title: "main" label: "main\nmain.c:12:5\n24 bytes (static)\n0 dynamic objects" }
 *   node: { title: "memcpy" label: "…" shape : ellipse }           only called here
 *   edge: { sourcename: "main" targetname: "memcpy" label: "main.c:14:3" }
 *
 * A title is the symbol's name, behind "FILE:" where it is local to the file. Calls through a pointer lead to
 * `__indirect_call`.
 */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { HeapsoakError } from "../errors.ts";
import { baseName, readLimited } from "../files.ts";
import { formatBytes } from "../quantities.ts";

/** The frame of a function as the compiler states it. */
export interface CompiledFrame {
  /** The symbol, or for functions of a .su file the name in the source. */
  readonly name: string;
  /** Base name of the source file. */
  readonly file: string;
  /** Local to its source file, as far as the compiler's file says. */
  readonly local: boolean;
  readonly frameBytes: number;
  /** The frame grows when it runs, by an amount that is not known. */
  readonly dynamic: boolean;
}

/** A call in the compiler's graph, by titles. */
export interface CompiledCall {
  readonly caller: string;
  readonly callee: string;
}

/** All that was found in a folder. */
export interface CompilerFiles {
  /** By title in .ci files; those of .su files are in `lines`. */
  readonly nodes: ReadonlyMap<string, CompiledFrame>;
  readonly calls: readonly CompiledCall[];
  readonly lines: readonly CompiledFrame[];
  readonly files: number;
}

const FILES_MOST = 20_000;
const FOLDERS_DEEP_MOST = 16;
const FILE_BYTES_MOST = 16 * 1024 * 1024;
const ALL_BYTES_MOST = 128 * 1024 * 1024;

/** Reads all .su and .ci files in the folder and below. Throws `cannot-read` and `bad-stack-usage`. */
export async function readCompilerFiles(folder: string): Promise<CompilerFiles> {
  const found = await filesBelow(folder);
  if (found.length === 0) {
    throw new HeapsoakError("bad-stack-usage", `${folder}: there is no .su and no .ci file in it or below.`, {
      hint: "Compile with -fstack-usage, or -fcallgraph-info=su; GCC writes them beside the objects.",
    });
  }
  const nodes = new Map<string, CompiledFrame>();
  const calls: CompiledCall[] = [];
  const lines: CompiledFrame[] = [];
  let allBytes = 0;
  for (const path of found) {
    const text = Buffer.from(await readLimited(path, FILE_BYTES_MOST)).toString("utf8");
    allBytes += text.length;
    if (allBytes > ALL_BYTES_MOST) {
      throw new HeapsoakError("bad-stack-usage", `${folder}: more than ${formatBytes(ALL_BYTES_MOST)} of files.`);
    }
    if (path.endsWith(".su")) for (const line of parseStackUsage(text, path)) lines.push(line);
    else {
      const graph = parseCallGraph(text, path);
      for (const [title, node] of graph.nodes) nodes.set(title, larger(nodes.get(title), node));
      for (const call of graph.calls) calls.push(call);
    }
  }
  return { nodes, calls, lines, files: found.length };
}

/** Of two nodes with one title (files of one name in two folders, inline functions) the one that needs more. */
function larger(before: CompiledFrame | undefined, node: CompiledFrame): CompiledFrame {
  if (!before) return node;
  const most = before.frameBytes >= node.frameBytes ? before : node;
  return { ...most, dynamic: before.dynamic || node.dynamic };
}

/** The functions of a .su file. `path` names it in messages. Throws `bad-stack-usage`. */
export function parseStackUsage(text: string, path: string): CompiledFrame[] {
  const frames: CompiledFrame[] = [];
  for (const { line, number } of numbered(text)) {
    const [place = "", bytes = "", kind = "", ...rest] = line.split("\t");
    const [, file, name] = /^(.+?):\d+:(?:\d+:)?(.+)$/.exec(place) ?? [];
    const isSound = /^\d{1,10}$/.test(bytes) && /^(static|dynamic(,bounded)?|bounded)$/.test(kind);
    if (!file || !name || !isSound || rest.length > 0) {
      throw malformed(path, number, line, "FILE:LINE:COLUMN:FUNCTION, a tab, the bytes, a tab and static or dynamic");
    }
    frames.push({ name, file: baseName(file), local: false, frameBytes: Number(bytes), dynamic: kind === "dynamic" });
  }
  return frames;
}

/** The functions and calls of a .ci file. `path` names it in messages. Throws `bad-stack-usage`. */
export function parseCallGraph(
  text: string,
  path: string,
): { nodes: Map<string, CompiledFrame>; calls: CompiledCall[] } {
  const nodes = new Map<string, CompiledFrame>();
  const calls: CompiledCall[] = [];
  for (const { line, number } of numbered(text)) {
    const edge = /^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"/.exec(line);
    const node = /^node: \{ title: "([^"]+)" label: "((?:[^"\\]|\\.)*)"/.exec(line);
    if (edge) calls.push({ caller: edge[1] ?? "", callee: edge[2] ?? "" });
    else if (node) {
      const title = node[1] ?? "";
      const frame = frameOf(title, node[2] ?? "");
      if (frame) nodes.set(title, larger(nodes.get(title), frame));
    } else if (!/^(graph: \{ title: ".*"|\})$/.test(line)) {
      throw malformed(path, number, line, "a line of -fcallgraph-info: graph, node or edge");
    }
  }
  return { nodes, calls };
}

/** Undefined for a function that is only called in the file. */
function frameOf(title: string, label: string): CompiledFrame | undefined {
  const usage = /\\n(\d{1,10}) bytes \((static|dynamic|dynamic,bounded|bounded)\)/.exec(label);
  if (!usage) return undefined;
  const place = /\\n([^\\]+?):\d+:\d+\\n/.exec(label)?.[1] ?? "";
  const local = /^(.+):([^:]+)$/.exec(title);
  return {
    name: local?.[2] ?? title,
    file: baseName(local?.[1] ?? place),
    local: local !== null,
    frameBytes: Number(usage[1]),
    dynamic: usage[2] === "dynamic",
  };
}

/** The lines that hold something, one at a time: a file of nothing else has millions. */
function* numbered(text: string): Generator<{ line: string; number: number }> {
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, text[end - 1] === "\r" ? end - 1 : end);
    number++;
    if (line.trim() !== "") yield { line, number };
    start = end + 1;
  }
}

function malformed(path: string, number: number, line: string, expected: string): HeapsoakError {
  const shown = line.length > 60 ? `${line.slice(0, 60)}…` : line;
  return new HeapsoakError("bad-stack-usage", `${path}:${number}: got "${shown}", expected ${expected}.`);
}

async function filesBelow(folder: string, depth = 0): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < FOLDERS_DEEP_MOST) found.push(...(await filesBelow(path, depth + 1)));
    else if (entry.isFile() && /\.(su|ci)$/.test(entry.name)) found.push(path);
    if (found.length > FILES_MOST) {
      throw new HeapsoakError("bad-stack-usage", `${folder}: more than ${FILES_MOST} files.`);
    }
  }
  return found.sort();
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT"
        ? "there is no such folder"
        : code === "ENOTDIR"
          ? "is not a folder"
          : `cannot be read (${code})`;
    throw new HeapsoakError("cannot-read", `${folder}: ${reason}.`, { cause });
  }
}
