import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { parseScenario } from "../../src/scenario/load.ts";

const FOLDER = join(import.meta.dirname, "bad");
const files = readdirSync(FOLDER).filter((file) => file.endsWith(".yaml"));

/** The refusal of the text. */
async function refusal(text: string, file: string): Promise<string> {
  const error: unknown = await parseScenario(text, file).then(
    () => new Error("was accepted"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof HeapsoakError)) throw error;
  expect(error.code).toBe("bad-scenario");
  return `${error.message}\n`;
}

describe("a scenario that is wrong", () => {
  test.each(files)("is refused with all that is wrong at once: %s", async (file) => {
    const message = await refusal(readFileSync(join(FOLDER, file), "utf8"), file);
    await expect(message).toMatchFileSnapshot(join(FOLDER, file.replace(".yaml", ".txt")));
    for (const line of message.split("\n").filter((line) => line.startsWith(file))) {
      expect(line).toMatch(/^[\w-]+\.yaml:\d+:\d+: /);
    }
  });
});
