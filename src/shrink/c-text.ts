/** The shrunk sequence as C99 for a unit test on the board: one function without a library. */
import type { ShrinkRecord, ShrunkStep } from "./record.ts";

/** Longer sequences become a table that a loop runs. */
const STATEMENTS_MOST = 40;

/** What the board calls by default: the names of the allocator's own functions. */
const FREERTOS = { allocate: "pvPortMalloc", free: "vPortFree", reallocate: undefined } as const;
const LIBC = { allocate: "malloc", free: "free", reallocate: "realloc" } as const;

/** The file's text. It compiles with -std=c99 -Wall -Wextra -Wpedantic -Werror. */
export function shrunkC(record: ShrinkRecord): string {
  const lines = [
    ...comment(record),
    "#include <stddef.h>",
    "",
    ...macros(record),
    ...(record.steps.length > STATEMENTS_MOST ? tableFunction(record) : plainFunction(record)),
  ];
  return `${lines.join("\n")}\n`;
}

function comment({ allocator, regions, failure, steps }: ShrinkRecord): string[] {
  const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
  const refused = failure.kind === "fragmentation" || failure.kind === "exhaustion";
  const what = refused
    ? `the last request, of ${failure.requestBytes} bytes, is refused (${failure.kind})`
    : `the last call ends in ${failure.kind}${failure.detail === "" ? "" : `: ${inComment(failure.detail)}`}`;
  return [
    "/*",
    " * Made by heapsoak shrink.",
    ` * On a fresh heap of ${bytes} bytes (${allocator}) ${what}.`,
    " * Run it first thing on the board, before anything else has been allocated.",
    ` * Returns 0 where the last of the ${steps.length} calls returns no memory, as emulated; -1 where it does return some;`,
    " * n > 0 where call n, an earlier one, returns none. Blocks stay allocated.",
    " */",
  ];
}

/** No text from a trace ends a comment. */
function inComment(text: string): string {
  return text.replaceAll("*/", "* /");
}

function macros({ allocator, steps }: ShrinkRecord): string[] {
  const names = allocator.startsWith("freertos") ? FREERTOS : LIBC;
  const lines = [
    "/* Define these three to call another allocator. */",
    "#ifndef HEAP_ALLOCATE",
    `extern void *${names.allocate}(size_t bytes);`,
    `extern void ${names.free}(void *block);`,
    `#define HEAP_ALLOCATE(bytes) ${names.allocate}(bytes)`,
    `#define HEAP_FREE(block) ${names.free}(block)`,
  ];
  if (usesReallocation(steps)) {
    if (names.reallocate) {
      lines.push(`extern void *${names.reallocate}(void *block, size_t bytes);`);
      lines.push(`#define HEAP_REALLOCATE(block, bytes) ${names.reallocate}((block), (bytes))`);
    } else
      lines.push(
        `#error "${allocator} has no realloc of its own: define HEAP_REALLOCATE(block, bytes) and the others"`,
      );
  }
  if (usesAlignment(steps)) {
    lines.push("extern void *memalign(size_t alignment, size_t bytes);");
    lines.push("#define HEAP_ALLOCATE_ALIGNED(alignment, bytes) memalign((alignment), (bytes))");
  }
  return [...lines, "#endif", "", "int heapsoak_shrunk(void);", ""];
}

function usesReallocation(steps: readonly ShrunkStep[]): boolean {
  return steps.some(({ verb }) => verb === "reallocate");
}

function usesAlignment(steps: readonly ShrunkStep[]): boolean {
  return steps.some(({ alignment }) => alignment > 0);
}

function plainFunction({ steps }: ShrinkRecord): string[] {
  const names = [...new Set(steps.map(({ block }) => block))];
  const lines = names.map((name) => `  void *${name};`);
  const declared = usesReallocation(steps) ? [...lines, "  void *grown;"] : lines;
  return [
    "int heapsoak_shrunk(void)",
    "{",
    ...declared,
    "",
    ...steps.flatMap((step, index) => statements(step, index, index === steps.length - 1)),
    "}",
  ];
}

function statements({ verb, block, requestBytes, alignment }: ShrunkStep, index: number, isLast: boolean): string[] {
  if (verb === "free") return isLast ? [`  HEAP_FREE(${block});`, "  return -1;"] : [`  HEAP_FREE(${block});`];
  const target = verb === "reallocate" ? "grown" : block;
  const call =
    verb === "reallocate"
      ? `HEAP_REALLOCATE(${block}, ${requestBytes}u)`
      : alignment > 0
        ? `HEAP_ALLOCATE_ALIGNED(${alignment}u, ${requestBytes}u)`
        : `HEAP_ALLOCATE(${requestBytes}u)`;
  if (isLast) return [`  ${target} = ${call};`, `  return ${target} == NULL ? 0 : -1;`];
  // What asks for nothing may return nothing.
  const check = requestBytes > 0 ? [`  if (${target} == NULL) return ${index + 1};`] : [];
  const lines = [`  ${target} = ${call};`, ...check];
  return verb === "reallocate" ? [...lines, `  ${block} = grown;`] : lines;
}

/** A table of calls: what a switch of hundreds of lines would only hide. */
function tableFunction({ steps }: ShrinkRecord): string[] {
  const numbers = new Map<string, number>();
  const rows = steps.map(({ verb, block, requestBytes, alignment }) => {
    if (!numbers.has(block)) numbers.set(block, numbers.size);
    return `  { '${verb[0]}', ${numbers.get(block)}u, ${requestBytes}u, ${alignment}u },`;
  });
  return [
    "/* 'a': allocate, 'r': reallocate, 'f': free. */",
    "struct call { char verb; unsigned block; size_t bytes; size_t alignment; };",
    "static const struct call calls[] = {",
    ...rows,
    "};",
    "",
    "int heapsoak_shrunk(void)",
    "{",
    `  static void *blocks[${numbers.size}];`,
    "  const size_t count = sizeof calls / sizeof calls[0];",
    "  size_t i;",
    "",
    "  for (i = 0; i < count; i++) {",
    "    const struct call *call = &calls[i];",
    "    void *result;",
    "    if (call->verb == 'f') { HEAP_FREE(blocks[call->block]); continue; }",
    ...(usesReallocation(steps)
      ? ["    if (call->verb == 'r') result = HEAP_REALLOCATE(blocks[call->block], call->bytes);", "    else"]
      : []),
    ...(usesAlignment(steps)
      ? ["    if (call->alignment > 0) result = HEAP_ALLOCATE_ALIGNED(call->alignment, call->bytes);", "    else"]
      : []),
    "    result = HEAP_ALLOCATE(call->bytes);",
    "    if (result == NULL && call->bytes > 0) return i + 1 == count ? 0 : (int)(i + 1);",
    "    blocks[call->block] = result;",
    "  }",
    "  return -1;",
    "}",
  ];
}
