import type { PortDescription, PortList } from "../board/link/port-list.ts";
import { printable } from "../errors.ts";
import { tableLines } from "./table.ts";

const NO_PORTS = `No serial port was found.

- Plug the board in with a USB cable that carries data (many only charge), or through a USB-to-serial adapter.
- On Linux \`dmesg | tail\` tells whether the kernel has seen it; in a virtual machine or container, hand the device on to it.
- A pty, or a link to a port, is never listed, but --port takes it: --port /dev/pts/3.
`;

/** The page of `heapsoak board list`. What a USB device says of itself is made harmless for a terminal. */
export function portListText({ ports, remark }: PortList): string {
  const body = ports.length === 0 ? NO_PORTS : `${portTable(ports).join("\n")}\n`;
  return printable(remark === undefined ? body : `${body}\n${remark}\n`);
}

function portTable(ports: readonly PortDescription[]): string[] {
  const rows = ports.map((port) => ({
    title: port.path,
    cells: [port.manufacturer, port.product, port.serialNumber, usbIds(port), port.stablePath].map(oneLine),
  }));
  const heads = ["MANUFACTURER", "PRODUCT", "SERIAL NUMBER", "USB ID", "STAYS THE SAME"];
  const filled = heads.map((_, column) => rows.some(({ cells }) => cells[column]));
  if (!filled.includes(true)) return rows.map(({ title }) => title);
  const kept = <T>(cells: readonly T[]) => cells.filter((_, column) => filled[column]);
  return tableLines(
    kept(heads),
    rows.map(({ title, cells }) => ({ title, cells: kept(cells) })),
    "left",
  );
}

function usbIds({ vendorId, productId }: PortDescription): string | undefined {
  return vendorId === undefined ? undefined : `${vendorId}:${productId ?? "?"}`;
}

/** Control characters would shift columns. */
function oneLine(text: string | undefined): string | undefined {
  return text === undefined ? undefined : printable(text).replaceAll(/\s+/g, " ");
}
