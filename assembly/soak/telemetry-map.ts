/** The records of telemetry: what is kept of each heap over time. See soak-map.ts. */

/** A heap as one walk finds it (Verb.Survey). */
export const enum SurveyField {
  Holes,
  LargestFreeBytes,
  /** MAP_CELLS digits of 4 bits, the lowest address in the lowest bits. */
  AddressMap,
  AddressMapEnd = AddressMap + 8,
  Length = AddressMapEnd,
}
/** Cells of a heap's address map: equal parts of its regions, seen as one. */
export const MAP_CELLS = 64;
export const MAP_CELLS_PER_WORD = 8;
/** The digit of a cell without a free byte; 0 is one with nothing else, the rest is between. */
export const MAP_FULL = 9;

/** Rows that are kept of a heap: when they are used up, neighbours are merged. Even. */
export const TELEMETRY_ROWS = 512;
/** What the series of all heaps share, and behind it a SeriesField record for each heap. */
export const enum TelemetryField {
  /** End of the last window. */
  SampledAt,
  SampledAtHigh,
  Samples,
  SamplesHigh,
  /** When the warm-up ended: what expectations are judged on begins here. */
  JudgedFrom,
  JudgedFromHigh,
  /** Rows in use; the last one may still take samples. */
  Rows,
  SamplesPerRow,
  /** Samples in the last row. */
  RowSamples,
  /** 1 once a warm-up has ended. */
  WarmedUp,
  Length,
}
export const enum SeriesField {
  /** Worst external and internal fragmentation of a sample since the judged run began (f64), and when. */
  WorstExternal,
  WorstExternalHigh,
  WorstExternalAt,
  WorstExternalAtHigh,
  WorstInternal,
  WorstInternalHigh,
  WorstInternalAt,
  WorstInternalAtHigh,
  /** Failed requests up to the last sample. */
  FailedRequests,
  FailedRequestsHigh,
  /** When a sample first found the heap's metadata broken; meaningful where Inconsistent is 1. */
  InconsistentAt,
  InconsistentAtHigh,
  /** What the warm-up had come to when it ended: the judged figures are the run's less these, or since these. */
  WarmupFailedRequests,
  WarmupFailedRequestsHigh,
  WarmupFragmentationFailures,
  WarmupFragmentationFailuresHigh,
  WarmupLeaks,
  WarmupPeakLiveBytes,
  WarmupMinimumLargestFree,
  WarmupVisitsMost,
  Inconsistent,
  /** TELEMETRY_ROWS × RowField. */
  Rows,
  Length,
}
/** A window of a heap's life. Of each figure the least, the greatest and the last value, in this order. */
export const enum RowField {
  At,
  AtHigh,
  FreeBytes,
  LargestFreeBytes = FreeBytes + 3,
  Holes = LargestFreeBytes + 3,
  LiveBlocks = Holes + 3,
  RequestedBytes = LiveBlocks + 3,
  /** Requests refused in the window. */
  FailedRequests = RequestedBytes + 3,
  VisitsMost,
  /** The address map at the window's end, as in SurveyField. */
  AddressMap,
  AddressMapEnd = AddressMap + 8,
  Pad = AddressMapEnd,
  Length,
}
/** Figures of a row that have a least, a greatest and a last value. */
export const ROW_FIGURES = 5;
