import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { code, firmware, HEAP4, LINK_MAP, object } from "../init/firmware.ts";
import { temporaryFolder } from "../support/traces.ts";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const { folder } = temporaryFolder();
const file = (name: string, contents: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
};
const ELF = file(
  "app.elf",
  firmware({ symbols: [...HEAP4, code("xTaskCreateStatic", 0x50), object("xSensorStack", 0x3000, 0x200)] }).bytes,
);
const CONFIG = file(
  "FreeRTOSConfig.h",
  "#define configCHECK_FOR_STACK_OVERFLOW 2\n#define configTOTAL_HEAP_SIZE 8192\n",
);
const MAP = file("app.map", LINK_MAP);

function heapsoak(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

/** Runs what must be refused without writing anything, and returns the message. */
function refused(...args: string[]): string {
  const out = join(folder, "refused.yaml");
  const { status, stdout, stderr } = heapsoak("init", "--out", out, ...args);
  expect({ status, stdout, isWritten: existsSync(out) }).toEqual({ status: 2, stdout: "", isWritten: false });
  expect(stderr).not.toMatch(/^ +at |[^\P{Cc}\n\t]/mu);
  return stderr;
}

test("from ELF file to first soak it takes three commands", () => {
  const out = join(folder, "app.yaml");
  const { status, stdout } = heapsoak(
    "init",
    "--elf",
    ELF,
    "--config",
    CONFIG,
    "--device",
    "stm32f407vg",
    "--out",
    out,
  );
  expect(status).toBe(0);
  expect(stdout).toContain("heap main        8192 B at 0x20000020");
  expect(stdout).toContain("freertos-2            configCHECK_FOR_STACK_OVERFLOW, FreeRTOSConfig.h:1");
  expect(heapsoak("check", out).status).toBe(0);
  const run = heapsoak("run", out);
  expect(run.status).toBe(0);
  expect(run.stdout).toContain("freertos-heap4");
}, 30_000);

test("the scenario goes to standard output alone, and the record as JSON to a file", () => {
  const json = join(folder, "init.json");
  const { status, stdout } = heapsoak("init", "--map", MAP, "--out", "-", "--json", json);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^heapsoak: 1\n/);
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({
    format: "heapsoak.init",
    version: 1,
    map: MAP,
    elf: null,
  });
});

test("a scenario that is there is replaced only with --force", () => {
  const out = file("mine.yaml", "# mine\n");
  const { status, stderr } = heapsoak("init", "--map", MAP, "--out", out);
  expect(status).toBe(2);
  expect(stderr).toContain("--force replaces it");
  expect(readFileSync(out, "utf8")).toBe("# mine\n");
  expect(heapsoak("init", "--map", MAP, "--out", out, "--force").status).toBe(0);
  expect(readFileSync(out, "utf8")).toMatch(/^heapsoak: 1\n/);
}, 30_000);

test("a device file is named from the scenario's folder", () => {
  const inner = join(folder, "scenarios");
  mkdirSync(inner);
  file("board.yaml", "extends: stm32f407vg\nid: board\n");
  const { status, stderr } = spawnSync(
    process.execPath,
    [MAIN, "init", "--elf", "app.elf", "--device", "board.yaml", "--out", "scenarios/app.yaml"],
    { cwd: folder, encoding: "utf8", timeout: 120_000 },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(readFileSync(join(inner, "app.yaml"), "utf8")).toContain('device: "../board.yaml"');
  expect(heapsoak("check", join(inner, "app.yaml")).status).toBe(0);
}, 30_000);

test.each([
  ["nothing to read", [], "Give --elf, --map or --config"],
  ["a map as ELF file", ["--elf", MAP], "not an ELF file"],
  ["an ELF file as map", ["--map", ELF], "not a map of GNU ld"],
  ["an ELF file as configuration", ["--config", ELF, "--device", "stm32f407vg"], "not a text in UTF-8"],
  ["an unknown allocator", ["--elf", ELF, "--allocator", "heap_9"], "Did you mean"],
  ["a device with its program", ["--elf", ELF, "--device", `stm32f407vg+${ELF}`], "Give the program with --elf"],
  ["a heap that fits nowhere", ["--elf", ELF, "--heap", "2MiB", "--device", "stm32f407vg"], "does not fit"],
])("%s is refused", (_, args, message) => {
  expect(refused(...args)).toContain(message);
});

test("what is read is not written over", () => {
  const { status, stderr } = heapsoak("init", "--elf", ELF, "--out", ELF, "--force");
  expect(status).toBe(2);
  expect(stderr).toContain("expected another file than those that are read");
});
