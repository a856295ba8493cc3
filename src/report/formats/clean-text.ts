import { printable } from "../../errors.ts";

/**
 * The text as files of any format can hold it: what XML cannot hold, what a terminal would obey and what a browser
 * would turn around is shown as what it is (`\x1b`); halves of characters become U+FFFD. Lines stay lines.
 */
export function cleanText(text: string): string {
  return printable(text).replaceAll(/[\p{Cs}\ufffe\uffff]/gu, "\ufffd");
}

/** The same in one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replaceAll(/\s+/gu, " ").trim();
}
