import { writeFile } from "node:fs/promises";
import { HeapsoakError } from "../errors.ts";

/** Writes a value as indented JSON to a file, or to standard output for `-`. Throws `cannot-write`. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const text = `${JSON.stringify(value, undefined, 2)}\n`;
  if (path === "-") {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(path, text);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new HeapsoakError("cannot-write", `${path}: cannot be written (${code}).`, { cause });
  }
}
