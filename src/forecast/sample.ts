/**
 * What one line of a log or table says about a heap. NaN: it does not say. Readers fill the same object again and
 * again: a gigabyte of lines makes no garbage of it.
 */
export interface Sample {
  /** Milliseconds since 1970, or since some midnight where the log has only the time of day. */
  wallMs: number;
  /** Milliseconds since the device booted. */
  uptimeMs: number;
  freeBytes: number;
  /** Least free bytes since boot, as the device keeps it. */
  minimumFreeBytes: number;
  largestBytes: number;
  /** Only where free bytes are not given: what is allocated. */
  usedBytes: number;
  totalBytes: number;
  /** A count of boots, or anything that changes with each. */
  boot: string;
  /** Empty: the file's only device. */
  device: string;
}

/** What a reader made of a line. */
export const enum LineKind {
  /** The sample is filled. */
  Sample,
  /** Nothing about a heap, or not yet all of it. */
  Other,
  /** Meant to be a sample, and cannot be read; `LineReader.fault` says why. */
  Broken,
  /** The device has booted. */
  Boot,
}

/** Reads the lines of one format. */
export interface LineReader {
  /** As `--format` takes it. */
  readonly format: string;
  /** Why the last line was `Broken`. */
  readonly fault: string;
  read(line: string, sample: Sample): LineKind;
}

/** An empty sample. */
export function blankSample(): Sample {
  return clearSample({} as Sample);
}

/** The same object, saying nothing. */
export function clearSample(sample: Sample): Sample {
  sample.wallMs = Number.NaN;
  sample.uptimeMs = Number.NaN;
  sample.freeBytes = Number.NaN;
  sample.minimumFreeBytes = Number.NaN;
  sample.largestBytes = Number.NaN;
  sample.usedBytes = Number.NaN;
  sample.totalBytes = Number.NaN;
  sample.boot = "";
  sample.device = "";
  return sample;
}

/** More than any device has: 1 TiB. What is larger was misread. */
const BYTES_MOST = 2 ** 40;

/** Derives free bytes from used and total ones, and says what is wrong with the figures; empty: nothing. */
export function sampleFault(sample: Sample): string {
  if (Number.isNaN(sample.freeBytes)) sample.freeBytes = sample.totalBytes - sample.usedBytes;
  const { freeBytes, largestBytes, minimumFreeBytes, usedBytes } = sample;
  if (Number.isNaN(freeBytes) && Number.isNaN(largestBytes) && Number.isNaN(usedBytes)) return "no counters";
  for (const bytes of [freeBytes, largestBytes, minimumFreeBytes, usedBytes]) {
    if (bytes < 0 || bytes > BYTES_MOST) return `${bytes} is no number of bytes`;
  }
  if (largestBytes > freeBytes)
    return `the largest block (${largestBytes}) is larger than all free memory (${freeBytes})`;
  return "";
}
