/**
 * node .ci/distributed-requirements.mjs: prints the packages that the test with a real queue misses here, if any. That
 * test runs it as well, before all else: it ends with a message, and is never skipped.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export function missingPackages() {
  const { status } = spawnSync("redis-server", ["--version"], { stdio: "ignore" });
  return status === 0 ? [] : ["redis-server"];
}

/** What to say of them. */
export function remedy(missing) {
  return `The test with a real queue needs what is missing here. On Debian or Ubuntu:\n  apt-get install ${missing.join(" ")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(missingPackages().join(" "));
