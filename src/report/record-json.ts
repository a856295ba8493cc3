/**
 * A value as indented JSON with a final newline, where arrays of numbers, words and nulls stay on one line: the
 * columns of a record's series would otherwise take a line a number.
 */
export function recordJson(value: unknown): string {
  return `${indented(value, "")}\n`;
}

function indented(value: unknown, margin: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const inner = `${margin}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object" || item === null)) return JSON.stringify(value);
    return `[\n${value.map((item) => inner + indented(item, inner)).join(",\n")}\n${margin}]`;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return "{}";
  const lines = entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${indented(item, inner)}`);
  return `{\n${lines.join(",\n")}\n${margin}}`;
}
