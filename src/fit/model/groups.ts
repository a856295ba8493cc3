import { type BlockClass, rowsOf } from "./block-class.ts";
import { retentionOf } from "./retention.ts";

/** Fewer groups show no rule; more blocks than this in each make no scenario shorter. */
const GROUPS_LEAST = 8;
const MEMBERS_MOST = 8;

/**
 * The classes; one whose blocks always come so many at an instant as one class for each of them, where that tells more:
 * each is gone before the next one of its place comes, or they are not of one size.
 */
export function splitGroups(classes: readonly BlockClass[]): BlockClass[] {
  return classes.flatMap((blocks) => (mayBeSplit(blocks) ? (partsOf(blocks) ?? [blocks]) : [blocks]));
}

function mayBeSplit(blocks: BlockClass): boolean {
  return !blocks.growth && !blocks.holder && ["free", "queue"].includes(retentionOf(blocks).kind);
}

function partsOf(blocks: BlockClass): BlockClass[] | undefined {
  const { bornUs, rows, requestBytes } = blocks;
  const members = bornUs.findIndex((us) => us !== bornUs[0]);
  if (members < 2 || members > MEMBERS_MOST || rows.length < members * GROUPS_LEAST) return undefined;
  // What comes at the end of the time may be cut off.
  const isGrouped = bornUs.every((us, index) => us === bornUs[index - (index % members)]);
  const areApart = bornUs.every((us, index) => index < members || index % members > 0 || us !== bornUs[index - 1]);
  if (!isGrouped || !areApart) return undefined;
  const parts = Array.from({ length: members }, (_, place) => rowsOf(blocks, (index) => index % members === place));
  const isConstant = (sizes: Float64Array) => sizes.every((bytes) => bytes === sizes[0]);
  const areSized = !isConstant(requestBytes) && parts.every((part) => isConstant(part.requestBytes));
  return areSized || parts.every((part) => retentionOf(part).kind === "single") ? parts : undefined;
}
