/**
 * An address map of the telemetry as the heap maps of other reports draw it: digits from 0 (free) to 9 (full)
 * become `.` free, `#` live, `+` both.
 */
export function mapPicture(digits: string): string {
  return digits.replace(/\d/g, (digit) => (digit === "0" ? "." : digit === "9" ? "#" : "+"));
}
