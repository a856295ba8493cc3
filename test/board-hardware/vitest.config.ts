/** The tests with a virtual board: `npm run test:board`. Their names keep them out of plain `npm test`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../../", import.meta.url)),
  test: {
    include: ["test/board-hardware/*.board.ts"],
    globalSetup: ".ci/board-requirements.mjs",
    // Each test runs an emulated machine beside the product: side by side they would slow each other down.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
