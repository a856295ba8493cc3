import { CORES, type Core } from "./description.ts";

/** Core names as vendors write them, without hyphens and case: what architecture they are and how they are spelt. */
const NAMED_CORES: Readonly<Record<string, { core: Core; coreName: string }>> = {
  cortexm0: { core: "armv6-m", coreName: "Cortex-M0" },
  "cortexm0+": { core: "armv6-m", coreName: "Cortex-M0+" },
  cortexm0plus: { core: "armv6-m", coreName: "Cortex-M0+" },
  cortexm1: { core: "armv6-m", coreName: "Cortex-M1" },
  cortexm3: { core: "armv7-m", coreName: "Cortex-M3" },
  cortexm4: { core: "armv7e-m", coreName: "Cortex-M4" },
  cortexm4f: { core: "armv7e-m", coreName: "Cortex-M4F" },
  cortexm7: { core: "armv7e-m", coreName: "Cortex-M7" },
  cortexm7f: { core: "armv7e-m", coreName: "Cortex-M7F" },
  cortexm23: { core: "armv8-m-base", coreName: "Cortex-M23" },
  cortexm33: { core: "armv8-m-main", coreName: "Cortex-M33" },
  cortexm33f: { core: "armv8-m-main", coreName: "Cortex-M33F" },
  cortexm55: { core: "armv8-m-main", coreName: "Cortex-M55" },
  cortexm85: { core: "armv8-m-main", coreName: "Cortex-M85" },
};

const ARCHITECTURE_NAMES: Readonly<Record<Core, string>> = {
  "armv6-m": "Armv6-M",
  "armv7-m": "Armv7-M",
  "armv7e-m": "Armv7E-M",
  "armv8-m-base": "Armv8-M Baseline",
  "armv8-m-main": "Armv8-M Mainline",
  avr: "AVR",
  riscv: "RISC-V",
  xtensa: "Xtensa",
};

/** Names accepted for a core, for messages and suggestions. */
export const CORE_NAMES: readonly string[] = [
  ...CORES,
  ...new Set(Object.values(NAMED_CORES).map(({ coreName }) => coreName.toLowerCase())),
];

/** The core called `name`: an architecture (`armv7e-m`) or a product (`Cortex-M4F`). Undefined if unknown. */
export function parseCore(name: string): { core: Core; coreName: string } | undefined {
  const wanted = name.toLowerCase().trim();
  const core = CORES.find((candidate) => candidate === wanted);
  if (core) return { core, coreName: ARCHITECTURE_NAMES[core] };
  const plain = wanted.replaceAll(/[\s_-]/g, "");
  return Object.hasOwn(NAMED_CORES, plain) ? NAMED_CORES[plain] : undefined;
}

/** The architecture's name for people. */
export function architectureName(core: Core): string {
  return ARCHITECTURE_NAMES[core];
}
