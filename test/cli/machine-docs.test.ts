import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MachineSession } from "./machine-session.ts";

/** A command line as a shell takes it apart: words, and words in quotes. */
function words(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain);
}

interface Shown {
  readonly line: string;
  readonly output: string;
}

/** Commands (`$ esp0 …`) of the console blocks of a page, with what is shown after each. */
function commandsOf(page: string): Shown[] {
  const blocks = Array.from(page.matchAll(/```console\n(.*?)```/gs), ([, block]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [line = "", ...rest] = text.split("\n");
        return { line, output: rest.join("\n") };
      }),
  );
}

describe("docs/machine.md", () => {
  const commands = commandsOf(readFileSync(new URL("../../docs/machine.md", import.meta.url), "utf8"));

  it("shows commands", () => {
    expect(commands.length).toBeGreaterThan(8);
  });

  it("shows what they print", async () => {
    const session = new MachineSession();
    for (const { line, output } of commands) {
      const [command, ...args] = words(line);
      expect(command).toBe("esp0");
      const status = await session.esp0(args);
      const printed = session.errors + session.output + session.io.out;
      session.io.out = "";
      const shown = `${printed.replaceAll("\r\n", "\n")}${status === 0 ? "" : `[exit status ${status}]\n`}`;
      expect(`$ ${line}\n${shown}`).toBe(`$ ${line}\n${output}`);
    }
  });
});
