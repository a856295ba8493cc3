import { styleText } from "node:util";
import { type Glyphs, type Paint, plainPaint } from "../report/paint.ts";

/** What of a stream decides how a report looks: process.stdout is one. */
interface ReportStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Style = Parameters<typeof styleText>[0];

// Whether the stream takes colours is decided below, and only there.
const style = (format: Style) => (text: string) => styleText(format, text, { validateStream: false });

/** Red is kept for what is bad. */
const FRONTS = ["cyan", "yellow", "magenta", "blue", "green", "white"] as const;
const BACKS = ["bgCyan", "bgYellow", "bgMagenta", "bgBlue", "bgGreen", "bgWhite"] as const;

const COLUMNS = 80;
/** Wider pictures show no more of a heap, narrower ones nothing. */
const COLUMNS_MOST = 100;
const COLUMNS_LEAST = 50;

const ansi: Omit<Paint, "glyphs"> = {
  strong: style("bold"),
  bad: style("red"),
  good: style("green"),
  dim: style("dim"),
  owner: (text, front, back = null) => {
    const formats = [front === null ? undefined : FRONTS[front], back === null ? undefined : BACKS[back]];
    const known = formats.filter((format) => format !== undefined);
    return known.length === 0 ? text : style(known)(text);
  },
};

/**
 * On a terminal colours, and never where NO_COLOR is set (https://no-color.org) or TERM is `dumb`; and pictures of
 * block characters, where its locale has them. Elsewhere neither.
 */
export function paintFor(stream: ReportStream, environment = process.env): Paint {
  if (!stream.isTTY || environment.TERM === "dumb") return plainPaint;
  const colours = (environment.NO_COLOR ?? "") === "";
  const blocks = isUnicode(environment);
  const glyphs: Glyphs = {
    blocks,
    colours,
    columns: Math.max(COLUMNS_LEAST, Math.min(stream.columns || COLUMNS, COLUMNS_MOST)),
  };
  return { ...(colours ? ansi : plainPaint), glyphs };
}

/** By the locale, of which the first that is set counts; Windows' own terminal has no locale. */
function isUnicode({ LC_ALL, LC_CTYPE, LANG, WT_SESSION }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "") || WT_SESSION !== undefined;
}
