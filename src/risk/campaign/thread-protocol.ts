import type { ErrorCode } from "../../errors.ts";
import type { CoreBuild } from "../../wasm/module.ts";
import type { RunOutcome } from "../run/outcome.ts";
import type { PackedCells } from "./packed-cells.ts";
import type { Chunk } from "./work-list.ts";

/** What a worker thread gets once, before anything else. */
export interface ThreadSetup {
  readonly modules: ReadonlyMap<CoreBuild, WebAssembly.Module>;
  /** SHA-256 of the core. */
  readonly core: string;
  readonly cells: PackedCells;
  readonly baseSeed: bigint;
}

/** To a worker thread. */
export type ThreadRequest = Chunk;

/** From it, one for each request. */
export type ThreadReply =
  | { readonly kind: "outcomes"; readonly outcomes: readonly RunOutcome[]; readonly ms: number }
  /** A mistake of the user's, or something this machine cannot do. */
  | { readonly kind: "refusal"; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined }
  /** A mistake of ours. */
  | { readonly kind: "bug"; readonly stack: string };
