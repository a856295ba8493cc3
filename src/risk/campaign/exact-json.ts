/**
 * Plain data as one line of JSON that gives back exactly what went in, also what JSON has no word for: whole numbers
 * beyond 2^53 as `{"$bigint":"…"}`, infinities as `{"$number":"Infinity"}`. Properties that are undefined are left out.
 */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "bigint") return { $bigint: String(inner) };
    if (typeof inner === "number" && !Number.isFinite(inner)) return { $number: String(inner) };
    return inner;
  });
}

/** The value that `exactJson` was given. Throws `SyntaxError` for anything else. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null) return inner;
    if ("$bigint" in inner) return BigInt(String(inner.$bigint));
    if ("$number" in inner) return Number(inner.$number);
    return inner;
  });
}
