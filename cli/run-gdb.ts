/** `esp0 run --gdb`: the same run, as GDB says. */
import { SourceTexts } from "../debug/repl/index.ts";
import { DebugSession } from "../debug/session/index.ts";
import type { KernelImage, KernelStop } from "../kernel/index.ts";
import { sources } from "../kernel/inspect.ts";
import { runWithGdb } from "./gdb-session.ts";
import { type CommandIo, readInput } from "./io.ts";
import { booted, bootOptions } from "./kernel-boot.ts";
import { programLines } from "./program.ts";
import type { Tape } from "./recording/tape.ts";
import { reportEnd } from "./run-end.ts";
import type { RunHost } from "./run-host.ts";
import { STATUS_INTERRUPTED } from "./run-status.ts";
import { decodeText, isElf } from "./source-files.ts";

/** Runs to the end and returns the exit status. @throws InputError for files that cannot be used */
export async function runKernelWithGdb(
  image: KernelImage,
  tape: Tape,
  port: number,
  isQuiet: boolean,
  io: CommandIo,
  host: RunHost,
): Promise<number> {
  const { file, args = [] } = tape.call;
  const session = booted(() =>
    DebugSession.forKernel(bootOptions(file, args, { ...tape.call.options, image, quiet: isQuiet }, tape.io)),
  );
  const texts = new SourceTexts(sources);
  if (file !== undefined) {
    if (!isElf(readInput(tape.io, file))) session.symbols.add({ symbols: [], lines: programLines(file, tape.io) });
    if (/\.[sS]$/.test(file)) texts.add(file, decodeText(readInput(tape.io, file), file));
  }
  const end = await runWithGdb(session, port, { showLog: !isQuiet, sources: texts, tape }, io, host);
  if (end === "killed" || end === "interrupted") return tape.end(end, STATUS_INTERRUPTED);
  if (end.reason === "exit") return tape.end("exit", end.status ?? 0);
  const kind = end.reason === "panic" || end.reason === "triple-fault" ? end.reason : "asleep";
  const stop: KernelStop = kind === "triple-fault" ? { kind, core: end.core } : { kind };
  return tape.end(kind, await reportEnd(stop, session.kernel!, 0, io));
}
