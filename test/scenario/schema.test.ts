import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scenarioJsonSchema } from "../../src/scenario/schema.ts";

const PUBLISHED = join(import.meta.dirname, "../../firmware-scenarios/scenario.schema.json");

test("the published JSON Schema is the one that the definition gives", async () => {
  await expect(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(PUBLISHED);
});

test("the published JSON Schema names the steps and refuses unknown keys", () => {
  const schema = JSON.parse(readFileSync(PUBLISHED, "utf8"));
  const words = schema.$defs.step.anyOf.map((step: { required: string[] }) => step.required[0]);
  expect(words).toContain("allocate");
  expect(words).toContain("until");
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toEqual(["heapsoak", "device"]);
});
