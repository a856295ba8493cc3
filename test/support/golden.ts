import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The traces to hold allocators against: the whole collection when it lies beside the repository, else the subset. */
export function goldenFolder(): URL {
  const whole = new URL("../../../shared/golden/", import.meta.url);
  return existsSync(whole) ? whole : new URL("../golden/", import.meta.url);
}

/** Paths of the traces in one golden folder. */
export function goldenFiles(folder: string): string[] {
  const url = new URL(`${folder}/`, goldenFolder());
  const traces = readdirSync(url).filter((name) => name.endsWith(".trace.gz"));
  return traces.map((name) => fileURLToPath(new URL(name, url)));
}
