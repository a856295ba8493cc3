import { stat } from "node:fs/promises";
import { Command } from "commander";
import { HeapsoakError } from "../errors.ts";
import { readLimited } from "../files.ts";
import { CONFIG_BYTES_MOST } from "../init/configuration.ts";
import { type InitRequest, type InputFile, initScenario } from "../init/init.ts";
import { parseRange, parseSize } from "../quantities.ts";
import { initText } from "../report/init-text.ts";
import { recordJson } from "../report/record-json.ts";
import { collect } from "./arguments.ts";
import { paintFor } from "./colors.ts";
import { refuseUnwritable, writeWhole } from "./record-file.ts";
import { isSameFile } from "./trace-output.ts";

interface InitOptions {
  readonly elf?: string;
  readonly map?: string;
  readonly config?: readonly string[];
  readonly device?: string;
  readonly allocator?: string;
  readonly heap?: string;
  readonly out: string;
  readonly force?: boolean;
  readonly json?: string;
}

const EXAMPLES = `
What the files show is written with its source: static data by bank, heaps with their allocators, stacks, guards,
tasks. What they do not show is left to be filled in, and said; nothing is made up. The ELF file counts where the
configuration says otherwise.

Examples:
  From an ELF file to the first soak:
    $ heapsoak init --elf build/app.elf --device stm32f407vg --out app.yaml
    $ heapsoak check app.yaml
    $ heapsoak run app.yaml
  With the configuration, which says how stacks are guarded:
    $ heapsoak init --elf app.elf --config FreeRTOSConfig.h --device stm32f407vg --out app.yaml
  ESP-IDF and Zephyr, whose configuration names the device:
    $ heapsoak init --elf build/app.elf --config sdkconfig --out app.yaml
    $ heapsoak init --elf build/zephyr/zephyr.elf --config build/zephyr/.config --out app.yaml
  Where the files do not show allocator and heap:
    $ heapsoak init --elf stripped.elf --device stm32f407vg --allocator freertos-heap4 --heap 40KiB --out app.yaml

Exit codes: 0 written, 2 bad input, or what was found fits no device; then nothing is written.`;

/** `heapsoak init`: a scenario's skeleton from a firmware's files. */
export function initCommand(): Command {
  return new Command("init")
    .summary("begin a scenario from a firmware's ELF file, map and configuration")
    .description(
      "Writes a scenario to be filled in, with the real memory layout, allocators, stacks and tasks of a firmware, and where each was found.",
    )
    .requiredOption("--out <file>", "the scenario; - for standard output")
    .option("--elf <file>", "the linked program: Arm Cortex-M, AVR, RISC-V or Xtensa")
    .option("--map <file>", "the map of GNU ld (-Wl,-Map=FILE)")
    .option("--config <file>", "FreeRTOSConfig.h, sdkconfig, .config or prj.conf; repeatable", collect)
    .option("--device <id>", "the device (see: heapsoak devices), or a device file or linker script")
    .option("--allocator <name>", "the heap's allocator (see: heapsoak allocators)")
    .option("--heap <place>", "the heap's size, or ADDRESS:SIZE")
    .option("--force", "replace the scenario if it is there")
    .option("--json <file>", "write what was found as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(options: InitOptions): Promise<void> {
  const { out, json } = options;
  await refuseOutputs(options);
  const { text, record } = await initScenario(await requestOf(options));
  await writeWhole(out, text);
  if (json !== undefined) await writeWhole(json, recordJson(record));
  if (out === "-" || json === "-") return;
  process.stdout.write(initText(record, paintFor(process.stdout)));
}

/** A scenario that somebody has filled in is not replaced unasked, nor is anything that is read. */
async function refuseOutputs({ out, json, force, elf, map, config = [] }: InitOptions): Promise<void> {
  for (const input of [elf, map, ...config]) {
    if (input === undefined || out === "-") continue;
    if (await isSameFile(input, out)) {
      throw new HeapsoakError("bad-argument", `--out: got "${out}", expected another file than those that are read.`);
    }
  }
  if (json !== undefined && json === out) {
    throw new HeapsoakError("bad-argument", `--json: got "${json}", expected another file than --out has.`);
  }
  if (out !== "-" && !force && (await exists(out))) {
    throw new HeapsoakError("cannot-write", `${out}: is there already.`, { hint: "--force replaces it." });
  }
  await refuseUnwritable(out);
  if (json !== undefined) await refuseUnwritable(json);
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false; // not there, or not to be seen: writing says what is wrong
  }
}

async function requestOf(options: InitOptions): Promise<InitRequest> {
  const { elf, map, config, device, allocator, heap, out } = options;
  const configs: InputFile[] = [];
  for (const name of config ?? []) configs.push({ name, bytes: await readLimited(name, CONFIG_BYTES_MOST) });
  return {
    out,
    ...(elf !== undefined && { elf: { name: elf, bytes: await readLimited(elf) } }),
    ...(map !== undefined && { map: { name: map, bytes: await readLimited(map) } }),
    ...(configs.length > 0 && { configs }),
    ...(device !== undefined && { device }),
    ...(allocator !== undefined && { allocator }),
    ...(heap !== undefined && { heap: placeOf(heap) }),
  };
}

function placeOf(text: string): { low: number | undefined; bytes: number } {
  if (text.includes(":")) return parseRange(text, "--heap");
  const bytes = parseSize(text, "--heap");
  if (bytes === 0) throw new HeapsoakError("bad-argument", "--heap: got 0, expected a size above 0.");
  return { low: undefined, bytes };
}
