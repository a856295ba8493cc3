import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadSerialport } from "../../src/board/link/serial-port.ts";
import { linkOptions, type PortFlags, withPortOptions } from "../../src/cli/board-options.ts";

const DIST = fileURLToPath(new URL("../../dist/src/", import.meta.url));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function node(...args: string[]): Promise<Run> {
  return promisify(execFile)(process.execPath, args).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout, err: stderr }),
  );
}

const heapsoak = (...args: string[]) => node(`${DIST}main.js`, ...args);

describe("heapsoak board", () => {
  test("shows its help and fails where no command is given", async () => {
    const { code, out, err } = await heapsoak("board");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^Usage: heapsoak board /);
  });

  test("asks back for a command that it does not have", async () => {
    const { code, err } = await heapsoak("board", "lst");
    expect({ code, err }).toEqual({ code: 2, err: "heapsoak: unknown command 'lst'\n(Did you mean list?)\n" });
  });

  test("lists ports as JSON on any machine", async () => {
    const { code, out, err } = await heapsoak("board", "list", "--json", "-");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ format: "heapsoak.ports", version: 1, ports: expect.any(Array) });
  });

  test("takes no arguments to list", async () => {
    const { code, err } = await heapsoak("board", "list", "ttyUSB0");
    expect(code).toBe(2);
    expect(err).toMatch(/^heapsoak: too many arguments for 'list'/);
  });
});

describe("the options of a port", () => {
  const parse = (...args: string[]) => {
    const command = withPortOptions(new Command("test"))
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    return linkOptions(command.parse(args, { from: "user" }).opts<PortFlags>());
  };

  test("are a path and 115200 baud", () => {
    expect(parse("--port", "/dev/pts/3")).toEqual({ path: "/dev/pts/3", baudRate: 115_200 });
    expect(parse("--port", "COM4", "--baud", "921600")).toEqual({ path: "COM4", baudRate: 921_600 });
  });

  test("need the path", () => {
    expect(() => parse("--baud", "9600")).toThrow("required option '--port <path>' not specified");
  });

  test.each(["0", "49", "20000001", "fast", "9600.5", "-9600", ""])("refuse %j baud", (baud) => {
    expect(() => parse("--port", "COM4", `--baud=${baud}`)).toThrow(
      `--baud: got "${baud}", expected a whole number from 50 to 20000000.`,
    );
  });
});

describe("the package serialport", () => {
  afterEach(() => {
    vi.doUnmock("serialport");
    vi.resetModules();
  });

  test("is not loaded by commands that need no port", async () => {
    const script = `
      import Module from "node:module";
      const { heapsoakProgram } = await import(${JSON.stringify(`file://${DIST}cli/program.js`)});
      heapsoakProgram();
      const loaded = () => Object.keys(Module._cache).filter((path) => path.includes("serialport")).length;
      const before = loaded();
      await heapsoakProgram().parseAsync(["board", "list", "--json", "-"], { from: "user" });
      console.error(before, loaded() > 0);`;
    const { err } = await node("--input-type=module", "-e", script);
    expect(err).toBe("0 true\n");
  });

  test("is missed in words where its native part does not load", async () => {
    vi.doMock("serialport", () => {
      throw new Error("No native build was found for platform=plan9");
    });
    await expect(loadSerialport()).rejects.toMatchObject({
      code: "port-unusable",
      message: expect.stringContaining("Serial ports cannot be used on this machine"),
      hint: expect.stringContaining("npm rebuild serialport"),
    });
  });
});
