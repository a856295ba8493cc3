/** Files that must survive a power cut. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** Writes all of it: a disk that fills up may take a part, and the next write then throws. */
export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(file, bytes, offset, bytes.length - offset);
}

/** Brings a new name in the folder to the disk, too. Not every system can do that to a folder. */
export function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // The file is whole under either name.
  }
}
