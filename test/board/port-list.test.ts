import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { devicePorts, listPorts } from "../../src/board/link/port-list.ts";
import { HeapsoakError } from "../../src/errors.ts";
import { portListText } from "../../src/report/port-text.ts";

/** /dev and /sys of a machine with an adapter, a board and a UART that is only a number. */
function machine(...devices: string[]) {
  const root = mkdtempSync(join(tmpdir(), "heapsoak-ports-"));
  const put = (path: string, text = "") => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const name of devices) put(`dev/${name}`);
  const link = (path: string, target: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  };
  return { folders: { dev: join(root, "dev"), sys: join(root, "sys") }, root, put, link };
}

const NO_UDEV = async () => {
  throw new Error("spawn udevadm ENOENT");
};

describe.skipIf(process.platform === "win32")("the ports of a machine without udev", () => {
  const { folders, root, put, link } = machine(
    "ttyUSB10",
    "ttyUSB2",
    "ttyACM0",
    "ttyS0",
    "ttyS1",
    "tty1",
    "null",
    "ptmx",
  );
  put("sys/class/tty/ttyS0/type", "4\n");
  put("sys/class/tty/ttyS1/type", "0\n");
  for (const [name, text] of Object.entries({
    idVendor: "0483",
    idProduct: "374b",
    manufacturer: "STMicroelectronics",
    product: "STM32 STLink",
    serial: "066CFF57",
  })) {
    put(`sys/devices/usb1/1-2/${name}`, `${text}\n`);
  }
  put("sys/devices/usb1/1-2/1-2:1.2/interface");
  link("sys/class/tty/ttyACM0/device", "../../../devices/usb1/1-2/1-2:1.2");
  link("dev/serial/by-id/usb-ST_066CFF57-if02", "../../ttyACM0");

  test("are those that its folders show and that really exist", async () => {
    const { ports } = await listPorts(NO_UDEV, folders);
    const names = ports.map(({ path }) => path.slice(folders.dev.length + 1));
    expect(names).toEqual(["ttyACM0", "ttyS0", "ttyUSB2", "ttyUSB10"]);
  });

  test("come with what the kernel knows of the USB device, and the path that stays", async () => {
    const [board, uart] = await devicePorts(folders);
    expect(board).toEqual({
      path: join(folders.dev, "ttyACM0"),
      manufacturer: "STMicroelectronics",
      product: "STM32 STLink",
      serialNumber: "066CFF57",
      vendorId: "0483",
      productId: "374b",
      stablePath: join(root, "dev/serial/by-id/usb-ST_066CFF57-if02"),
    });
    expect(uart).toEqual({ path: join(folders.dev, "ttyS0") });
  });

  test("come with the reason why the system did not list them", async () => {
    const list = await listPorts(NO_UDEV, folders);
    expect(list.remark).toContain("(spawn udevadm ENOENT)");
    expect(portListText(list)).toMatch(
      /^ +MANUFACTURER +PRODUCT +SERIAL NUMBER +USB ID +STAYS THE SAME\n.*ttyACM0 +STMicroelectronics +STM32 STLink +066CFF57 +0483:374b +\S+-if02\n/,
    );
  });

  test("are none where there is no such folder", async () => {
    const none = { dev: join(root, "nothing"), sys: join(root, "nothing") };
    expect(await devicePorts(none)).toEqual([]);
  });
});

describe("the list of ports", () => {
  const { folders } = machine();

  test("is the system's where there is one", async () => {
    const port = { path: "COM3", manufacturer: "wch.cn", serialNumber: undefined, vendorId: "1A86", productId: "7523" };
    expect(await listPorts(async () => [port], folders)).toEqual({
      ports: [{ path: "COM3", manufacturer: "wch.cn", vendorId: "1A86", productId: "7523" }],
    });
  });

  test("fails where serialport itself cannot be loaded", async () => {
    const failing = async () => {
      throw new HeapsoakError("port-unusable", "no binding");
    };
    await expect(listPorts(failing, folders)).rejects.toMatchObject({ code: "port-unusable" });
  });

  test("says what to do where there are none, and that ptys are not in it", () => {
    const text = portListText({ ports: [] });
    expect(text).toContain("No serial port was found.");
    expect(text).toContain("--port takes it");
  });

  test("is paths alone where nothing else is known", () => {
    expect(portListText({ ports: [{ path: "/dev/ttyS0" }] })).toBe("/dev/ttyS0\n");
  });

  test("makes what a USB device says of itself harmless", () => {
    const text = portListText({ ports: [{ path: "/dev/ttyACM0", manufacturer: "\u001b]0;evil\u0007\nACME" }] });
    expect(text).toContain("\\x1b]0;evil\\x07 ACME");
    expect(text.split("\n")).toHaveLength(3);
  });
});
