import type { DocumentIssue, DocumentPath } from "../yaml-document.ts";

type Tree = Record<string | number, unknown>;

/** What stands for an entry's required keys while the rest of the file is judged. */
const STAND_INS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  heaps: { allocator: "freertos-heap4", size: 1024 },
  queues: { capacity: 1 },
  caches: { slots: 1 },
  modes: {},
  tasks: { do: [] },
  interrupts: { do: [] },
};
const STEP_LISTS: ReadonlySet<PropertyKey> = new Set(["do", "else", "orElse"]);

/**
 * A copy of the document without what the issues are about, so that names and the like can be judged in the same
 * run: unknown keys go, wrong values make way for stand-ins, wrong steps for steps that do nothing.
 */
export function mended(raw: unknown, issues: readonly DocumentIssue[]): unknown {
  const root = isTree(raw) ? copied(raw) : {};
  // From the back, so that what is mended inside a step is there when the step itself is replaced.
  for (const { path, message } of [...issues].reverse()) {
    if (message.startsWith("unknown key")) remove(root, path);
    else mend(root, path);
  }
  return root;
}

/** Whether an issue of the mended document is the file's own, and not the mending's. */
export function isOwnIssue(issue: DocumentIssue, mendedIssues: readonly DocumentIssue[]): boolean {
  const [section, name, key] = issue.path;
  if (section === "device" || name === undefined) return false;
  return !mendedIssues.some(({ path, message }) => {
    if (section === "expect" && path[0] === section && path[1] === name) return true;
    if (path[0] !== section || path[1] !== name || message.startsWith("unknown key"))
      return startsWith(issue.path, path);
    // Beside a step that was wrong the others still stand; beside a wrong key of a task its other keys may not.
    return key === "do" ? startsWith(issue.path, path) : true;
  });
}

function mend(root: Tree, path: DocumentPath): void {
  const step = stepAround(path);
  if (step) {
    put(root, step, harmless(at(root, step)));
    return;
  }
  const [section = "", name, key] = path;
  if (section === "heapsoak") root.heapsoak = 1;
  else if (section === "expect" && name !== undefined) put(root, [section, name], { periodic: true });
  else if (Object.hasOwn(STAND_INS, section) && name !== undefined) mendEntry(root, String(section), name, key);
  else delete root[String(section)];
}

/** The entry without the key that is wrong, what it must have filled in. */
function mendEntry(root: Tree, section: string, name: PropertyKey, key: PropertyKey | undefined): void {
  const written = at(root, [section, name]);
  const kept: Tree = key !== undefined && isTree(written) && section !== "modes" ? { ...written } : {};
  if (key !== undefined) delete kept[String(key)];
  put(root, [section, name], { ...STAND_INS[section], ...kept });
}

/** A step that does nothing, around the steps inside the wrong one; samples stay, for the expressions that read them. */
function harmless(step: unknown): unknown {
  if (!isTree(step)) return { work: "1 us" };
  if (typeof step.sample === "string" && /^[A-Za-z][\w-]{0,63}$/.test(step.sample)) {
    return { sample: step.sample, from: 1 };
  }
  const branches = Array.isArray(step.choose) ? step.choose.map((branch) => isTree(branch) && branch.do) : [];
  const inner = [...[...STEP_LISTS].map((list) => step[String(list)]), ...branches].filter(Array.isArray).flat();
  return inner.length > 0 ? { repeat: 1, do: [...inner, { work: "1 us" }] } : { work: "1 us" };
}

/** The innermost step that holds the path, or undefined. */
function stepAround(path: DocumentPath): DocumentPath | undefined {
  const last = path.findLastIndex(
    (step, index) => typeof step === "number" && STEP_LISTS.has(path[index - 1] ?? "") && index > 2,
  );
  return last < 0 ? undefined : path.slice(0, last + 1);
}

function put(root: Tree, path: DocumentPath, value: unknown): void {
  const parent = at(root, path.slice(0, -1));
  if (isTree(parent)) parent[path.at(-1) as string | number] = value;
}

function remove(root: Tree, path: DocumentPath): void {
  const parent = at(root, path.slice(0, -1));
  if (isTree(parent)) delete parent[path.at(-1) as string | number];
}

function at(root: Tree, path: DocumentPath): unknown {
  return path.reduce<unknown>((node, step) => (isTree(node) ? node[step as string | number] : undefined), root);
}

function startsWith(path: DocumentPath, prefix: DocumentPath): boolean {
  return prefix.every((step, index) => step === path[index]);
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null;
}

/** A deep copy in which nothing is shared. */
function copied(node: Tree): Tree {
  const copy = (value: unknown): unknown => (isTree(value) ? copied(value) : value);
  if (Array.isArray(node)) return node.map(copy) as unknown as Tree;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, copy(value)]));
}
