import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-pack-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npm = (args: string[], cwd: string) =>
  execFileSync(process.platform === "win32" ? "npm.cmd" : "npm", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

test("the packed package, installed in an empty folder, replays a trace with its prebuilt core, and makes a page of it", {
  timeout: 120_000,
}, () => {
  const packed = JSON.parse(
    npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root),
  ) as PackResult[];
  const tarball = packed[0];
  const files = tarball?.files.map(({ path }) => path) ?? [];
  expect(files).toEqual(
    expect.arrayContaining([
      "dist/core/release.wasm",
      "dist/core/soak.wasm",
      "dist/core/exact.wasm",
      "dist/page/page.js",
      "dist/page/page.css",
      "docs/record.md",
      "LICENSE",
      "README.md",
      "firmware-scenarios/board-agent/heapsoak_agent.c",
      "firmware-scenarios/board-agent/heapsoak_agent.h",
    ]),
  );
  expect(files.filter((path) => path.startsWith("test/"))).toEqual([]);

  writeFileSync(join(folder, "package.json"), JSON.stringify(consumer(tarball?.filename ?? "")));
  npm(["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], folder);
  writeFileSync(join(folder, "day.trace"), "# allocator=freertos-heap4\n# heap_size=1024\na 0 100 8\nf 0\n");
  const replay = (...args: string[]) =>
    execFileSync(process.execPath, ["node_modules/heapsoak/dist/src/main.js", "replay", ...args], {
      cwd: folder,
      encoding: "utf8",
    });
  expect(replay("--verify", "day.trace")).toContain("1 traces, 2 operations, 0 mismatches");
  replay("day.trace", "--html", "day.html");
  expect(readFileSync(join(folder, "day.html"), "utf8")).toMatch(/^<!doctype html>/);
});

interface PackResult {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** A project that depends on the tarball, with heapsoak's own dependencies taken from this checkout: no network. */
function consumer(filename: string): object {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: object };
  const local = Object.fromEntries(
    Object.keys(dependencies).map((name) => [name, `file:${join(root, "node_modules", name)}`]),
  );
  return { private: true, dependencies: { heapsoak: `file:${filename}`, ...local }, overrides: local };
}
