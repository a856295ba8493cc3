/**
 * What is kept of a device's counters: the least values in windows of equal length, a power of two times shorter than
 * a day or longer, so that windows of the same time of day can be compared. When there are too many, neighbours are
 * merged: memory does not grow, and no minimum is lost.
 *
 *   width w      │ 9 │ 7 │ 8 │ 6 │ 8 │ 5 │     segment 0 ┊ segment 1 (rebooted)
 *   width 2 w    │   7   │   6   │   5   │
 */
const WINDOWS_MOST = 256;
/** Of a device that reboots again and again, the longest stretches are kept. */
const SEGMENTS_MOST = 32;
export const DAY_MS = 86_400e3;
/** A day, halved so often that it is about 0.66 s. */
const FINEST_MS = DAY_MS / 2 ** 17;

/** Equally long columns, a row a window; `Infinity` where a counter is not known. */
export interface Windows {
  readonly widthMs: number;
  /** Which stretch between two boots. */
  readonly segment: readonly number[];
  /** The window begins at `key × widthMs`. */
  readonly key: readonly number[];
  readonly count: readonly number[];
  readonly free: readonly number[];
  readonly largest: readonly number[];
  /** Largest minus free: 0 where all that is free is one block. */
  readonly together: readonly number[];
}

/** A stretch without a reboot. */
export interface Segment {
  readonly id: number;
  readonly startMs: number;
  endMs: number;
  /** Since boot, at its start; NaN where the log does not say. */
  readonly uptimeMs: number;
  /** Whether it begins with a boot, and not with the log or behind a gap. */
  readonly fromBoot: boolean;
  /** The device's own least free bytes, and when they last fell. */
  minimumFreeBytes: number;
  minimumAtMs: number;
}

/** Merges windows as they come. */
export class WindowSeries {
  readonly segments: Segment[] = [];
  widthMs = FINEST_MS;
  readonly #segment: number[] = [];
  readonly #key: number[] = [];
  readonly #count: number[] = [];
  readonly #free: number[] = [];
  readonly #largest: number[] = [];
  readonly #together: number[] = [];
  #segmentsSeen = 0;

  get windows(): Windows {
    return {
      widthMs: this.widthMs,
      segment: this.#segment,
      key: this.#key,
      count: this.#count,
      free: this.#free,
      largest: this.#largest,
      together: this.#together,
    };
  }

  /** Begins a stretch that is not compared with the one before. */
  begin(startMs: number, uptimeMs: number, fromBoot: boolean): Segment {
    const segment = {
      id: this.#segmentsSeen++,
      startMs,
      endMs: startMs,
      uptimeMs,
      fromBoot,
      minimumFreeBytes: Number.POSITIVE_INFINITY,
      minimumAtMs: startMs,
    };
    this.segments.push(segment);
    return segment;
  }

  /** A sample of the current segment. Values that are not known are NaN. */
  add(atMs: number, free: number, largest: number): void {
    const segment = this.#segmentsSeen - 1;
    let key = Math.floor(atMs / this.widthMs);
    let row = this.#rowOf(segment, key);
    if (row < 0) {
      if (this.#key.length >= WINDOWS_MOST) {
        this.#thin();
        key = Math.floor(atMs / this.widthMs);
        row = this.#rowOf(segment, key);
      }
      if (row < 0) row = this.#push(segment, key);
    }
    this.#count[row] = (this.#count[row] ?? 0) + 1;
    this.#lower(this.#free, row, free);
    this.#lower(this.#largest, row, largest);
    this.#lower(this.#together, row, largest - free);
  }

  /** Merges windows until there are at most `most`, or none can be merged. */
  coarsen(most: number): void {
    for (let before = 0; this.#key.length > most && this.#key.length !== before; ) {
      before = this.#key.length;
      this.#merge();
    }
  }

  /** Merges windows until they are at least so long. */
  widen(widthMs: number): void {
    while (this.widthMs < widthMs) this.#merge();
  }

  #lower(column: number[], row: number, value: number): void {
    if (value < (column[row] ?? 0)) column[row] = value;
  }

  /** Samples may be late by a few windows. */
  #rowOf(segment: number, key: number): number {
    for (let row = this.#key.length - 1; row >= 0 && row > this.#key.length - 10; row--) {
      if (this.#segment[row] !== segment) return -1;
      if (this.#key[row] === key) return row;
      if ((this.#key[row] ?? 0) < key) return -1;
    }
    return -1;
  }

  /** A new window, in the order of time. */
  #push(segment: number, key: number): number {
    let row = this.#key.length;
    while (row > 0 && this.#segment[row - 1] === segment && (this.#key[row - 1] ?? 0) > key) row--;
    this.#segment.splice(row, 0, segment);
    this.#key.splice(row, 0, key);
    this.#count.splice(row, 0, 0);
    for (const column of [this.#free, this.#largest, this.#together]) column.splice(row, 0, Number.POSITIVE_INFINITY);
    return row;
  }

  /** Makes room: by forgetting the shortest of too many segments, then by merging neighbours. */
  #thin(): void {
    if (this.segments.length > SEGMENTS_MOST) this.#forgetSegments();
    while (this.#key.length > (WINDOWS_MOST * 3) / 4) this.#merge();
  }

  #forgetSegments(): void {
    const current = this.segments.pop();
    const byLength = [...this.segments].sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs) || a.id - b.id);
    const kept = new Set(byLength.slice(0, SEGMENTS_MOST / 2).map(({ id }) => id));
    if (current) kept.add(current.id);
    const segments = this.segments.filter(({ id }) => kept.has(id));
    this.segments.splice(0, this.segments.length, ...segments);
    if (current) this.segments.push(current);
    let rows = 0;
    for (let row = 0; row < this.#key.length; row++) {
      if (kept.has(this.#segment[row] ?? -1)) this.#move(row, rows++);
    }
    this.#shorten(rows);
  }

  #merge(): void {
    this.widthMs *= 2;
    let rows = 0;
    for (let row = 0; row < this.#key.length; row++) {
      const key = Math.floor((this.#key[row] ?? 0) / 2);
      if (rows > 0 && this.#segment[rows - 1] === this.#segment[row] && this.#key[rows - 1] === key) {
        this.#mergeInto(row, rows - 1);
        continue;
      }
      this.#move(row, rows);
      this.#key[rows++] = key;
    }
    this.#shorten(rows);
  }

  #mergeInto(row: number, target: number): void {
    this.#count[target] = (this.#count[target] ?? 0) + (this.#count[row] ?? 0);
    for (const column of [this.#free, this.#largest, this.#together]) this.#lower(column, target, column[row] ?? 0);
  }

  #move(row: number, target: number): void {
    for (const column of this.#columns()) column[target] = column[row] ?? 0;
  }

  #shorten(rows: number): void {
    for (const column of this.#columns()) column.length = rows;
  }

  #columns(): number[][] {
    return [this.#segment, this.#key, this.#count, this.#free, this.#largest, this.#together];
  }
}
