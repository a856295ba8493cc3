import { escapeText } from "../../trace/board-events.ts";
import type { BlockClass } from "../model/block-class.ts";

const NAME_CHARACTERS_MOST = 48;
const SHOWN_CHARACTERS_MOST = 80;

/** Names for a scenario, each given once. */
export class Names {
  readonly #given = new Set<string>();
  readonly #blocks = new Map<BlockClass, string>();

  /** A name like `wanted` that nobody has yet. */
  give(wanted: string): string {
    const base = nameOf(wanted);
    let name = base;
    for (let number = 2; this.#given.has(name); number++) name = `${base}-${number}`;
    this.#given.add(name);
    return name;
  }

  /** The name under which blocks of the class are held. */
  ofBlocks(blocks: BlockClass): string {
    const known = this.#blocks.get(blocks);
    if (known !== undefined) return known;
    const name = this.give(blocks.site === "" ? `block ${blocks.sizes}` : siteName(blocks.site));
    this.#blocks.set(blocks, name);
    return name;
  }

  /** The name of a size of theirs that is drawn before it is asked for: one that is no subtraction in an expression. */
  ofSize(blocks: BlockClass): string {
    return `${this.ofBlocks(blocks).replaceAll("-", "_")}_size`;
  }
}

/** `tasks.` says nothing in a step's path. */
function siteName(site: string): string {
  return /^0x[0-9a-f]+$/i.test(site) ? `at ${site}` : site.replace(/^(tasks|interrupts)\./, "");
}

/** Letters, digits and hyphens, a letter first. */
function nameOf(wanted: string): string {
  const word = wanted
    .replaceAll(/[^A-Za-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(-NAME_CHARACTERS_MOST)
    .replace(/^-+/, "");
  if (word === "") return "block";
  return /^[A-Za-z]/.test(word) ? word : `at-${word}`;
}

/** A trace's word on a comment's line: nothing that ends it or that a terminal obeys. */
export function shown(text: string): string {
  return escapeText(text.slice(0, SHOWN_CHARACTERS_MOST));
}
