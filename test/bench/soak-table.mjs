/** The soak rows on a terminal: a table for each set of columns. */

const COLUMNS = {
  pairsPerSecond: ["pairs/s", count],
  allocatorOnlyPairsPerSecond: ["allocator alone", count],
  ratio: ["ratio", String],
  medianRatio: ["median", String],
  nsPerActivation: ["ns/activation", fixed],
  medianNsPerActivation: ["median", fixed],
  checkpointMs: ["checkpoint ms", fixed],
  slowestCheckpointMs: ["slowest", fixed],
  startMs: ["start ms", fixed],
  resumeMs: ["resume ms", fixed],
  slowestResumeMs: ["slowest", fixed],
  fileBytes: ["file", mebibytes],
  wallSeconds: ["wall s", fixed],
  processorSeconds: ["processor s", fixed],
  simulatedSecondsPerSecond: ["simulated s/s", count],
  residentBytes: ["resident", mebibytes],
  peakResidentBytes: ["peak", mebibytes],
};

export function printSoakTable(rows) {
  const sets = new Map();
  for (const row of rows) {
    const fields = Object.keys(COLUMNS).filter((field) => field in row);
    const key = fields.join();
    sets.set(key, { fields, rows: [...(sets.get(key)?.rows ?? []), row] });
  }
  for (const set of sets.values()) printSet(set);
}

function printSet({ fields, rows }) {
  const lines = [
    ["", ...fields.map((field) => COLUMNS[field][0])],
    ...rows.map((row) => [row.name, ...fields.map((field) => COLUMNS[field][1](row[field]))]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  console.log();
  for (const [name, ...cells] of lines) {
    const padded = cells.map((cell, index) => cell.padStart(widths[index + 1]));
    console.log([name.padEnd(widths[0]), ...padded].join("  "));
  }
}

function count(value) {
  return value.toLocaleString("en-US");
}

function fixed(value) {
  return value.toFixed(2);
}

function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
