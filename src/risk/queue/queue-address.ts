import { HeapsoakError } from "../../errors.ts";

/** Where a Redis or Valkey server listens. */
export interface QueueAddress {
  readonly url: string;
  /** Without user and password, for messages. */
  readonly shown: string;
}

/** `redis://[user:password@]host[:port][/database]`, or `rediss://` over TLS. Throws `bad-argument`, which tells no password. */
export function parseQueueAddress(text: string): QueueAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isRedis = url?.protocol === "redis:" || url?.protocol === "rediss:";
  if (url && isRedis && url.hostname !== "" && /^(\/\d{0,3})?$/.test(url.pathname)) {
    return { url: text, shown: `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}` };
  }
  const shown = text.includes("@") ? "an address" : `"${text}"`;
  throw new HeapsoakError("bad-argument", `--queue: got ${shown}, expected redis://HOST[:PORT][/DATABASE].`, {
    hint: "With a password: redis://user:password@host; over TLS: rediss://host.",
  });
}
