import { access, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HeapsoakError } from "../../errors.ts";
import { loadSerialport } from "./serial-port.ts";

/** A serial port of this machine, with what is known of it. */
export interface PortDescription {
  readonly path: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serialNumber?: string;
  /** Four hexadecimal digits of USB. */
  readonly vendorId?: string;
  readonly productId?: string;
  /** A path that stays the same when the port is plugged in again. */
  readonly stablePath?: string;
}

export interface PortList {
  readonly ports: readonly PortDescription[];
  /** Why the list may not be complete; missing where the system made it. */
  readonly remark?: string;
}

/** Where Linux shows its devices. */
export interface DeviceFolders {
  readonly dev: string;
  readonly sys: string;
}

const FOLDERS: DeviceFolders = { dev: "/dev", sys: "/sys" };
const PORT_NAMES = /^(tty(USB|ACM|S|AMA|O|THS|XRUSB|mxc|LP)\d+|rfcomm\d+|cu\..+)$/;
/** From the port's folder up to that of the USB device: interface, device, hubs do not come in between. */
const USB_LEVELS_MOST = 4;

type SystemList = () => Promise<readonly SystemPort[]>;

/** What serialport tells of a port. */
interface SystemPort {
  readonly path: string;
  readonly manufacturer?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}

/** The serial ports of this machine, by path. Ptys, and links to them, are never among them. */
export async function listPorts(system: SystemList = systemPorts, folders = FOLDERS): Promise<PortList> {
  try {
    const ports = await system();
    const described = await Promise.all(ports.map((port) => describedPort(port, folders)));
    return { ports: byPath(described.filter((port) => port !== undefined)) };
  } catch (error) {
    if (error instanceof HeapsoakError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return {
      ports: await devicePorts(folders),
      remark: `The system could not be asked for its ports (${why}); this is what ${folders.dev} holds.`,
    };
  }
}

/** The ports that the folders of devices show. */
export async function devicePorts(folders: DeviceFolders = FOLDERS): Promise<readonly PortDescription[]> {
  const names = (await entriesOf(folders.dev)).filter((name) => PORT_NAMES.test(name));
  const ports = names.map((name) => describedPort({ path: join(folders.dev, name) }, folders));
  return byPath((await Promise.all(ports)).filter((port) => port !== undefined));
}

async function systemPorts(): Promise<readonly SystemPort[]> {
  return (await loadSerialport()).SerialPort.list();
}

/** The port with what `sys` adds, or undefined where the kernel only keeps a number for a UART that is not there. */
async function describedPort(port: SystemPort, folders: DeviceFolders): Promise<PortDescription | undefined> {
  const device = join(folders.sys, "class", "tty", basename(port.path));
  if ((await textOf(join(device, "type"))) === "0") return undefined;
  const facts = { ...(await usbFacts(join(device, "device"))), stablePath: await stablePathOf(port.path, folders) };
  const { path, manufacturer, serialNumber, vendorId, productId } = port;
  return { path, ...known({ manufacturer, serialNumber, vendorId, productId, ...known(facts) }) };
}

async function usbFacts(device: string): Promise<Omit<PortDescription, "path">> {
  let folder = await realpath(device).catch(() => undefined);
  for (let level = 0; folder !== undefined && level < USB_LEVELS_MOST; level++) {
    const vendorId = await textOf(join(folder, "idVendor"));
    if (vendorId !== undefined) {
      const at = folder;
      const read = (name: string) => textOf(join(at, name));
      const [productId, manufacturer, product, serialNumber] = await Promise.all(
        ["idProduct", "manufacturer", "product", "serial"].map(read),
      );
      return known({ vendorId, productId, manufacturer, product, serialNumber });
    }
    folder = dirname(folder);
  }
  return {};
}

async function stablePathOf(path: string, { dev }: DeviceFolders): Promise<string | undefined> {
  const folder = join(dev, "serial", "by-id");
  for (const name of await entriesOf(folder)) {
    const target = await readlink(join(folder, name)).catch(() => "");
    if (basename(target) === basename(path)) return join(folder, name);
  }
  return undefined;
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  return access(folder).then(
    () => readdir(folder),
    () => [],
  );
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** Without the fields that nothing is known of. */
function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function byPath(ports: readonly PortDescription[]): readonly PortDescription[] {
  return ports.toSorted((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}
