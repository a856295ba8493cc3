import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { refuseUnwritable, writeWhole } from "../../src/cli/record-file.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-record-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a file that is to be written later", () => {
  test("is not made by asking whether it can be", async () => {
    await refuseUnwritable(join(folder, "new.json"));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("keeps what it holds until then", async () => {
    const path = join(folder, "old.json");
    writeFileSync(path, "old");
    await refuseUnwritable(path);
    expect(readFileSync(path, "utf8")).toBe("old");
    await writeWhole(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["old.json"]);
  });

  test("is refused at once where it cannot be made", async () => {
    mkdirSync(join(folder, "sub"));
    const missing = join(folder, "missing", "a.json");
    await expect(refuseUnwritable(missing)).rejects.toThrow(`${missing}: cannot be written (ENOENT).`);
    await expect(refuseUnwritable(join(folder, "sub"))).rejects.toThrow("is a folder.");
  });

  test.runIf(existsSync("/dev/full"))("says that the disk is full", async () => {
    await refuseUnwritable("/dev/full");
    await expect(writeWhole("/dev/full", "text")).rejects.toThrow("/dev/full: cannot be written (ENOSPC).");
    expect(existsSync("/dev/full")).toBe(true);
  });
});
