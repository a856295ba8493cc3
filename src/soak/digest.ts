/** The digest of a run: two runs are equal if their digests are. */
import { createHash } from "node:crypto";
import type { RunRecord } from "./record.ts";

/**
 * SHA-256 (hex) over the record in canonical JSON, keys in order, and the device's final RAM, bank by bank. Left
 * out is what does not follow from what the scenario says and the seed: the provenance, the path by which the file was
 * named, and the lines at which things stand in it.
 */
export function runDigest(record: RunRecord, ram: Iterable<Uint8Array>): string {
  const { scenario, failure, expectations } = record;
  const covered = {
    ...record,
    digest: "",
    provenance: {},
    scenario: { ...scenario, path: "" },
    failure: failure && { ...failure, line: null },
    expectations: expectations.map((expectation) => ({ ...expectation, line: null })),
  };
  const hash = createHash("sha256").update(canonicalJson(covered));
  for (const bank of ram) hash.update(bank);
  return hash.digest("hex");
}

/** JSON without white space, the keys of every object in ascending order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
