import { printable } from "../errors.ts";

/** Harmless for a terminal, and one line: what turns the direction of writing or breaks lines is taken out. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/[\n\t]/g, " ")).replaceAll(/[\p{Cf}\p{Zl}\p{Zp}]/gu, "");
}
