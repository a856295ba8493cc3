import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { instantiateSync } from "@assemblyscript/loader";
import { LAYOUT_VERSION } from "../../assembly/memory-map.ts";
import { HeapsoakError } from "../errors.ts";

/**
 * `release`, `soak` and `debug` know one range a heap and fault when its metadata leads out of it; `exact` asks
 * the bank table instead. `soak` is `release` with the kernel's calls inlined (.ci/inline.mjs); `debug` has the
 * compiler's own assertions and names.
 */
export type CoreBuild = "release" | "soak" | "exact" | "debug";
/** What batches may run on. */
export type BatchBuild = Exclude<CoreBuild, "exact">;

/** The exports of assembly/index.ts. Addresses come back signed: `>>> 0` them. */
export interface CoreExports {
  layoutVersion(): number;
  heapPlan(heap: number): void;
  heapInitialize(heap: number): number;
  heapAdopt(heap: number): number;
  heapAllocate(heap: number, alignment: number, requestBytes: number): number;
  heapReallocate(heap: number, payload: number, requestBytes: number): number;
  heapRelease(heap: number, payload: number): void;
  heapCollect(heap: number, roots: number, count: number): number;
  heapAddFinaliser(heap: number, payload: number): number;
  heapUsableBytes(heap: number, payload: number): number;
  heapWalk(heap: number, resume: number): number;
  heapCheck(heap: number): number;
  heapStatistics(heap: number): number;
  heapSummarize(heap: number): void;
  heapReplay(heap: number, first: number, end: number): void;
  heapReplayBare(heap: number, first: number, end: number): void;
  heapJudgeAccess(heap: number, address: number, bytes: number): number;
  resolveAccess(address: number, bytes: number, access: number): number;
  firstMismatch(first: number, end: number): number;
  replayNull(first: number, end: number): number;
  soakPrepare(): void;
  soakAdvance(budget: number): number;
  soakRekey(branch: number): void;
  soakRenew(): void;
  soakBeginJudging(): void;
  soakCloseTelemetry(): void;
  stackPaintedBytes(stack: number): number;
}

const compiled = new Map<CoreBuild, WebAssembly.Module>();
let digest: string | undefined;
const require = createRequire(import.meta.url);

/** The compiled module of a build; compiled once per process, to be shared with workers. */
export function coreModule(build: CoreBuild): WebAssembly.Module {
  let module = compiled.get(build);
  if (!module) {
    module = new WebAssembly.Module(readCore(build));
    compiled.set(build, module);
  }
  return module;
}

/** What this process has compiled, for a worker thread to adopt: modules are shared, not copied. */
export function compiledModules(): ReadonlyMap<CoreBuild, WebAssembly.Module> {
  return compiled;
}

/** Takes modules over from the thread that compiled them, with the digest of their core. */
export function adoptModules(modules: ReadonlyMap<CoreBuild, WebAssembly.Module>, core: string): void {
  for (const [build, module] of modules) compiled.set(build, module);
  digest = core;
}

/** SHA-256 (hex) of the core that runs go by; the other builds are of the same source. */
export function coreDigest(): string {
  digest ??= createHash("sha256").update(readCore("soak")).digest("hex");
  return digest;
}

/** An instance of the build over `memory`. `raiseFault` must throw: the guest does not go on behind it. */
export function instantiateCore(build: CoreBuild, memory: WebAssembly.Memory, raiseFault: () => never): CoreExports {
  const { exports } = instantiateSync(coreModule(build), { env: { memory }, fault: { raiseFault } });
  const core = exports as unknown as CoreExports;
  if (core.layoutVersion() !== LAYOUT_VERSION) {
    throw new HeapsoakError(
      "core-mismatch",
      `The ${build} core has memory layout ${core.layoutVersion()}, this host ${LAYOUT_VERSION}.`,
      {
        hint: "Build both together: npm run build.",
      },
    );
  }
  return core;
}

function readCore(build: CoreBuild): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(require.resolve(`#core/${build}.wasm`)));
  } catch (cause) {
    throw new HeapsoakError("cannot-read", `The core module "${build}" is not built.`, {
      hint: "Run: npm run build",
      cause,
    });
  }
}
