/** The pages in a real Chromium: `npm run test:browser`. Their names keep them out of plain `npm test`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../../", import.meta.url)),
  test: {
    include: ["test/browser/*.browser.ts"],
    globalSetup: ".ci/browser-requirements.mjs",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
