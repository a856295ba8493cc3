import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { heapsoakProgram } from "../../src/cli/program.ts";

/** What `--help` prints on a terminal of 80 columns. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  return text;
}

const program = heapsoakProgram();

describe("the help", () => {
  test("of heapsoak is the text on file", async () => {
    await expect(helpOf(heapsoakProgram())).toMatchFileSnapshot("help/heapsoak.txt");
  });

  test.each(program.commands.map((command) => [command.name(), command] as const))(
    "of %s is the text on file",
    async (name, command) => {
      await expect(helpOf(command)).toMatchFileSnapshot(`help/${name}.txt`);
    },
  );

  test.each(program.commands.map((command) => [command.name(), command] as const))(
    "of %s shows examples and exit codes",
    (_, command) => {
      const help = helpOf(command);
      expect(help).toContain(`$ heapsoak ${command.name()}`);
      expect(help).toMatch(/^Exit codes: 0 /m);
    },
  );
});
