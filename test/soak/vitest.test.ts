import "../../src/vitest.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { soak } from "../../src/soak/soak.ts";
import { BUSY, LEAKING, scenarioOf } from "../support/run-scenarios.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-vitest-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const busy = await scenarioOf(BUSY);
const record = await soak(busy).record;
const failed = await soak(await scenarioOf(LEAKING)).record;

/** What a matcher that fails says. */
async function complaint(assertion: Promise<void>): Promise<string> {
  return assertion.then(
    () => "it passed",
    (error: unknown) => (error as Error).message,
  );
}

describe("toSurvive", () => {
  test("takes a record, a promise of one, a run, a scenario or a path", async () => {
    const path = join(folder, "busy.yaml");
    writeFileSync(path, `heapsoak: 1\ntitle: test\nwhy: test\ndevice: stm32f407vg\n${BUSY}`);
    await expect(record).toSurvive("2 h");
    await expect(Promise.resolve(record)).toSurvive("2 h");
    await expect(soak(busy)).toSurvive("2 h");
    await expect(busy).toSurvive("10 min");
    await expect(path).toSurvive("10 min");
  });

  test("soaks a scenario for as long as asked, not for its own uptime", async () => {
    await expect(await scenarioOf(LEAKING.replace("uptime: 1 d", "uptime: 1 min"))).not.toSurvive("1 d");
  });

  test("says what failed, when and where", async () => {
    const message = await complaint(expect(failed).toSurvive("1 d"));
    expect(message).toContain('"test" failed after 18 min 56 s in logger, tasks.logger.do[0] allocate line');
    expect(message).toContain("request of 64 B refused: 56 B free");
    expect(message).toContain("wanted: no failure in 1 d");
  });

  test("holds for a time before the failure", async () => {
    await expect(failed).toSurvive("18 min");
    expect(await complaint(expect(failed).not.toSurvive("18 min"))).toContain("survived 18 min");
  });

  test("is not met by a run that was too short to tell", async () => {
    expect(await complaint(expect(record).toSurvive("3 h"))).toContain("ran for 2 h only");
  });
});

describe("toKeepLargestFree", () => {
  test("goes by the worst moment of the run", async () => {
    const worst = record.heaps.main?.minimumLargestFreeBytes ?? 0;
    await expect(record).toKeepLargestFree(worst, { heap: "main" });
    await expect(record).not.toKeepLargestFree(worst + 1, { heap: "main" });
    await expect(record).toKeepLargestFree("64 B", { heap: "pool" });
  });

  test("is about every heap unless one is named", async () => {
    const message = await complaint(expect(record).toKeepLargestFree("1 KiB"));
    expect(message).toMatch(/^heap pool: at the worst moment .* was 64 B\nwanted: at least 1 KiB$/);
  });

  test("knows the heaps of the run", async () => {
    expect(await complaint(expect(record).toKeepLargestFree(1, { heap: "mian" }))).toContain(
      'no heap "mian": it has main, pool',
    );
  });
});

describe("toKeepStackHeadroom", () => {
  test("takes shares and sizes", async () => {
    const { sizeBytes = 0, worstCaseBytes = 0 } = record.stacks.uplink ?? {};
    const left = sizeBytes - worstCaseBytes;
    await expect(record).toKeepStackHeadroom(left, { stack: "uplink" });
    await expect(record).not.toKeepStackHeadroom(`${left + 1} B`, { stack: "uplink" });
    await expect(record).toKeepStackHeadroom("20 %");
    await expect(record).toKeepStackHeadroom(0.2);
  });

  test("says what the worst case takes", async () => {
    const message = await complaint(expect(record).toKeepStackHeadroom("95 %", { stack: "uplink" }));
    expect(message).toMatch(
      /^stack uplink: the worst case takes \d+ of 2048 B and leaves \d+ B \(\d+\.\d %\)\nwanted: at least 95 %$/,
    );
  });
});

describe("the matchers", () => {
  test("say what they take", async () => {
    expect(await complaint(expect(42).toSurvive("1 d"))).toContain("expected a record of a run");
    expect(await complaint(expect(record).toSurvive("1 fortnight"))).toContain("fortnight");
    expect(await complaint(expect("no-such-file.yaml").toSurvive("1 d"))).toContain("there is no such file");
  });
});
