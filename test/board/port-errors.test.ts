import { describe, expect, test } from "vitest";
import { portError } from "../../src/board/link/port-errors.ts";

const PORTS = ["/dev/ttyACM0", "/dev/ttyUSB0"];
const explain = (words: string, platform: NodeJS.Platform = "linux", path = "/dev/ttyUSB0", ports = PORTS) =>
  portError(path, new Error(words), { ports, platform });

describe("the error of a port", () => {
  test.each([
    ["Error: No such file or directory, cannot open /dev/ttyUSB0", "linux", "port-missing"],
    ["Error: No such device or address, cannot open /dev/ttyUSB0", "linux", "port-missing"],
    ["Opening COM3: File not found", "win32", "port-missing"],
    ["Error: Permission denied, cannot open /dev/ttyUSB0", "linux", "port-denied"],
    ["EACCES: permission denied, stat '/root/tty'", "linux", "port-denied"],
    ["Error Resource temporarily unavailable Cannot lock port", "linux", "port-busy"],
    ["Error: Device or resource busy, cannot open /dev/ttyUSB0", "linux", "port-busy"],
    ["Opening COM3: Access denied", "win32", "port-busy"],
    ["Error: Inappropriate ioctl for device setting custom baud rate of 115200", "linux", "port-unusable"],
    ["Error: Input/output error, cannot open /dev/ttyS3", "linux", "port-unusable"],
    ["Opening COM3: Unknown error code 31", "win32", "port-unusable"],
  ] as const)("of %j on %s is %s", (words, platform, code) => {
    const error = explain(words, platform);
    expect(error.code).toBe(code);
    expect(error.hint).toMatch(/\.$/);
  });

  test("names the group that may open ports on Linux", () => {
    const { message, hint } = explain("Error: Permission denied, cannot open /dev/ttyUSB0");
    expect(message).toBe("/dev/ttyUSB0: you may not open this port.");
    expect(hint).toContain("sudo usermod -aG dialout $USER");
    expect(explain("Permission denied", "darwin").hint).toContain("/dev/cu.*");
  });

  test("says who usually has a port open, and how to see it", () => {
    const busy = "Error Resource temporarily unavailable Cannot lock port";
    expect(explain(busy).hint).toMatch(/another heapsoak.*ModemManager.*fuser -v \/dev\/ttyUSB0.*lsof/s);
    expect(explain(busy, "darwin").hint).not.toContain("ModemManager");
    expect(explain("Opening COM3: Access denied", "win32").hint).not.toContain("lsof");
  });

  test("lists the ports that exist, the nearest first", () => {
    const missing = "Error: No such file or directory, cannot open";
    expect(explain(missing, "linux", "/dev/ttyUSB1").hint).toBe(
      "Did you mean /dev/ttyUSB0? Ports here: /dev/ttyACM0, /dev/ttyUSB0.",
    );
    expect(explain(missing, "win32", "COM3", ["COM4"]).hint).toBe("Did you mean COM4? Ports here: COM4.");
    expect(explain(missing, "linux", "/tmp/board").hint).toBe("Ports here: /dev/ttyACM0, /dev/ttyUSB0.");
    expect(explain(missing, "linux", "x", []).hint).toContain("No serial port was found here at all");
    const many = Array.from({ length: 32 }, (_, index) => `/dev/ttyS${index}`);
    expect(explain(missing, "linux", "/tmp/board", many).hint).toMatch(/ttyS7, and 24 more\.$/);
  });

  test("suspects the baud rate where the driver refuses the settings", () => {
    expect(explain("Error: Invalid argument setting custom baud rate of 12345678").hint).toContain("--baud");
    expect(explain("Open (SetCommState): The parameter is incorrect", "win32").hint).toContain("--baud");
  });

  test("makes a hostile path harmless", () => {
    expect(explain("No such file", "linux", "/dev/\u001b[2Jtty").message).not.toContain("\u001b");
  });
});
