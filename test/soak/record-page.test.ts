import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadScenario } from "../../src/scenario/load.ts";
import { soak } from "../../src/soak/soak.ts";

const page = readFileSync(new URL("../../docs/record.md", import.meta.url), "utf8");
const named = new Set([...page.matchAll(/[`"](\w+)[`"]/g)].map(([, name]) => name));

/** Keys at any depth; those of `heaps`, `tasks` and `stacks` are the scenario's names. */
function* keysOf(value: unknown, parent = ""): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  const areNames = Array.isArray(value) || ["heaps", "tasks", "stacks"].includes(parent);
  for (const [key, inner] of Object.entries(value)) {
    if (!areNames) yield key;
    yield* keysOf(inner, areNames ? "" : key);
  }
}

test.each(["connected/mqtt-tls-too-small", "stacks/overflow-mpu"])(
  "the page of the record names every field of a run of %s",
  async (name) => {
    const file = fileURLToPath(new URL(`../../firmware-scenarios/${name}.yaml`, import.meta.url));
    const keys = [...keysOf(await soak(await loadScenario(file)).record)];
    expect(keys.length).toBeGreaterThan(100);
    expect(keys.filter((key) => !named.has(key))).toEqual([]);
  },
);
