/** What a record becomes on a page: a verdict and sections. One function for each kind of record makes it. */
import type { Verdict } from "../../soak/record.ts";
import type { Html } from "./markup.ts";

export type Tone = "good" | "bad" | "open";

/** How verdicts are coloured. */
export const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = { pass: "good", fail: "bad", undecided: "open" };

export interface Section {
  /** Unique within the record: `heap-main`, in kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export interface RecordPage {
  /** What the record is about, such as the scenario's title. */
  readonly title: string;
  /** `PASS`, `FAIL`, `UNDECIDED`, `FOUND` …: how the terminal's report calls it. */
  readonly verdict: string;
  readonly tone: Tone;
  /** The verdict in one sentence. */
  readonly sentence: string;
  readonly sections: readonly Section[];
  /** Where it comes from: digest, seed, versions; one fact an entry. */
  readonly provenance: readonly (readonly [name: string, value: string])[];
}
