import type { FittedDraw } from "../model/draw.ts";

const UNITS = [
  ["d", 86_400e6],
  ["h", 3600e6],
  ["min", 60e6],
  ["s", 1e6],
  ["ms", 1e3],
  ["us", 1],
] as const;
/** Digits that the data of a trace are worth, and those of what adds up over its whole length. */
export const DIGITS = 4;
export const PERIOD_DIGITS = 7;
const WEIGHT_DIGITS = 3;
const SHARE_DIGITS = 3;
/** A smaller unit is read more easily where its number is this much shorter, and no larger than people count. */
const SHORTER_CHARACTERS = 2;
const COUNTED_MOST = 1000;
const KIB = 1024;

/** A time as scenarios write it, with so many digits: in the largest unit, or one in which it is a shorter number. */
export function timeText(us: number, digits = DIGITS): string {
  if (us < 1) return `${plain(Number(us.toPrecision(digits)))} us`;
  const numbers = UNITS.filter(([, scale]) => us >= scale).map(([unit, scale]) => {
    return { unit, text: plain(Number((us / scale).toPrecision(digits))) };
  });
  const [largest] = numbers;
  const shorter = numbers.find(
    ({ text }) => text.length + SHORTER_CHARACTERS <= (largest?.text.length ?? 0) && Number(text) < COUNTED_MOST,
  );
  const { text, unit } = shorter ?? largest ?? { text: plain(us), unit: "us" };
  return `${text} ${unit}`;
}

/** An amount of memory for people. */
export function bytesText(bytes: number): string {
  return bytes < 10 * KIB ? `${Math.round(bytes)} B` : `${plain(Number((bytes / KIB).toPrecision(DIGITS)))} KiB`;
}

/** A number without an exponent or the digits of binary fractions. */
export function plain(value: number): string {
  const text = String(Number(value.toPrecision(12)));
  return text.includes("e") ? value.toFixed(9).replace(/\.?0+$/, "") : text;
}

/** A rate as scenarios write it, in the unit that makes it easy to read. */
export function rateText(perSecond: number): string {
  for (const [unit, seconds] of [
    ["s", 1],
    ["min", 60],
    ["h", 3600],
  ] as const) {
    if (perSecond * seconds >= 1) return `${plain(Number((perSecond * seconds).toPrecision(DIGITS)))}/${unit}`;
  }
  return `${plain(Number((perSecond * 86_400).toPrecision(DIGITS)))}/d`;
}

/** A share as scenarios write it. */
export function shareText(ratio: number, digits = SHARE_DIGITS): string {
  return `${plain(Number((Math.min(1, ratio) * 100).toPrecision(digits)))} %`;
}

/** Whole bytes or counts. */
export function wholeText(value: number): string {
  return String(Math.max(0, Math.round(value)));
}

/** A draw as scenarios write it; `text` writes a value of it. */
export function drawText(draw: FittedDraw, text: (value: number) => string): string {
  switch (draw.kind) {
    case "constant":
      return text(draw.value);
    case "exponential":
      return `{ exponential: ${text(draw.mean)} }`;
    case "uniform":
      return `{ uniform: [${text(draw.low)}, ${text(draw.high)}] }`;
    case "lognormal": {
      const median = draw.mean / Math.exp(draw.sigma ** 2 / 2);
      return `{ lognormal: [${text(median)}, ${plain(Number(draw.sigma.toPrecision(WEIGHT_DIGITS)))}], max: ${text(draw.most)} }`;
    }
    case "normal":
      return `{ normal: [${text(draw.mean)}, ${text(draw.deviation)}], max: ${text(draw.most)} }`;
    case "table":
      return tableText(draw.values, draw.weights, text);
  }
}

function tableText(values: readonly number[], weights: readonly number[], text: (value: number) => string): string {
  const byText = new Map<string, number>();
  values.forEach((value, index) => {
    const key = text(value);
    byText.set(key, (byText.get(key) ?? 0) + (weights[index] ?? 0));
  });
  const entries = [...byText].filter(([, weight]) => weight > 0);
  if (entries.length === 1) return entries[0]?.[0] ?? "0";
  // The commonest has weight 1, unless all are few: then they are counts.
  const most = Math.max(...entries.map(([, weight]) => weight));
  const unit = most <= 100 && entries.every(([, weight]) => Number.isInteger(weight)) ? 1 : most;
  const words = entries.map(([key, weight]) => `${key}: ${plain(Number((weight / unit).toPrecision(WEIGHT_DIGITS)))}`);
  return `{ choice: { ${words.join(", ")} } }`;
}
