/** How large a JSON text is and how deep it is nested, before it is parsed. */
export interface JsonShape {
  /** Lists and maps. */
  readonly containers: number;
  readonly depth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;

/** Counts the brackets outside of strings. Of what is no JSON the figures mean nothing, but are no smaller. */
export function jsonShape(text: string): JsonShape {
  let containers = 0;
  let level = 0;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfString(text, index);
    else if (code === OPEN_LIST || code === OPEN_MAP) {
      containers++;
      depth = Math.max(depth, ++level);
    } else if (code === CLOSE_LIST || code === CLOSE_MAP) level--;
  }
  return { containers, depth };
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text.charCodeAt(index) !== QUOTE) index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
  return index;
}
