/** The records of random streams, draws and timers. See memory-map.ts. */
/**
 * A draw site: one place of a scenario at which random numbers are drawn, with its own stream of them
 * (soak/random.ts). 8-aligned.
 */
export const enum DrawSiteField {
  /** 64-bit FNV-1a of the site's path in the scenario, made by the host. */
  IdentityLow,
  IdentityHigh,
  /** Mixed from seed, branch and identity. */
  KeyLow,
  KeyHigh,
  /** Draws so far under any key. */
  CounterLow,
  CounterHigh,
  Length,
}

/** How a quantity is drawn. A and B are the distribution's parameters. */
export const enum DrawKind {
  /** Always A. Consumes no draw. */
  Constant,
  /** A real number from A to B. */
  Uniform,
  /** A whole number from A to B, both included, at most 2^32 values. */
  UniformWhole,
  /** Mean A, standard deviation B. */
  Normal,
  /** Median A; the logarithm has standard deviation B. */
  Lognormal,
  /** Mean A. */
  Exponential,
  /** Minimum A, tail index B. */
  Pareto,
  /** A whole number from 1, mean A ≥ 1. B is 0 at first; the core keeps a derived figure there. */
  Geometric,
  /** One of the values of the table (ChoiceField), by weight. */
  Choice,
  /** One of the values of the table (f64 each), all equally likely. */
  Empirical,
}
/** A draw's descriptor. Reals are f64 in two words, so the record is 8-aligned. */
export const enum DrawField {
  /** One of `DrawKind`. */
  Kind,
  /** Entries of the table of a `Choice` or `Empirical`: at least 1. */
  TableCount,
  /** Engine address of the table, 8-aligned. */
  Table,
  Padding,
  A,
  B = A + 2,
  /** A draw outside the limits is made anew. ±Infinity where there is no limit; a constant ignores them. */
  Minimum = B + 2,
  Maximum = Minimum + 2,
  Length = Maximum + 2,
}
/** An entry of a choice's table: f64 each. */
export const enum ChoiceField {
  Value,
  /** Sum of the weights up to and with this entry: above 0 in the last one. */
  CumulativeWeight = Value + 2,
  Length = CumulativeWeight + 2,
}
/** The longest time that can be drawn: 285 years of 365 days. Below 2^53. */
export const LONGEST_US = 8987760000000000;

/** What stands at the start of every record that can wait for a time (soak/timer-wheel.ts). 8-aligned. */
export const enum TimerField {
  Next,
  Previous,
  /** 0 while it is not pending (so zeroed memory is idle), else 1 + the slot's index in the wheel. */
  Slot,
  /** The class of event: its owner's, the wheel does not look at it. */
  Kind,
  TimeLow,
  TimeHigh,
  Length,
}
export const WHEEL_LEVELS = 11;
export const WHEEL_SLOTS_PER_LEVEL = 64;
export const enum WheelSlotField {
  Head,
  Tail,
  Length,
}
/** A timing wheel. 8-aligned. */
export const enum WheelField {
  NowLow,
  NowHigh,
  /** No timer is pending before this time. */
  NotBeforeLow,
  NotBeforeHigh,
  Pending,
  /** Bit i: level i holds a timer. */
  Occupancy,
  /** A u64 a level: bit i says that its slot i holds a timer. */
  Bitmaps,
  /** WHEEL_LEVELS × WHEEL_SLOTS_PER_LEVEL × WheelSlotField. */
  Slots = Bitmaps + 11 * 2,
  Length = Slots + 11 * 64 * 2,
}
