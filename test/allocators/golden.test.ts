import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { verifyTrace } from "../../src/trace/verify.ts";
import { goldenFiles, goldenFolder } from "../support/golden.ts";

const folders = readdirSync(goldenFolder(), { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(["release", "debug"] as const)("in the %s build", (build) => {
  test.each(folders.map(({ name }) => name))(
    "%s places every block where the original did",
    {
      timeout: 120_000,
    },
    async (folder) => {
      for (const file of goldenFiles(folder)) {
        const { mismatches, shown } = await verifyTrace(file, { build });
        expect({ file: basename(file), mismatches, shown }).toEqual({ file: basename(file), mismatches: 0, shown: [] });
      }
    },
  );
});
