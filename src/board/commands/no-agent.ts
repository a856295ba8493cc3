import { HeapsoakError } from "../../errors.ts";
import { judgeLine, type LineFigures } from "../link/line-quality.ts";
import type { BoardLink } from "../link/link.ts";

/** Why no agent has answered for so long, by what came over the line since `before`. */
export function noAgentError(link: BoardLink, before: LineFigures, waitedMs: number): HeapsoakError {
  const line = judgeLine(link.counters, { since: before });
  const waited = `${link.path}: no agent has answered for ${waitedMs / 1000} s.`;
  if (line.verdict === "good" || line.verdict === "noisy") {
    return new HeapsoakError("no-agent", `${waited} The board sends frames but does not hear us. ${line.words}`, {
      hint: "Is TX here wired to the board's RX, and is its agent given the bytes that arrive?",
    });
  }
  return new HeapsoakError("no-agent", `${waited} ${line.words}`, line.remedy ? { hint: line.remedy } : {});
}
