/** How a report marks words; every function returns its text unchanged where colours are off. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** No colours at all. */
export const plainPaint: Paint = { strong: (text) => text, bad: (text) => text };
