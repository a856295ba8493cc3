import { styleText } from "node:util";
import { type Paint, plainPaint } from "../report/paint.ts";

// Whether the stream takes colours is decided below, and only there.
const UNCONDITIONAL = { validateStream: false };

const ansiPaint: Paint = {
  strong: (text) => styleText("bold", text, UNCONDITIONAL),
  bad: (text) => styleText("red", text, UNCONDITIONAL),
};

/** Colours on a terminal only, and never where NO_COLOR is set (https://no-color.org) or TERM is `dumb`. */
export function paintFor(stream: { readonly isTTY?: boolean }, environment = process.env): Paint {
  const refused = (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
  return stream.isTTY && !refused ? ansiPaint : plainPaint;
}
