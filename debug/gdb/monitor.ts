/** `monitor`: the REPL's commands, from inside GDB. */
import { Repl, type SourceTexts } from "../repl/index.ts";
import type { DebugSession } from "../session/index.ts";

/** Carries out lines as the REPL does; what they print, errors too. */
export function replMonitor(session: DebugSession, sources: SourceTexts): (line: string) => Promise<string> {
  let printed = "";
  const repl = new Repl(session, {
    write: (text) => {
      printed += text;
    },
    color: false,
    sources,
  });
  return async (line) => {
    printed = "";
    await repl.execute(line);
    return printed;
  };
}
