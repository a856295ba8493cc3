/** The long statistical tests: `npm run test:statistics`. Their names keep them out of plain `npm test`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../../", import.meta.url)),
  test: { include: ["test/statistics/*.statistics.ts"], testTimeout: 3_600_000, disableConsoleIntercept: true },
});
