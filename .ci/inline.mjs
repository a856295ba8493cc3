/**
 * Inlines what the compiler left as calls in the kernel: `node .ci/inline.mjs RELEASE.wasm SOAK.wasm`.
 *
 * An activation of a task is a dozen small functions, and on V8 the calls cost more than what they do. asc hands its
 * module to binaryen with fixed limits on inlining; this is the same optimizer once more, with wider ones. Measured
 * with `npm run bench -- --only soak`: a task that allocates nothing went from 50 to 42 ns an activation, an interrupt from 44 to 38.
 * Replays keep the release build: there the loops over the heaps are all, and larger functions make them slower.
 */
import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";

const { BulkMemory, BulkMemoryOpt, MutableGlobals, NontrappingFPToInt, SignExt } = binaryen.Features;
const [release, soak] = process.argv.slice(2);
if (soak === undefined) throw new Error("usage: node .ci/inline.mjs RELEASE.wasm SOAK.wasm");

const module = binaryen.readBinary(readFileSync(release));
// What asc itself takes for granted of an engine.
module.setFeatures(BulkMemory | BulkMemoryOpt | MutableGlobals | NontrappingFPToInt | SignExt);
binaryen.setOptimizeLevel(3);
binaryen.setShrinkLevel(0);
binaryen.setZeroFilledMemory(true);
// In nodes of the syntax tree. With larger ones V8's own compiler takes 20 to 40 MB more for a few nanoseconds less.
binaryen.setAlwaysInlineMaxSize(40);
binaryen.setFlexibleInlineMaxSize(200);
binaryen.setOneCallerInlineMaxSize(300);
binaryen.setAllowInliningFunctionsWithLoops(true);
module.optimize();
writeFileSync(soak, module.emitBinary());
