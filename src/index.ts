/**
 * heapsoak's host API: devices and their heaps at the addresses of the datasheet, the soak of a scenario on them, and
 * real boards at the other end of a serial line.
 */
export { allocators, findAllocator } from "./allocators/catalogue.ts";
export type { AllocatorEntry, OptionSpec, OptionValues } from "./allocators/entry.ts";
export type { BoardLink, LinkItem, LinkListener, LinkOptions } from "./board/link/link.ts";
export { openLink } from "./board/link/serial-link.ts";
export { linkOver } from "./board/link/stream-link.ts";
export { Twin, type TwinDifference, type TwinOptions, type TwinState } from "./board/twin/twin.ts";
export { traceOperations } from "./board/validation/operation-source.ts";
export { type Validation, type ValidationRequest, validateBoard } from "./board/validation/validate.ts";
export type { ValidationRecord, ValidationVerdict } from "./board/validation/validation-record.ts";
export { FrameDecoder, type LinkCounters } from "./board/wire/frame-decoder.ts";
export type { BoardIdentity, BoardItem, BoardMessage } from "./board/wire/messages.ts";
export { type Autopsy, type AutopsyRequest, autopsy } from "./device/autopsy.ts";
export { deviceCatalogue, findDevice } from "./device/catalogue/devices.ts";
export type { Bank, Core, DeviceDescription, HeapBounds, StaticUse } from "./device/description.ts";
export { Device, type DeviceOptions, type HeapSpec } from "./device/device.ts";
export type { FaultRegister } from "./device/fault-registers.ts";
export { type AccessMisuse, Heap, type Leak } from "./device/heap.ts";
export type { HeapPart } from "./device/memory-plan.ts";
export { resolveDevice } from "./device/resolve.ts";
export { type ErrorCode, HeapsoakError } from "./errors.ts";
export { type CompilerFiles, readCompilerFiles } from "./firmware-stack/compiler-files.ts";
export { type AnalysedProgram, analyseProgram, type ProgramRequest } from "./firmware-stack/program.ts";
export { type StackBoundRecord, type StackRecordRequest, stackRecord } from "./firmware-stack/stack-record.ts";
export type { Evaluation } from "./fit/evaluation/evaluate.ts";
export type { FigureRecord } from "./fit/evaluation/judge.ts";
export { type Fit, type FitRequest, fitTrace } from "./fit/fit.ts";
export type { FitRecord } from "./fit/record.ts";
export { type ForecastRequest, forecast } from "./forecast/forecast.ts";
export type {
  DeviceForecast,
  ExhaustionRecord,
  FleetForecast,
  ForecastRecord,
  TrendRecord,
} from "./forecast/record.ts";
export { type Elf, readElf } from "./image/elf.ts";
export { type ImageSegment, loadRamImage } from "./image/ram-image.ts";
export { FORMAT_NAMES } from "./import/formats.ts";
export { type ImportRequest, type ImportSummary, importLog } from "./import/import-log.ts";
export { type InitRequest, type InitResult, initScenario } from "./init/init.ts";
export type { InitRecord } from "./init/init-record.ts";
export { readRecord } from "./records/read-record.ts";
export { diffRecords } from "./report/diff/diff.ts";
export { diffMarkdown } from "./report/diff/diff-markdown.ts";
export type { DiffRecord, FigureChange, StatementChange } from "./report/diff/diff-record.ts";
export { Thresholds } from "./report/diff/thresholds.ts";
export type { ReportFormat } from "./report/formats/report-format.ts";
export { REPORT_FORMATS } from "./report/formats/report-formats.ts";
export { htmlPage } from "./report/html/page.ts";
export { readPageAssets } from "./report/page-assets.ts";
export { heapMap, heapPicture, type PictureOptions } from "./report/picture.ts";
export { recordText } from "./report/record-text.ts";
export type {
  ComparedCandidate,
  ComparedStack,
  CompareRecord,
  NamedRecord,
  RecordKind,
  RecordOf,
  ReplayRecord,
  ReportRecord,
} from "./report/report-record.ts";
export { verdictOf } from "./report/verdict-of.ts";
export type { BlameRecord } from "./risk/blame/record.ts";
export { type BlameRequest, blameScenario } from "./risk/blame/scenario-blame.ts";
export { blameTrace, type TraceBlameRequest } from "./risk/blame/trace-blame.ts";
export type { RiskQuestion } from "./risk/build-record.ts";
export { type Hunted, type HuntRequest, hunt } from "./risk/hunt/hunt.ts";
export type { HuntFind, HuntRecipe, HuntRecord } from "./risk/hunt/record.ts";
export type { CampaignPlan, CampaignSink, Executor } from "./risk/plan.ts";
export type { PairedDifference, RiskCell, RiskRecord } from "./risk/record.ts";
export {
  type CampaignOptions,
  planRisk,
  planRiskOfTrace,
  type RiskRequest,
  runRisk,
  type TraceRequest,
} from "./risk/risk.ts";
export type { Cell } from "./risk/run/cell.ts";
export { CellRunner } from "./risk/run/cell-runner.ts";
export type { OutcomeFailure, RunOutcome } from "./risk/run/outcome.ts";
export type { SizeRecord } from "./risk/size/record.ts";
export { findSizes, type SizeOptions, type SizeQuestion } from "./risk/size/size.ts";
export { type SplittingEstimate, type SplittingOptions, splitCell } from "./risk/splitting/splitting.ts";
export type { WorstRecord, WorstStep } from "./risk/worst/record.ts";
export { type WorstCase, type WorstRequest, worstCase } from "./risk/worst/worst.ts";
export { loadScenario, parseScenario, type ScenarioOptions } from "./scenario/load.ts";
export type { Scenario } from "./scenario/model.ts";
export type { ShrinkRecord } from "./shrink/record.ts";
export { type ShrinkRequest, shrinkTrace } from "./shrink/shrink.ts";
export type {
  Drift,
  HeapRecordOfRun,
  HeapSeries,
  RunFailure,
  RunFailureKind,
  RunRecord,
  StackOverflowRecord,
  StackRecordOfRun,
  TaskRecordOfRun,
  Verdict,
} from "./soak/record.ts";
export type { HeapView, Rewind, RewoundOperation } from "./soak/rewind.ts";
export {
  type HeapGlance,
  SoakInterrupted,
  type SoakOptions,
  type SoakProgress,
  type SoakRun,
  soak,
} from "./soak/soak.ts";
export { FINDINGS, type Finding, type FindingKind } from "./trace/findings.ts";
export { type ReplayRequest, replayTrace } from "./trace/replay.ts";
export type { ReplayResult } from "./trace/replay-result.ts";
export { verifyTrace } from "./trace/verify.ts";
export type { Snapshot } from "./wasm/engine.ts";
export { type FaultKind, type FaultRecord, GuestFault } from "./wasm/guest-fault.ts";
export type { HeapBlock, HeapCounters, HeapFinding, HeapSummary, Region } from "./wasm/heap-record.ts";
