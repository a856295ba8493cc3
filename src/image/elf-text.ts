/** The text that begins at `offset` and ends with a zero byte; undefined when it does not, within `most` bytes. */
export function zeroEnded(bytes: Uint8Array, offset: number, most: number): string | undefined {
  if (offset === 0 && bytes.length === 0) return "";
  const end = bytes.subarray(offset, offset + most).indexOf(0);
  if (offset >= bytes.length || end < 0) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, end).toString("utf8");
}
