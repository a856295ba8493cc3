/** What the first bytes of a file say of its being a SystemView recording, or having been one. */
import { HeapsoakError } from "../errors.ts";

/** Zero bytes in front of the packets, so many of them or more. */
export const SYNC_BYTES = 10;
/** Ids that a recording's first packets have: TRACE_START, and INIT behind its time. */
const START_ID = 10;
const INIT_ID = 24;
const TITLE = "SEGGER SystemView";
const HEADER_BYTES = 1024;

/** How recordings come to be unreadable. */
export const COPY_HINT =
  "Copy it in binary. Changed line ends and texts cannot be undone; swapped bytes can: objcopy -I binary --reverse-bytes=4 IN OUT (or =2).";

/** Where the first ten zero bytes are, or -1. */
export function syncAt(bytes: Uint8Array): number {
  return asBuffer(bytes).indexOf(Buffer.alloc(SYNC_BYTES));
}

/** Whether a file that begins with these bytes is such a recording, perhaps one that lacks its beginning. */
export function isSystemview(head: Uint8Array): boolean {
  const sync = syncAt(head);
  if (sync < 0) return false;
  if (head[0] === 0x3b || head[0] === 0) return true;
  const packets = head.subarray(sync + SYNC_BYTES, sync + SYNC_BYTES + 8);
  return packets[0] === START_ID && packets.indexOf(INIT_ID) > 0;
}

/** Throws `bad-log` for what was such a recording before something changed its bytes. */
export function refuseChanged(head: Uint8Array, name: string): void {
  const header = head.subarray(0, HEADER_BYTES);
  if (asBuffer(header).includes(TITLE) && head[0] === 0x3b) {
    throw new HeapsoakError(
      "bad-log",
      `${name}: has the header of a SystemView recording, but not the ten zero bytes in front of its packets.`,
      { hint: COPY_HINT },
    );
  }
  for (const bytes of [2, 4] as const) {
    if (!swapped(header, bytes).includes(TITLE)) continue;
    throw new HeapsoakError(
      "bad-log",
      `${name}: is a SystemView recording whose bytes are swapped in each ${bytes}: of the other byte order.`,
      { hint: COPY_HINT },
    );
  }
}

/** The bytes in the other order within each whole word. */
function swapped(head: Uint8Array, wordBytes: 2 | 4): Buffer {
  const bytes = Buffer.from(head.subarray(0, head.length - (head.length % wordBytes)));
  return wordBytes === 2 ? bytes.swap16() : bytes.swap32();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
