import type { HeapBlock } from "../wasm/heap-record.ts";

/** How to draw a heap in one line. */
export interface PictureOptions {
  /** What a live block is called, in front of its size; none by default. */
  readonly label?: (block: HeapBlock) => string;
  /** Show control structures and end markers, in parentheses. False by default. */
  readonly bookkeeping?: boolean;
  /** Longest picture in characters before its middle is left out. 240 by default. */
  readonly width?: number;
}

/**
 * The heap in one line, in address order: live blocks as their sizes in bytes, holes in brackets, the untouched
 * rest in brackets with an ellipsis, runs of equal blocks folded: `16 3×24 [64] 40 [8192…]`.
 */
export function heapPicture(blocks: Iterable<HeapBlock>, options: PictureOptions = {}): string {
  const words = fold(drawn(blocks, options));
  return elide(words, options.width ?? 240);
}

/**
 * The heap to scale in `width` characters: `#` live, `.` free, `+` both within one character, `-` bookkeeping.
 */
export function heapMap(blocks: Iterable<HeapBlock>, width: number): string {
  const all = [...blocks];
  const low = all[0]?.address ?? 0;
  const last = all.at(-1);
  const span = last ? last.address + last.bytes - low : 0;
  if (span === 0) return "";
  const cells = Array.from({ length: width }, () => ({ live: 0, free: 0 }));
  for (const block of all) {
    if (block.state === "bookkeeping") continue;
    shade(cells, ((block.address - low) * width) / span, (block.bytes * width) / span, block.state === "live");
  }
  return cells
    .map(({ live, free }) => (live === 0 && free === 0 ? "-" : free < 0.02 ? "#" : live < 0.02 ? "." : "+"))
    .join("");
}

function shade(cells: { live: number; free: number }[], from: number, length: number, live: boolean): void {
  for (let index = Math.floor(from); index < Math.min(cells.length, Math.ceil(from + length)); index++) {
    const cell = cells[index];
    const share = Math.min(index + 1, from + length) - Math.max(index, from);
    if (cell && live) cell.live += share;
    else if (cell) cell.free += share;
  }
}

function* drawn(blocks: Iterable<HeapBlock>, options: PictureOptions): Generator<string> {
  for (const block of blocks) {
    if (block.state === "free") yield `[${block.bytes}]`;
    else if (block.state === "untouched") yield `[${block.bytes}…]`;
    else if (block.state === "live") yield `${options.label?.(block) ?? ""}${block.bytes}`;
    else if (options.bookkeeping) yield `(${block.bytes})`;
  }
}

function fold(words: Iterable<string>): string[] {
  const folded: string[] = [];
  let count = 0;
  let current: string | undefined;
  const push = () => {
    if (current !== undefined) folded.push(count > 1 ? `${count}×${current}` : current);
  };
  for (const word of words) {
    if (word === current) count++;
    else {
      push();
      current = word;
      count = 1;
    }
  }
  push();
  return folded;
}

function elide(words: string[], width: number): string {
  const whole = words.join(" ");
  if (whole.length <= width) return whole;
  const half = (width - 24) / 2;
  const head = take(words, half);
  const tail = take(words.slice(head.length).reverse(), half).reverse();
  const left = words.length - head.length - tail.length;
  return [...head, `… ${left} more …`, ...tail].join(" ");
}

function take(words: readonly string[], width: number): string[] {
  let used = 0;
  const end = words.findIndex((word) => {
    used += word.length + 1;
    return used > width;
  });
  return words.slice(0, end === -1 ? words.length : end);
}
