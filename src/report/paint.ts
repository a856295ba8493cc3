/** How a report marks words and draws; every function returns its text unchanged where colours are off. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly good: (text: string) => string;
  readonly dim: (text: string) => string;
  /** In the colour of one of the first OWNER_COLOURS owners of a picture, on that of another. Null: none of them. */
  readonly owner: (text: string, front: number | null, back?: number | null) => string;
  readonly glyphs: Glyphs;
}

/** What pictures are drawn with. */
export interface Glyphs {
  /** Block characters and pictures of several lines, for a terminal; otherwise ASCII, a line a picture. */
  readonly blocks: boolean;
  /** Whether owners can be told apart by colour. */
  readonly colours: boolean;
  /** Characters in a line. */
  readonly columns: number;
}

/** Owners with a colour of their own. */
export const OWNER_COLOURS = 6;

const unchanged = (text: string) => text;

/** No colours at all, and no characters beyond ASCII in pictures: the same text wherever it goes. */
export const plainPaint: Paint = {
  strong: unchanged,
  bad: unchanged,
  good: unchanged,
  dim: unchanged,
  owner: unchanged,
  glyphs: { blocks: false, colours: false, columns: 80 },
};
