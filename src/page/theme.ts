/** The page's colours, as canvases need them: the style's custom properties, and word of their changes. */

const listeners = new Set<() => void>();
let printing = false;

/** The value of a custom property, such as `--ink`. Paper is white: while printing, it is the light scheme's. */
export function color(property: string): string {
  const value =
    (printing && lightValue(property)) || getComputedStyle(document.documentElement).getPropertyValue(property);
  return value.trim();
}

/** The colour, with that much of it left. */
export function faint(property: string, percent: number): string {
  return `color-mix(in srgb, ${color(property)} ${percent}%, transparent)`;
}

/** Calls the listener at once when colours have changed. Returns how to end that. */
export function onColorsChanged(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Begins to watch the colour scheme and printing. */
export function watchColors(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
}

function setPrinting(value: boolean): void {
  printing = value;
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

/** What the style says outside media queries: the light scheme. */
function lightValue(property: string): string {
  let value = "";
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSStyleRule && rule.selectorText === ":root") {
        value = rule.style.getPropertyValue(property) || value;
      }
    }
  }
  return value;
}
