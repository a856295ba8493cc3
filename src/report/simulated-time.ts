const DAY_US = 86_400e6;

/** The simulated date of an instant, as a clock set to midnight at the start would show it: `day 12, 03:14`. The first day is day 1. */
export function simulatedDate(us: number): string {
  const minutes = Math.floor(us / 60e6);
  return `day ${simulatedDay(us)}, ${twoDigits(Math.floor(minutes / 60) % 24)}:${twoDigits(minutes % 60)}`;
}

/** The same to the microsecond: `day 12, 03:14:07.250113`. */
export function simulatedInstant(us: number): string {
  const seconds = Math.floor(us / 1e6) % 60;
  const fraction = String(Math.floor(us) % 1e6).padStart(6, "0");
  return `${simulatedDate(us)}:${twoDigits(seconds)}.${fraction}`;
}

/** The day that the instant falls on, from 1. */
export function simulatedDay(us: number): number {
  return Math.floor(us / DAY_US) + 1;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
