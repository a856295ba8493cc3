/** A character and what marks it. */
export interface Glyph {
  readonly character: string;
  readonly mark: (text: string) => string;
  /** Characters of one key are marked alike. */
  readonly key: string;
}

/** The characters one behind the other; neighbours that are marked alike are marked once. */
export function glyphLine(glyphs: readonly Glyph[]): string {
  let line = "";
  let run = "";
  for (const [index, { character, mark, key }] of glyphs.entries()) {
    run += character;
    if (glyphs[index + 1]?.key === key) continue;
    line += mark(run);
    run = "";
  }
  return line;
}
