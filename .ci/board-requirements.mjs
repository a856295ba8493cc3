/**
 * node .ci/board-requirements.mjs: prints the packages that the tests with a virtual board miss here, if any.
 * Those tests run it as well, before all others: they end with a message, and are never skipped.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Commands that must succeed, and the packages of Debian that bring them. */
const COMMANDS = [
  [["arm-none-eabi-gcc", "--version"], "gcc-arm-none-eabi"],
  [["qemu-system-arm", "--version"], "qemu-system-arm"],
  [["socat", "-V"], "socat"],
  [["make", "--version"], "make"],
  [["cc", "--version"], "gcc libc6-dev"],
];

/** The C library is no command: the compiler finds its headers and both its builds, or not. */
const NEWLIB_PACKAGE = "libnewlib-arm-none-eabi";
const PROGRAM = "#include <stdlib.h>\nint main(void) { return malloc(1) == 0; }\n";
const COMPILE = ["-mcpu=cortex-m3", "-mthumb", "--specs=nosys.specs", "-w", "-x", "c", "-", "-o", "/dev/null"];

export function missingPackages() {
  const missing = COMMANDS.filter(([command]) => !works(command)).map(([, packageName]) => packageName);
  const links = (specs) => works(["arm-none-eabi-gcc", ...specs, ...COMPILE], PROGRAM);
  return links([]) && links(["--specs=nano.specs"]) ? missing : [...missing, NEWLIB_PACKAGE];
}

/** What to say of them. */
export function remedy(missing) {
  return `The tests with a virtual board need what is missing here. On Debian or Ubuntu:\n  apt-get install ${missing.join(" ")}`;
}

/** vitest's global set-up. */
export default function setup() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  console.error(remedy(missing));
  process.exit(2);
}

function works([command, ...args], input = "") {
  return spawnSync(command, args, { input, stdio: ["pipe", "ignore", "ignore"] }).status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(missingPackages().join(" "));
