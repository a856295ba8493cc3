import { Command } from "commander";
import { deviceCatalogue } from "../device/catalogue/devices.ts";
import { resolveDevice } from "../device/resolve.ts";
import { deviceJson, renderDevice, renderDeviceList } from "./devices.ts";
import { writeJson } from "./output.ts";

interface DevicesOptions {
  readonly json?: string;
}

const EXAMPLES = `
Examples:
  $ heapsoak devices
  $ heapsoak devices stm32f407vg
  What a program really leaves of the RAM:
    $ heapsoak devices stm32f407vg+build/firmware.elf

Exit codes: 0 shown, 2 bad input.`;

/** `heapsoak devices`: the catalogue, or one device with its memory map. */
export function devicesCommand(): Command {
  return new Command("devices")
    .summary("list the devices, or show one")
    .description("Lists the devices, or shows one with its memory map.")
    .argument(
      "[id]",
      "an id of the catalogue, or a device file, linker script or ELF; ID+FILE adds what a program takes",
    )
    .option("--json <file>", "write it as JSON; - for standard output")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(id: string | undefined, options: DevicesOptions): Promise<void> {
  const devices = id === undefined ? deviceCatalogue : [await resolveDevice(id)];
  if (options.json !== undefined) {
    await writeJson(options.json, { format: "heapsoak.devices", version: 1, devices: devices.map(deviceJson) });
  }
  if (options.json === "-") return;
  const [only] = devices;
  process.stdout.write(id === undefined || !only ? renderDeviceList(devices) : renderDevice(only));
}
