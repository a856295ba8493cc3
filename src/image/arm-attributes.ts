import { zeroEnded } from "./elf-text.ts";

/**
 * The build attributes an Arm compiler leaves in `.ARM.attributes`: tags (ULEB128) with values that are a
 * ULEB128 or a zero-ended text, in a "file" subsection of the vendor "aeabi".
 *
 *   'A' │ length │ "aeabi\0" │ 1 (file) │ length │ tag value tag value …
 *
 * Source: Addenda to the ABI for the Arm Architecture, section 3.
 */
export interface ArmAttributes {
  /** Tag_CPU_arch. */
  readonly architecture: number | undefined;
  /** Tag_CPU_name, such as `Cortex-M4`. */
  readonly cpuName: string | undefined;
  /** Tag_FP_arch is not 0: the code may use floating-point registers. */
  readonly floatingPoint: boolean;
}

enum Tag {
  File = 1,
  CpuRawName = 4,
  CpuName = 5,
  Architecture = 6,
  FloatingPoint = 10,
  Compatibility = 32,
}

/** Reads the attributes; what is damaged or unknown ends the reading, never throws. */
export function readArmAttributes(section: Uint8Array): ArmAttributes {
  const values = new Map<number, number>();
  let cpuName: string | undefined;
  let at = fileSubsection(section);
  while (at !== undefined && at < section.length) {
    const tag = uleb(section, at);
    if (!tag) break;
    at = tag.next;
    if (tag.value === Tag.Compatibility) at = uleb(section, at)?.next ?? section.length;
    if (isText(tag.value)) {
      const value = zeroEnded(section, at, 256);
      if (value === undefined) break;
      if (tag.value === Tag.CpuName) cpuName = value;
      at += Buffer.byteLength(value) + 1;
    } else {
      const value = uleb(section, at);
      if (!value) break;
      values.set(tag.value, value.value);
      at = value.next;
    }
  }
  return {
    architecture: values.get(Tag.Architecture),
    cpuName,
    floatingPoint: (values.get(Tag.FloatingPoint) ?? 0) !== 0,
  };
}

/** Offset of the first attribute, or undefined when the section is not what it should be. */
function fileSubsection(section: Uint8Array): number | undefined {
  const isAeabi = section[0] === 0x41 && zeroEnded(section, 5, 16) === "aeabi";
  return isAeabi && section[11] === Tag.File ? 16 : undefined;
}

function isText(tag: number): boolean {
  return (
    tag === Tag.CpuRawName ||
    tag === Tag.CpuName ||
    tag === Tag.Compatibility ||
    (tag > Tag.Compatibility && tag % 2 === 1)
  );
}

function uleb(bytes: Uint8Array, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  return undefined;
}
