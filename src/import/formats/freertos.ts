/**
 * What FreeRTOS firmware prints from traceMALLOC(address, size) and traceFREE(address, size). There is no one form:
 * read are the macro's name, `=malloc=` or the bare word, an address with `0x`, and a size (which a free may lack).
 * heap_2, heap_4 and heap_5 hand over the block with its header since June 2024, heap_3's traceFREE a size of 0.
 */
import { hexAddress, type LineKind, type LineReader, type LogFormat } from "../log-format.ts";
import type { TraceText } from "../trace-text.ts";

const RECORD =
  /(?:=\s{0,4}(malloc|free)\s{0,4}=|\b(?:trace|pvPort|vPort)?(malloc|free)\b)[\s:(,]{0,8}0x([0-9a-f]{1,16})(?:[\s,:;]{1,8}(0x[0-9a-f]{1,16}|\d{1,20}))?(?: bytes)?\)?[;.]?$/i;
const MARK = /=\s{0,4}(?:malloc|free)\s{0,4}=|\b(?:trace|pvPort|vPort)(?:malloc|free)\b/i;

export const freertos: LogFormat = {
  name: "freertos",
  title: "FreeRTOS traceMALLOC and traceFREE, printed",
  example: "=malloc= 0x20001a40, 1024",
  recognises: (line) => isWhole(RECORD.exec(line)),
  open: (sink) => new FreertosReader(sink),
};

class FreertosReader implements LineReader {
  readonly #sink: TraceText;

  constructor(sink: TraceText) {
    this.#sink = sink;
  }

  read(line: string): LineKind {
    const found = RECORD.exec(line);
    if (!found || !isWhole(found)) return MARK.test(line) ? "damaged" : "other";
    if (line.search(MARK) < found.index && MARK.test(line)) return "damaged";
    const address = hexAddress(found[3] ?? "");
    if (isFree(found)) this.#sink.release(address);
    else this.#sink.allocate(address, Number(found[4]));
    return "record";
  }

  end(): string[] {
    return ["Sizes are as printed: FreeRTOS kernels since June 2024 tell the block with its header (heap_2, 4 and 5)."];
  }
}

function isWhole(found: RegExpExecArray | null): boolean {
  return found !== null && (isFree(found) || found[4] !== undefined);
}

function isFree(found: RegExpExecArray): boolean {
  return (found[1] ?? found[2] ?? "").length === "free".length;
}
