/** Builds small 32-bit little-endian ELF files, with every table where a linker would put it. */
export interface BuiltSection {
  readonly name: string;
  readonly type?: number;
  readonly flags?: number;
  readonly low?: number;
  /** Contents, or the size of a section without contents (.bss). */
  readonly contents?: Uint8Array;
  readonly bytes?: number;
  readonly link?: number;
  readonly entryBytes?: number;
}
export interface BuiltSegment {
  readonly low: number;
  readonly contents: Uint8Array;
  readonly bytes?: number;
  readonly flags?: number;
}
export interface BuiltSymbol {
  readonly name: string;
  readonly value: number;
  readonly bytes?: number;
  /** 0 plain, 1 object, 2 function. */
  readonly kind?: number;
  readonly section?: number;
}
export interface ElfPlan {
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number;
  readonly segments?: readonly BuiltSegment[];
  readonly sections?: readonly BuiltSection[];
  readonly symbols?: readonly BuiltSymbol[];
}

export const ALLOC = 2;
export const WRITE = 1;
export const EXEC = 4;
const PROGBITS = 1;
const SYMTAB = 2;
const STRTAB = 3;
const NOBITS = 8;

export function buildElf(plan: ElfPlan): Uint8Array {
  const parts: Uint8Array[] = [new Uint8Array(52)];
  let offset = 52;
  const append = (bytes: Uint8Array): number => {
    const at = offset;
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    parts.push(padded);
    offset += padded.length;
    return at;
  };
  const segments = plan.segments ?? [];
  const segmentTable = segments.map(({ low, contents, bytes, flags }) => {
    return words([1, append(contents), low, low, contents.length, bytes ?? contents.length, flags ?? 6, 4]);
  });
  const sections = [{ name: "", type: 0 }, ...(plan.sections ?? []), ...symbolSections(plan)];
  const names = stringTable([...sections.map(({ name }) => name), ".shstrtab"]);
  const sectionTable = [...sections, { name: ".shstrtab", type: STRTAB, contents: names.bytes } as BuiltSection].map(
    (section) => {
      const bytes = section.contents?.length ?? section.bytes ?? 0;
      const at = section.contents ? append(section.contents) : 0;
      const type = section.type ?? (section.contents ? PROGBITS : NOBITS);
      return words([
        names.offset(section.name),
        type,
        section.flags ?? 0,
        section.low ?? 0,
        at,
        bytes,
        section.link ?? 0,
        0,
        4,
        section.entryBytes ?? 0,
      ]);
    },
  );
  const segmentOffset = segmentTable.length > 0 ? append(join(segmentTable)) : 0;
  const sectionOffset = append(join(sectionTable));
  writeHeader(parts[0] as Uint8Array, plan, {
    segmentOffset,
    segments: segmentTable.length,
    sectionOffset,
    sections: sectionTable.length,
  });
  return join(parts);
}

function symbolSections(plan: ElfPlan): BuiltSection[] {
  if (!plan.symbols) return [];
  const index = 1 + (plan.sections?.length ?? 0);
  const names = stringTable(plan.symbols.map(({ name }) => name));
  const entries = plan.symbols.map(({ name, value, bytes, kind, section }) => {
    return words([names.offset(name), value, bytes ?? 0, (0x10 | (kind ?? 0)) + (section ?? 1) * 65536]);
  });
  return [
    {
      name: ".symtab",
      type: SYMTAB,
      contents: join([new Uint8Array(16), ...entries]),
      link: index + 1,
      entryBytes: 16,
    },
    { name: ".strtab", type: STRTAB, contents: names.bytes },
  ];
}

function writeHeader(
  header: Uint8Array,
  plan: ElfPlan,
  tables: { segmentOffset: number; segments: number; sectionOffset: number; sections: number },
): void {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, plan.type ?? 2, true);
  view.setUint16(18, plan.machine ?? 40, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, plan.entry ?? 0, true);
  view.setUint32(28, tables.segmentOffset, true);
  view.setUint32(32, tables.sectionOffset, true);
  for (const [index, value] of [52, 32, tables.segments, 40, tables.sections, tables.sections - 1].entries()) {
    view.setUint16(40 + index * 2, value, true);
  }
}

function stringTable(names: readonly string[]): { bytes: Uint8Array; offset(name: string): number } {
  const text = `\0${names.join("\0")}\0`;
  return { bytes: Buffer.from(text), offset: (name) => (name === "" ? 0 : text.indexOf(`\0${name}\0`) + 1) };
}

function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value >>> 0, true);
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A program as STM32CubeIDE links it: code in flash, data, bss with a heap array, and room for heap and stack. */
export function cubeProgram(changes: Partial<ElfPlan> = {}): Uint8Array {
  return buildElf({
    entry: 0x08000101,
    segments: [
      { low: 0x08000000, contents: new Uint8Array(256).fill(0xaa), flags: 5 },
      { low: 0x20000000, contents: new Uint8Array(16).fill(0x11), bytes: 0x100 },
    ],
    sections: [
      { name: ".text", flags: ALLOC | EXEC, low: 0x08000000, contents: new Uint8Array(256).fill(0xaa) },
      { name: ".data", flags: ALLOC | WRITE, low: 0x20000000, contents: new Uint8Array(16).fill(0x11) },
      { name: ".bss", flags: ALLOC | WRITE, low: 0x20000010, bytes: 0x3000 },
      { name: "._user_heap_stack", flags: ALLOC | WRITE, low: 0x20003010, bytes: 0x600 },
    ],
    symbols: [
      { name: "main", value: 0x08000041, bytes: 32, kind: 2 },
      { name: "Reset_Handler", value: 0x08000001, bytes: 64, kind: 2 },
      { name: "ucHeap", value: 0x20000100, bytes: 0x2000, kind: 1, section: 3 },
      { name: "_estack", value: 0x20020000 },
      { name: "_end", value: 0x20003010, section: 3 },
      { name: "_Min_Stack_Size", value: 0x400, section: 0xfff1 },
    ],
    ...changes,
  });
}
