/** Validations on a virtual board. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ValidationRecord } from "../../../src/board/validation/validation-record.ts";
import { heapsoak } from "./command-line.ts";
import type { Leashed } from "./leash.ts";

/** A validation under way. */
export interface Validating {
  readonly child: Leashed;
  /** Waits for its end. */
  finished(): Promise<{ readonly code: number; readonly text: string; readonly record: ValidationRecord | undefined }>;
}

/** Starts `heapsoak board validate`, with a record in `folder`. */
export async function validate(
  port: string,
  source: string,
  folder: string,
  ...options: string[]
): Promise<Validating> {
  const file = join(folder, `validation-${performance.now()}.json`);
  const child = await heapsoak("board", "validate", source, "--port", port, "--json", file, ...options);
  const finished = async () => {
    const code = await child.ended;
    const { out, err } = child.printed;
    return { code, text: out + err, record: code === 2 ? undefined : JSON.parse(readFileSync(file, "utf8")) };
  };
  return { child, finished };
}
