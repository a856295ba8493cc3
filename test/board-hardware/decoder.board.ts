import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { leashed } from "./support/leash.ts";
import { FULL } from "./support/sizes.ts";

const SOAK = fileURLToPath(new URL("../board-long/decoder-soak.mjs", import.meta.url));

/** A tenth of the goal. */
const SHORT = ["--bytes", "360000000", "--frames", "500000"];

test("the decoder takes gigabytes and millions of spoilt frames in flat memory", { timeout: 1_800_000 }, async () => {
  const child = await leashed(process.execPath, [SOAK, ...(FULL ? [] : SHORT)]);
  const code = await child.ended;
  console.log(child.printed.out + child.printed.err);
  expect(code).toBe(0);
});
