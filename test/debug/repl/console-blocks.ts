/** Sessions shown in a page of the documentation. */

export interface ShownCommand {
  readonly command: string;
  /** Lines given behind it, up to `end`, at the prompt `>`; they are part of the output too. */
  readonly more: readonly string[];
  readonly output: string;
}

export interface ShownSession {
  /** Behind `esp0 debug`. */
  readonly args: readonly string[];
  readonly commands: readonly ShownCommand[];
}

/** `$ esp0 debug ARGS` begins a session; a block without it goes on with the one before. */
export function sessionsOf(page: string): ShownSession[] {
  const sessions: { args: readonly string[]; commands: ShownCommand[] }[] = [];
  for (const [, block] of page.matchAll(/```console\n(.*?)```/gs)) {
    for (const text of block.split(/^(?=\$ |\(esp0\) )/m)) {
      const [line = "", ...output] = text.split("\n");
      if (line.startsWith("$ esp0 debug ")) sessions.push({ args: line.split(" ").slice(3), commands: [] });
      else if (line.startsWith("(esp0) ")) {
        const more = output.filter((each) => each.startsWith(">")).map((each) => each.slice(1));
        const command = line.slice("(esp0) ".length);
        sessions.at(-1)!.commands.push({ command, more, output: output.join("\n").trimEnd() });
      } else throw new Error(`neither a session nor a command: ${line}`);
    }
  }
  return sessions;
}

/** Without what changes when the kernel is built anew: addresses, counts, offsets, and the padding that goes with them. */
export function shape(output: string): string {
  return output
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{8}\b/g, "H")
    .replace(/^(=>| {2}) H: .*$/gm, "INSTRUCTION")
    .replace(/#[\d,]+/g, "#N")
    .replace(/\b\d+\b/g, "N")
    .replace(/^ +H: +H( +\(.*\))?\n/gm, "")
    .replace(/\b[a-z]+=(H|[0-9a-f]{4})\*?|eflags=\[[^\]]*\]\*/g, "CHANGED")
    .replace(/(CHANGED *)+/g, "CHANGED")
    .replace(/[ -]+/g, " ");
}

/** The page with the answers of its sessions, in order, in place of what it shows. */
export function withAnswers(page: string, answers: readonly string[]): string {
  let next = 0;
  return page.replace(/^\(esp0\) .*\n(?:(?!\(esp0\) |```).*\n)*/gm, (shown) => {
    const answer = answers[next++];
    return `${shown.slice(0, shown.indexOf("\n") + 1)}${answer === "" ? "" : `${answer}\n`}`;
  });
}
