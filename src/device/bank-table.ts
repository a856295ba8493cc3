import { BankKind } from "../../assembly/memory-map.ts";
import type { MappedBank } from "../wasm/engine.ts";
import { type Bank, type DeviceDescription, homeAddress } from "./description.ts";

/**
 * The device's banks as the engine's access check sees them. Views that reverse the order of words cannot be
 * expressed as a shift of addresses and are left out: an access there faults.
 */
export function mapBanks(device: DeviceDescription): MappedBank[] {
  return device.banks
    .filter((bank) => !bank.aliasOf?.reversed)
    .map((bank) => ({ low: bank.low, bytes: bank.bytes, home: homeAddress(device, bank.low), kind: kindOf(bank) }));
}

function kindOf(bank: Bank): BankKind {
  if (bank.kind === "ram" || bank.kind === "registers") return BankKind.Ram;
  return bank.stores === "ignored" ? BankKind.StoresIgnored : BankKind.ReadOnly;
}
