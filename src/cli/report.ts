import { Command } from "commander";
import { HeapsoakError, printable } from "../errors.ts";
import { readNamedRecords } from "../records/record-input.ts";
import { REPORT_FORMATS } from "../report/formats/report-formats.ts";
import { htmlPage } from "../report/html/page.ts";
import { readPageAssets } from "../report/page-assets.ts";
import { recordText } from "../report/record-text.ts";
import type { NamedRecord } from "../report/report-record.ts";
import { verdictOf } from "../report/verdict-of.ts";
import type { Verdict } from "../soak/record.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { refuseSharedFiles, withHtmlOption } from "./record-outputs.ts";
import { EXIT_CODES } from "./run.ts";

interface ReportOptions {
  readonly title?: string;
  readonly gate?: boolean;
  /** The files by option: `html`, and those of REPORT_FORMATS. */
  readonly [option: string]: unknown;
}

/** A file to write, and how it is made. */
interface Output {
  readonly option: string;
  readonly file: string;
  readonly of: (records: readonly NamedRecord[]) => string;
}

/** The worst first. */
const GATE_ORDER: readonly Verdict[] = ["fail", "undecided"];

const EXAMPLES = `
A record is what --json FILE of run, compare, risk, size, replay, board validate, stack, fit, forecast, hunt, worst,
shrink and blame writes; docs/record.md of this package describes it, docs/formats.md what becomes of it. Without any
FILE to write, the terminal's report of each record is printed. Several files can be written at once; the same records
give the same bytes on every machine.
A report has no opinion of its own: it ends with 0 unless --gate asks for the records' verdicts.

Examples:
  $ heapsoak report run.json
  One page for colleagues, and what CI reads:
    $ heapsoak report run.json --html run.html --junit run.xml --markdown summary.md
  Several runs side by side:
    $ heapsoak report monday.json tuesday.json --html week.html --title "Gateway, week 12"
  From another command, and fail as it would:
    $ heapsoak run mqtt-tls --json - | heapsoak report - --sarif run.sarif --gate

Exit codes: 0 written (with --gate: all pass), 1 a record fails (--gate), 2 bad input, 3 a record is undecided (--gate).`;

/** `heapsoak report`: pages, terminal reports and machine formats from records. */
export function reportCommand(): Command {
  const command = withHtmlOption(
    new Command("report")
      .summary("make a page, or files for CI and other tools, from records")
      .description("Makes one page for browsers, files for CI and other tools, or the terminal's report from records.")
      .argument("<record...>", "files that --json FILE of other commands wrote; - for standard input"),
  ).option("--title <text>", "title of the page");
  for (const { option, name, description } of REPORT_FORMATS) {
    command.option(`--${option} <file>`, `write ${name}: ${description}; - for standard output`);
  }
  return command
    .option("--gate", "exit by the verdicts of the records, the worst first: 1 fail, 3 undecided")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(paths: readonly string[], options: ReportOptions): Promise<void> {
  refuseRepeated(paths);
  const outputs = outputsOf(options);
  await refuseOutputs(paths, options, outputs);
  const records = await readNamedRecords(paths);
  if (options.gate) gate(records);
  if (outputs.length === 0) print(records);
  // All are made before the first is written: one that cannot be made leaves nothing behind.
  const texts = outputs.map(({ file, of }) => ({ file, text: of(records) }));
  for (const { file, text } of texts) await writeWhole(file, text);
}

function outputsOf(options: ReportOptions): Output[] {
  const page = (records: readonly NamedRecord[]) => htmlPage(records, readPageAssets(), options.title);
  return [{ option: "html", of: page }, ...REPORT_FORMATS].flatMap(({ option, of }) => {
    const file = options[option];
    return typeof file === "string" ? [{ option, file, of }] : [];
  });
}

async function refuseOutputs(
  paths: readonly string[],
  options: ReportOptions,
  outputs: readonly Output[],
): Promise<void> {
  if (options.title !== undefined && options.html === undefined) {
    throw new HeapsoakError("bad-argument", "--title is the page's, and there is no --html FILE.");
  }
  const read = paths.filter((path) => path !== "-").map((path) => [`the record ${path}`, path] as const);
  refuseSharedFiles([...read, ...outputs.map(({ option, file }) => [`--${option}`, file] as const)]);
  for (const { file } of outputs) await refuseUnwritable(file);
}

function refuseRepeated(paths: readonly string[]): void {
  const repeated = paths.find((path, index) => paths.indexOf(path) < index);
  if (repeated !== undefined) throw new HeapsoakError("bad-argument", `${repeated}: is given twice.`);
}

/** The worst verdict becomes the exit code; records that do not pass are named on standard error. */
function gate(records: readonly NamedRecord[]): void {
  const verdicts = records.map(({ record }) => verdictOf(record));
  for (const [index, { name }] of records.entries()) {
    const verdict = verdicts[index];
    if (verdict && verdict !== "pass") process.stderr.write(`heapsoak: ${name}: ${verdict}\n`);
  }
  process.exitCode = EXIT_CODES[GATE_ORDER.find((verdict) => verdicts.includes(verdict)) ?? "pass"];
}

function print(records: readonly NamedRecord[]): void {
  const { stdout } = process;
  const texts = records.map(({ name, record }) => {
    const text = recordText(record, paintFor(stdout));
    return records.length === 1 ? text : `${printable(name)}\n\n${text}`;
  });
  stdout.write(texts.join("\n\n"));
}
