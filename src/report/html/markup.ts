/** HTML that cannot be forgotten to be escaped: only what the `html` tag made is taken as markup. */
import { printable } from "../../errors.ts";

/** A piece of markup. */
export class Html {
  readonly text: string;

  /** For markup that is known to be well-formed and free of what came from outside. */
  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/** A template whose values are escaped, unless they are `Html`; arrays are joined, null, undefined and false are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = strings[0] ?? "";
  for (const [index, value] of values.entries()) text += markupOf(value) + (strings[index + 1] ?? "");
  return new Html(text);
}

/** JSON as it may stand in a script element: no text in it can end the element, or begin a comment. */
export function embeddedJson(value: unknown): Html {
  const escaped = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return new Html(escaped);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(markupOf).join("");
  return printable(String(value)).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
