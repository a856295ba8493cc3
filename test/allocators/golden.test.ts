import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { testEngine } from "../support/bench-heap.ts";
import { goldenDifferences, goldenFiles, goldenFolder } from "../support/golden.ts";

const folders = readdirSync(goldenFolder(), { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(["release", "debug"] as const)("in the %s build", (build) => {
  test.each(folders.map(({ name }) => name))("%s places every block where the original did", (folder) => {
    for (const file of goldenFiles(folder)) {
      const differences = goldenDifferences(testEngine(build), file);
      expect({ file: file.pathname.split("/").at(-1), differences }).toEqual({ file: expect.anything(), differences: [] });
    }
  });
});
