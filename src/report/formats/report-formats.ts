/** The machine formats that records can be written in; the command line makes an option of each. */
import { csv } from "./csv.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import { openMetrics } from "./open-metrics.ts";
import { JUDGED_KINDS } from "./outcomes.ts";
import { perfetto } from "./perfetto.ts";
import { type ReportFormat, refuseOtherKinds } from "./report-format.ts";
import { distinctlyNamed } from "./runs-of.ts";
import { sarif } from "./sarif.ts";

/** The kinds that have figures beyond a verdict. */
const TABLED_KINDS = [
  "heapsoak.run",
  "heapsoak.compare",
  "heapsoak.risk",
  "heapsoak.size",
  "heapsoak.validation",
  "heapsoak.stack-bound",
] as const;

const FORMATS: readonly ReportFormat[] = [
  {
    name: "JUnit XML",
    option: "junit",
    description: "test results for GitLab, Jenkins and GitHub",
    kinds: JUDGED_KINDS,
    of: junit,
  },
  {
    name: "SARIF",
    option: "sarif",
    description: "findings at their lines, for code scanning",
    kinds: JUDGED_KINDS.filter((kind) => kind !== "heapsoak.worst"),
    of: sarif,
  },
  {
    name: "OpenMetrics",
    option: "openmetrics",
    description: "the final figures, for Prometheus and its kin",
    kinds: TABLED_KINDS,
    of: openMetrics,
  },
  {
    name: "CSV",
    option: "csv",
    description: "a table for pandas, R or a spreadsheet",
    kinds: TABLED_KINDS,
    of: csv,
  },
  {
    name: "Markdown",
    option: "markdown",
    description: "a summary for a pull request",
    kinds: JUDGED_KINDS,
    of: markdown,
  },
  {
    name: "Perfetto trace",
    option: "perfetto",
    description: "a trace for ui.perfetto.dev or chrome://tracing",
    kinds: ["heapsoak.run", "heapsoak.compare"],
    of: perfetto,
  },
];

/** All of them; each refuses the kinds of record that it does not take. */
export const REPORT_FORMATS: readonly ReportFormat[] = FORMATS.map((format) => ({
  ...format,
  of: (records) => {
    refuseOtherKinds(records, format, FORMATS);
    return format.of(distinctlyNamed(records));
  },
}));
