/** What a real GDB says of programs that real compilers have made, in the same guest at the same place. */
import { basename } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { initramfs } from "../../../boot/index.ts";
import { GdbServer, replMonitor } from "../../../debug/gdb/index.ts";
import { Repl, SourceTexts } from "../../../debug/repl/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { hasGdb, runGdb } from "../gdb/real-gdb.ts";
import { bytesOf, type Compiled, compiledPrograms } from "./compilers.ts";

const LONG = 120_000;

function sessionOf(program: Uint8Array): DebugSession {
  return DebugSession.forKernel({ initramfs: initramfs({ "/init": program }), program });
}

/** Places to stop at, in order, and what to ask there. */
const STOPS = ["fill", "program.c:52", "program.c:57", "fib"];
const QUESTIONS = [
  "bt",
  "info args",
  "info locals",
  "print/x nodes",
  "print table",
  "print &nodes[1].at",
  "print ratio",
];

/** Addresses without zeros before them, names without their path, structs in one line, and what only one of them tells. */
function alike(text: string): string {
  return (
    text
      .replace(/0x0+(?=[0-9a-f])/g, "0x")
      .replace(/\S*program\.c/g, "program.c")
      // What GDB takes for the caller of _start is argc.
      .replace(/#\d+\s+0x1 in \?\? \(\)/, "")
      .replace(/<(\w+)\+0x([0-9a-f]+)>/g, (_, name, offset) => `<${name}+${Number.parseInt(offset, 16)}>`)
      .replace(/\s+/g, " ")
      .replace(/\{ /g, "{")
      .replace(/ \}/g, "}")
      .replace(/^\$\d+ = /, "")
      .trim()
  );
}

async function answersOfRepl(compiled: Compiled): Promise<string[]> {
  const session = sessionOf(bytesOf(compiled));
  let text = "";
  const repl = new Repl(session, { write: (more) => (text += more), color: false, sources: new SourceTexts() });
  const answers: string[] = [];
  for (const stop of STOPS) {
    await repl.execute(`tbreak ${stop}`);
    await repl.execute("continue");
    for (const question of QUESTIONS) {
      text = "";
      await repl.execute(question);
      answers.push(`${stop}: ${question}: ${alike(text)}`);
    }
  }
  return answers;
}

describe.skipIf(!hasGdb()).each(compiledPrograms())("$how", (compiled) => {
  const servers: GdbServer[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });

  it("is read as GDB reads it", { timeout: LONG }, async () => {
    const session = sessionOf(bytesOf(compiled));
    const server = new GdbServer(session, { monitor: replMonitor(session, new SourceTexts()) });
    servers.push(server);
    const asked = STOPS.flatMap((stop) => [
      `tbreak ${stop}`,
      "continue",
      ...QUESTIONS.flatMap((question) => [`echo @@${stop}: ${question}:\\n`, question]),
      "echo @@",
    ]);
    // The program is not in the guest's memory yet when breakpoints are set.
    const setup = ["set trust-readonly-sections on", "set backtrace past-main on", "set backtrace past-entry on"];
    const display = ["set print entry-values no", "set width 0"];
    const output = await runGdb(compiled.path, await server.listen(0), [...setup, ...display, ...asked]);
    const gdb = output
      .split("@@")
      .filter((part) => STOPS.some((stop) => part.startsWith(`${stop}: `)))
      .map((part) => {
        const [, head, text] = /^(.*?: .*?:)\n(.*)$/s.exec(part)!;
        return `${head} ${alike(text)}`;
      });
    expect(gdb).toHaveLength(STOPS.length * QUESTIONS.length);
    // Of what clang has inlined, GDB names variables that are not in scope, and a line for code that has none.
    const isOdd = (answer: string) => /^clang.*-O[12]/.test(compiled.how) && /^\S+: info locals|^fill: bt/.test(answer);
    const comparable = (answers: readonly string[]) => answers.filter((answer) => !isOdd(answer));
    expect(comparable(await answersOfRepl(compiled)), basename(compiled.path)).toEqual(comparable(gdb));
  });
});
