import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../firmware-scenarios/", import.meta.url));

/** Paths of all shipped scenarios, counted from firmware-scenarios/. */
export const shippedScenarios: readonly string[] = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => name.split(sep).join("/"))
  .sort();

/** The file of a shipped scenario, from the working directory. */
export function shippedScenario(name: string): string {
  return relative(process.cwd(), join(FOLDER, name));
}
