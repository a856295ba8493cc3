import type { BoardCommand, BoardItem } from "../wire/messages.ts";
import type { LineFigures } from "./line-quality.ts";

/** What subscribers of a link see, in the order of the line. */
export type LinkItem =
  | BoardItem
  /** The port went away; what the board sends until `connected` is lost. Once more where the reason changes. */
  | { readonly kind: "disconnected"; readonly reason: string }
  /** The port is back. Not sent for the first connection: a link is connected when it is handed out. */
  | { readonly kind: "connected" };

const ALLOCATOR_EVENTS: readonly LinkItem["kind"][] = ["allocate", "allocateAligned", "release", "reallocate"];

/** Whether the item is an operation of the board's allocator. */
export function isAllocatorEvent({ kind }: LinkItem): boolean {
  return ALLOCATOR_EVENTS.includes(kind);
}

/** Whether the item came from the board, and is not what became of the line to it. */
export function isFrame({ kind }: LinkItem): boolean {
  return kind !== "gap" && kind !== "disconnected" && kind !== "connected";
}

/**
 * Takes what one chunk of bytes held. `receivedMs`: milliseconds since 1970 by a clock that never goes back.
 * Whoever returns a promise holds the line until it settles; it must not reject.
 */
export type LinkListener = (items: readonly LinkItem[], receivedMs: number) => void | Promise<void>;

/** A board at the other end of a line. */
export interface BoardLink {
  /** The port, as it was given. */
  readonly path: string;
  readonly connected: boolean;
  /** Totals over all connections. `judgeLine` says in words what they mean. */
  readonly counters: LineFigures;
  /** Reading begins with the first subscriber, so that no item is lost before. Returns what ends the subscription. */
  subscribe(listener: LinkListener): () => void;
  /** Settles when the port has taken the bytes. Rejects with `board-unreachable` while there is no connection. */
  send(command: BoardCommand): Promise<void>;
  /** Ends the connection and sends no more items. Always settles, also where the port is stuck. */
  close(): Promise<void>;
}

export interface LinkOptions {
  /** A serial port, a pty, or a link to one. */
  readonly path: string;
  /** Bits a second. Default: 115,200. */
  readonly baudRate?: number;
  /** Whether a port that went away is opened again when it is back. Default: true. */
  readonly reconnect?: boolean;
}

/** What nearly all boards' examples use. */
export const DEFAULT_BAUD_RATE = 115_200;
