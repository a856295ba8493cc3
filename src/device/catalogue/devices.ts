import { closest, HeapsoakError } from "../../errors.ts";
import type { DeviceDescription } from "../description.ts";
import { espressif } from "./espressif.ts";
import { microchip } from "./microchip.ts";
import { nordic } from "./nordic.ts";
import { nxpAndArm } from "./nxp-arm.ts";
import { raspberryPi } from "./raspberry-pi.ts";
import { stm32CortexM, stm32Large } from "./st.ts";

/** Every device heapsoak knows by name, by vendor. */
export const deviceCatalogue: readonly DeviceDescription[] = [
  ...stm32CortexM,
  ...stm32Large,
  ...nordic,
  ...raspberryPi,
  ...espressif,
  ...microchip,
  ...nxpAndArm,
];

/** The device called `id`: an id, an alias or an STM32 order code, without regard to case and separators. */
export function lookUpDevice(id: string): DeviceDescription | undefined {
  const wanted = plain(id);
  const named = deviceCatalogue.find((device) => namesOf(device).some((name) => plain(name) === wanted));
  return named ?? deviceCatalogue.find((device) => isOrderCode(wanted, device.id));
}

/** The device called `id`. Throws `unknown-device` with what was probably meant. */
export function findDevice(id: string): DeviceDescription {
  const device = lookUpDevice(id);
  if (device) return device;
  const meant = closest(id, deviceCatalogue.flatMap(namesOf));
  const hint = meant
    ? `Did you mean ${meant}?`
    : "`heapsoak devices` lists them; any other device can be described in a file.";
  const shown = id.length > 60 ? `${id.slice(0, 60)}…` : id;
  throw new HeapsoakError("unknown-device", `There is no device called "${shown}" in the catalogue.`, { hint });
}

function namesOf(device: DeviceDescription): string[] {
  return [device.id, ...(device.aliases ?? [])];
}

/** STM32F407VGT6 and STM32F407VGT6TR are the STM32F407VG in a package, a temperature range and a reel. */
function isOrderCode(wanted: string, id: string): boolean {
  return id.startsWith("stm32") && wanted.startsWith(id) && /^[a-z]\d[a-z]{0,2}$/.test(wanted.slice(id.length));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, "");
}
