/** Snapshots of one machine, kept as what differs from its first: a hunt keeps thousands. */
import type { MachineSnapshot } from "../../wasm/soak-machine.ts";

const CHUNK_BYTES = 512;

/** The chunks that differ, by their offsets in the snapshot's bytes. */
export interface PackedSnapshot {
  readonly shape: Omit<MachineSnapshot, "device"> & { readonly device: Omit<MachineSnapshot["device"], "bytes"> };
  readonly totalBytes: number;
  readonly offsets: Uint32Array;
  readonly chunks: Uint8Array;
}

export class SnapshotPacker {
  readonly #base: Map<number, Uint8Array>;
  #reuse: Uint8Array | undefined;

  /** `base` is the snapshot that all others resemble; its bytes are not kept apart. */
  constructor(base: MachineSnapshot) {
    this.#base = new Map(rangesOf(base).map(({ low, bytes }) => [low, bytes.slice()]));
  }

  pack(snapshot: MachineSnapshot): PackedSnapshot {
    const { device, ...rest } = snapshot;
    const { bytes, ...shape } = device;
    const offsets: number[] = [];
    let offset = 0;
    for (const range of rangesOf(snapshot)) {
      const changed = differingChunks(bufferOf(range.bytes), bufferOf(this.#base.get(range.low) ?? NOTHING));
      for (const at of changed) offsets.push(offset + at);
      offset += range.bytes.length;
    }
    const chunks = new Uint8Array(offsets.length * CHUNK_BYTES);
    for (const [index, from] of offsets.entries()) {
      chunks.set(bytes.subarray(from, from + CHUNK_BYTES), index * CHUNK_BYTES);
    }
    return { shape: { ...rest, device: shape }, totalBytes: bytes.length, offsets: Uint32Array.from(offsets), chunks };
  }

  /** The snapshot as it was. Its bytes are overwritten by the next call. */
  unpack({ shape, totalBytes, offsets, chunks }: PackedSnapshot): MachineSnapshot {
    if (this.#reuse?.length !== totalBytes) this.#reuse = new Uint8Array(totalBytes);
    const bytes = this.#reuse;
    const snapshot = { ...shape, device: { ...shape.device, bytes } };
    for (const { low, bytes: range } of rangesOf(snapshot)) {
      range.set(this.#base.get(low)?.subarray(0, range.length) ?? []);
    }
    for (const [index, offset] of offsets.entries()) {
      const from = index * CHUNK_BYTES;
      bytes.set(chunks.subarray(from, Math.min(from + CHUNK_BYTES, from + totalBytes - offset)), offset);
    }
    return snapshot;
  }
}

/** Bytes that a packed snapshot takes. */
export function packedBytes({ chunks, offsets }: PackedSnapshot): number {
  return chunks.byteLength + offsets.byteLength;
}

function rangesOf({ device: { ranges, bytes } }: Pick<MachineSnapshot, "device">) {
  let offset = 0;
  return ranges.map(([low, high]) => {
    const range = bytes.subarray(offset, offset + high - low);
    offset += high - low;
    return { low, bytes: range };
  });
}

const NOTHING = new Uint8Array(0);

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** Offsets of the chunks that differ, found by halving: most of a device does not change. */
function differingChunks(bytes: Buffer, like: Buffer): number[] {
  const offsets: number[] = [];
  const look = (from: number, chunks: number) => {
    const end = Math.min(from + chunks * CHUNK_BYTES, bytes.length);
    if (end <= like.length && bytes.compare(like, from, end, from, end) === 0) return;
    if (chunks === 1) {
      offsets.push(from);
      return;
    }
    const half = chunks >>> 1;
    look(from, half);
    if (from + half * CHUNK_BYTES < bytes.length) look(from + half * CHUNK_BYTES, chunks - half);
  };
  if (bytes.length > 0) look(0, Math.ceil(bytes.length / CHUNK_BYTES));
  return offsets;
}
