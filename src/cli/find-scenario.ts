import { readdirSync, type Stats, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, sep } from "node:path";
import { closest, HeapsoakError } from "../errors.ts";
import { shown } from "../scenario/issues.ts";

const FILES_MOST = 10_000;
const DEPTH_MOST = 8;
/** The folder of the package that holds the shipped scenarios, by theme. */
const SHIPPED = "firmware-scenarios";

/** A scenario that comes with heapsoak. */
export interface ShippedScenario {
  /** The file's name without its ending: what `heapsoak run` takes. */
  readonly name: string;
  /** Its folder below firmware-scenarios, or "". */
  readonly theme: string;
  readonly file: string;
}

/** The shipped scenarios, by theme and name. */
export function shippedScenarios(root = shippedRoot()): ShippedScenario[] {
  return scenarioFilesBelow(root).map((file) => ({
    name: scenarioName(file),
    theme: dirname(relative(root, file)).split(sep).join("/").replace(/^\.$/, ""),
    file,
  }));
}

/**
 * The file of the scenario that an argument means: a file, a folder that holds just one, or the name of a shipped
 * one, with or without its theme. Throws `cannot-read` or `bad-argument`.
 */
export function findScenario(argument: string, root = shippedRoot()): string {
  const status = statusOf(argument);
  if (!status) return findShipped(argument, root);
  if (!status.isDirectory()) return argument;
  const files = scenarioFilesBelow(argument);
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) return only;
  const listed = files.slice(0, 20).map((file) => `\n    ${file}`);
  throw new HeapsoakError(
    "bad-argument",
    only === undefined ? `${argument}: holds no scenario.` : `${argument}: holds ${files.length} scenarios.`,
    only === undefined ? {} : { hint: `Name one of them:${listed.join("")}` },
  );
}

/** The files of the scenarios that arguments mean; a folder means all in it and below. Throws as `findScenario`. */
export function findScenarios(args: readonly string[], root = shippedRoot()): string[] {
  return args.flatMap((argument) => {
    if (!statusOf(argument)?.isDirectory()) return [findScenario(argument, root)];
    const files = scenarioFilesBelow(argument);
    if (files.length === 0) throw new HeapsoakError("bad-argument", `${argument}: holds no scenario.`);
    return files;
  });
}

function findShipped(argument: string, root: string): string {
  const shipped = shippedScenarios(root);
  const found = shipped.filter(({ name, theme }) => argument === name || argument === `${theme}/${name}`);
  const [only, ...others] = found;
  if (only && others.length === 0) return only.file;
  if (only) {
    const names = found.map(({ theme, name }) => `${theme}/${name}`).join(", ");
    throw new HeapsoakError("bad-argument", `There are several scenarios called "${argument}": ${names}.`);
  }
  const isName = !/[\\/.]/.test(argument);
  const meant =
    closest(
      argument,
      shipped.map(({ name }) => name),
    ) ?? startingWith(argument, shipped);
  throw new HeapsoakError(
    "cannot-read",
    isName
      ? `There is neither a file nor a shipped scenario called "${argument}".`
      : `${argument}: there is no such file.`,
    { hint: meant ? `Did you mean "${meant}"?` : "`heapsoak scenarios` lists those that come with heapsoak." },
  );
}

function startingWith(argument: string, shipped: readonly ShippedScenario[]): string | undefined {
  return shipped.find(({ name }) => argument.length >= 3 && name.includes(argument))?.name;
}

/** YAML files below the folder, in the order of their paths. A folder that is not there holds none. */
function scenarioFilesBelow(folder: string): string[] {
  const files: string[] = [];
  collect(folder, 0, files);
  return files.sort((a, b) => (a < b ? -1 : 1));
}

function collect(folder: string, depth: number, files: string[]): void {
  if (depth > DEPTH_MOST || statusOf(folder) === undefined) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith(".")) collect(path, depth + 1, files);
    else if (entry.isFile() && /\.ya?ml$/i.test(entry.name)) files.push(path);
    if (files.length > FILES_MOST)
      throw new HeapsoakError("bad-argument", `${folder}: more than ${FILES_MOST} scenarios.`);
  }
}

/** The file's name without folder and ending. */
export function scenarioName(file: string): string {
  return basename(file).replace(/\.ya?ml$/i, "");
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new HeapsoakError("cannot-read", `${shown(path)}: cannot be read (${code ?? cause}).`, { cause });
  }
}

function shippedRoot(): string {
  return join(dirname(createRequire(import.meta.url).resolve("heapsoak/package.json")), SHIPPED);
}
