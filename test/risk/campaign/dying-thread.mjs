// A worker thread that ends at its first chunk; where HEAPSOAK_TEST_DIED names a file only if it is not there, and makes it.
import { existsSync, writeFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";

const died = process.env.HEAPSOAK_TEST_DIED;
if (died !== undefined && existsSync(died)) await import("../../../dist/src/risk/campaign/thread.js");
else {
  parentPort.once("message", () => {
    if (died !== undefined) writeFileSync(died, "");
    process.exit(7);
  });
}
