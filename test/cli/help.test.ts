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

/** Every command below this one, with the words that call it. */
function commandsOf(parent: Command, words: readonly string[] = []): (readonly [string, Command])[] {
  return parent.commands.flatMap((command) => {
    const called = [...words, command.name()];
    return [[called.join(" "), command] as const, ...commandsOf(command, called)];
  });
}

const COMMANDS = commandsOf(heapsoakProgram());

describe("the help", () => {
  test("of heapsoak is the text on file", async () => {
    await expect(helpOf(heapsoakProgram())).toMatchFileSnapshot("help/heapsoak.txt");
  });

  test.each(COMMANDS)("of %s is the text on file", async (name, command) => {
    await expect(helpOf(command)).toMatchFileSnapshot(`help/${name.replaceAll(" ", "-")}.txt`);
  });

  test.each(COMMANDS)("of %s shows examples and exit codes", (name, command) => {
    const help = helpOf(command);
    expect(help).toContain(`$ heapsoak ${name}`);
    expect(help).toMatch(/^Exit codes: 0 /m);
  });
});
