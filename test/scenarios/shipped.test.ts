import { describe, expect, it } from "vitest";
import { layOut } from "../../src/scenario/layout.ts";
import { loadScenario } from "../../src/scenario/load.ts";
import type { RunRecord } from "../../src/soak/record.ts";
import { soak } from "../../src/soak/soak.ts";
import { shippedScenario, shippedScenarios } from "../support/shipped-scenarios.ts";

/** Warnings that a scenario is there to show; all others must be free of them. */
const SHOWN_WARNINGS: Readonly<Record<string, readonly RegExp[]>> = {
  "stacks/overflow-mpu.yaml": [/"call decode" .* can step over the guard of 32 B/],
  "stacks/overflow-watchpoint.yaml": [/"call decode" .* can step over the guard of 4 B/],
};

/** Of the uptime, what two runs are compared over. */
const COMPARED_SHARE = 1 / 16;

describe.each(shippedScenarios)("%s", (name) => {
  const file = shippedScenario(name);

  it("is valid, says why, and warns of nothing that it does not mean to show", async () => {
    const scenario = await loadScenario(file);
    expect(scenario.why).not.toBe("");
    expect(scenario.expect.length).toBeGreaterThan(0);
    expect(() => layOut(scenario)).not.toThrow();
    const shown = SHOWN_WARNINGS[name] ?? [];
    const messages = scenario.warnings.map(({ message }) => message);
    expect(messages.filter((message) => !shown.some((pattern) => pattern.test(message)))).toEqual([]);
    for (const pattern of shown) expect(messages.join("\n")).toMatch(pattern);
  });

  it("meets its expectations", async () => {
    const record = await soak(await loadScenario(file)).record;
    expect(unmet(record)).toEqual([]);
    expect(record.verdict).toBe("pass");
  });

  it("does not meet them under its mutant", async () => {
    const { mutant = {} } = await loadScenario(file);
    expect(Object.keys(mutant)).not.toEqual([]);
    const record = await soak(await loadScenario(file, { set: mutant })).record;
    expect(unmet(record)).not.toEqual([]);
    expect(record.verdict).toBe("fail");
  });

  it("gives the same record in batches of any size", async () => {
    const { uptimeUs } = await loadScenario(file);
    const uptime = `${Math.ceil(uptimeUs * COMPARED_SHARE)} us`;
    const run = async (batch?: number) => soak(await loadScenario(file, { uptime }), batch ? { batch } : {}).record;
    expect(await run(7_919)).toEqual(await run());
  });
});

/** Text and deciding figure of every expectation that is not met. */
function unmet({ expectations }: RunRecord): string[] {
  return expectations.filter(({ met }) => met !== true).map(({ text, observed }) => `${text}: ${observed}`);
}
