/** Which owners of memory have a colour of their own in the pictures of a heap. */
import type { RunRecord, SiteOfRun } from "../../soak/record.ts";
import { oneLine } from "../one-line.ts";
import { OWNER_COLOURS, type Paint } from "../paint.ts";
import { placeText } from "../place-text.ts";

/** Legends longer than this are cut. */
const NAME_MOST = 60;

export class Owners {
  readonly #colours = new Map<string, number>();
  readonly #names: string[] = [];

  /** Those who held the most memory over the run, or, without a history, at its end. */
  constructor(record: RunRecord, heap: string) {
    const held = new Map<string, { readonly site: SiteOfRun; weight: number }>();
    for (const [site, weight] of weights(record, heap)) {
      const known = held.get(keyOf(site));
      if (known) known.weight += weight;
      else held.set(keyOf(site), { site, weight });
    }
    const most = [...held.values()].toSorted((a, b) => b.weight - a.weight).slice(0, OWNER_COLOURS);
    for (const { site } of most) {
      this.#colours.set(keyOf(site), this.#names.length);
      this.#names.push(oneLine(placeText(site.task, site.step)).slice(0, NAME_MOST));
    }
  }

  /** The number of the owner's colour; null: it has none. */
  colourOf(site: SiteOfRun): number | null {
    return this.#colours.get(keyOf(site)) ?? null;
  }

  coloursOf(sites: readonly SiteOfRun[]): (number | null)[] {
    return sites.map((site) => this.colourOf(site));
  }

  /** A line an owner; empty without colours. */
  legend(paint: Paint): string[] {
    if (!paint.glyphs.colours) return [];
    return this.#names.map((name, colour) => `${paint.owner("██", colour)} ${name}`);
  }
}

function keyOf({ task, step }: SiteOfRun): string {
  return JSON.stringify([task, step]);
}

/** Bytes times moments of each block of the history, or bytes of each holder. */
function weights({ history, heaps }: RunRecord, heap: string): (readonly [SiteOfRun, number])[] {
  const rows = history?.heaps[heap];
  if (!history || !rows) return (heaps[heap]?.holders ?? []).map((holder) => [holder, holder.bytes] as const);
  return rows.bytes.flatMap((bytes, index) => {
    const site = history.sites[rows.site[index] ?? -1];
    return site ? [[site, bytes * ((rows.last[index] ?? 0) - (rows.first[index] ?? 0) + 1)] as const] : [];
  });
}
