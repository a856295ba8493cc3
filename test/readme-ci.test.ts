/** The README's examples for CI systems: every line of theirs that calls heapsoak is carried out. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const readme = readFileSync(path("../README.md"), "utf8");
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface GitHubStep {
  readonly run?: string;
  readonly with?: { readonly sarif_file?: string; readonly path?: string };
}

function example(file: string): unknown {
  const [, yaml = ""] = new RegExp(`\`\`\`yaml\n# ${file.replaceAll(".", "\\.")}\n(.*?)\`\`\``, "s").exec(readme) ?? [];
  return parse(yaml);
}

/** A project with a scenario and the record of its last release, and heapsoak as its job has installed it. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), "heapsoak-ci-"));
  folders.push(folder);
  mkdirSync(join(folder, "firmware"));
  copyFileSync(path("../firmware-scenarios/connected/mqtt-tls.yaml"), join(folder, "firmware", "soak.yaml"));
  const command = join(folder, "heapsoak");
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${path("../dist/src/main.js")}" "$@"\n`);
  chmodSync(command, 0o755);
  shell(folder, "heapsoak run firmware/soak.yaml --json firmware/baseline.json --quiet");
  return folder;
}

function shell(folder: string, script: string): void {
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    GITHUB_STEP_SUMMARY: join(folder, "step-summary.md"),
  };
  execFileSync("sh", ["-e", "-c", script], { cwd: folder, env, stdio: "pipe" });
}

test("the README's workflow for GitHub runs, and leaves the files that it uploads", () => {
  const { jobs } = example(".github/workflows/heap.yml") as { jobs: { soak: { steps: GitHubStep[] } } };
  const { steps } = jobs.soak;
  const folder = project();
  for (const { run } of steps) if (run?.includes("heapsoak ")) shell(folder, run);
  const uploaded = steps.flatMap(({ with: { sarif_file = "", path = "" } = {} }) =>
    `${sarif_file}\n${path}`.split("\n"),
  );
  const files = uploaded.filter((file) => file !== "");
  expect(files).toEqual(["run.sarif", "report.html", "run.json"]);
  expect(files.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
  expect(readFileSync(join(folder, "step-summary.md"), "utf8")).toContain("MQTT over TLS");
});

test("the README's job for GitLab runs, and leaves the files that it reports", () => {
  const { soak } = example(".gitlab-ci.yml") as {
    soak: {
      script: string[];
      after_script: string[];
      artifacts: { paths: string[]; reports: Record<string, string> };
    };
  };
  const folder = project();
  for (const line of [...soak.script, ...soak.after_script]) shell(folder, line);
  const files = [...soak.artifacts.paths, ...Object.values(soak.artifacts.reports)];
  expect(files).toEqual(["report.html", "run.json", "run.xml", "run.txt"]);
  expect(files.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
});
