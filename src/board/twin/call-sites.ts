import { type Elf, readElf } from "../../image/elf.ts";
import { formatAddress } from "../../quantities.ts";
import { UNKNOWN_SITE } from "../wire/protocol.ts";

/** Return addresses as engineers read them: `parse_topic+0x1a`. */
export class CallSites {
  readonly #elf: Elf | undefined;
  readonly #named = new Map<number, string>();

  /** `elf` is the firmware's; without it addresses stay addresses. */
  constructor(elf?: Elf) {
    this.#elf = elf;
  }

  /** Of an ELF file's bytes. Throws `bad-elf`. */
  static of(bytes: Uint8Array, file: string): CallSites {
    return new CallSites(readElf(bytes, file));
  }

  /**
   * The function that called and how far into it the return address lies, or the address. Thumb's low bit is no part
   * of it. A call that does not come back may be a function's last instruction: what lies behind it is another's.
   */
  name(site: number): string {
    if (site === UNKNOWN_SITE) return "(unknown)";
    const known = this.#named.get(site);
    if (known !== undefined) return known;
    const name = this.#lookUp(site);
    if (this.#named.size < NAMES_MOST) this.#named.set(site, name);
    return name;
  }

  #lookUp(site: number): string {
    const address = site - (site % 2);
    const found = this.#elf?.symbols.at(address - 1);
    if (found?.symbol.kind !== "function") return formatAddress(site);
    return `${found.symbol.name.slice(0, NAME_MOST)}+0x${(found.offset + 1).toString(16)}`;
  }
}

/** Names that are kept; a board may claim any number of sites. */
const NAMES_MOST = 4096;
const NAME_MOST = 60;
