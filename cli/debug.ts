/** `esp0 debug`: a kernel with a program, or a machine of its own, under the debugger's commands. */
import { isAbsolute, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { readElf } from "../asm/index.ts";
import { type LineResult, PROMPT, Repl, SourceTexts } from "../debug/repl/index.ts";
import { DEFAULT_HISTORY_BYTES, DebugSession, type SessionOutput } from "../debug/session/index.ts";
import { MAXIMUM_RAM } from "../emulator/index.ts";
import { sources } from "../kernel/inspect.ts";
import { link_programs } from "../user/build.ts";
import { gdbOption, refuseWithGdb } from "./gdb-option.ts";
import { runWithGdb } from "./gdb-session.ts";
import { type CommandIo, InputError, readInput, reporting } from "./io.ts";
import { booted, bootOptions } from "./kernel-boot.ts";
import { kernelDigest } from "./kernel-digest.ts";
import { addKernelOptions, addModuleOption, type KernelOptions, kernelWith } from "./kernel-modules.ts";
import { addMachineOptions } from "./machine.ts";
import { BOOT_OPTIONS, type PlanOptions, planMachine, planOptions } from "./machine-plan.ts";
import { addMemoryModelOption } from "./memory-model-option.ts";
import { noticeLog } from "./notices.ts";
import { wholeNumber } from "./option-values.ts";
import { programLines } from "./program.ts";
import type { TapeOptions } from "./recording/open-tape.ts";
import { addTapeOptions, openTape, refuseWithReplay } from "./recording/open-tape.ts";
import type { Tape } from "./recording/tape.ts";
import { addProgramArguments } from "./run.ts";
import type { RunHost, TerminalHost } from "./run-host.ts";
import { STATUS_FAILED_COMMAND } from "./run-status.ts";
import { decodeText, isElf } from "./source-files.ts";
import { addTierOption } from "./tier-option.ts";

/** Carries out a line, and records it. */
type Execute = (line: string) => Promise<LineResult>;

const MIB = 1 << 20;
/** Command lines that the terminal remembers. */
const HISTORY_LINES = 1000;
/** MiB: what a host may have. */
const MOST_HISTORY = 1 << 16;

export interface DebugOptions extends PlanOptions, TapeOptions, KernelOptions {
  readonly commands?: string;
  readonly quiet?: boolean;
  readonly cpuHz?: number;
  /** Checks what kernel functions say they need. */
  readonly debugKernel?: boolean;
  /** Memory for going back, in MiB. */
  readonly history: number;
  /** TCP port, 0 for any. */
  readonly gdb?: number;
}

/** @throws InputError for files and options that cannot be used */
export async function debugCommand(
  file: string | undefined,
  args: readonly string[],
  options: DebugOptions,
  io: CommandIo,
  host: TerminalHost,
): Promise<number> {
  const fromFile = options.commands === undefined ? undefined : linesOf(options.commands, io);
  const tape = await openDebugTape(file, args, options, io);
  // A recording has the texts that it has shown; of others nothing but their lines depends on the files that are here.
  const sourceOf = (name: string) => readSource(name, session, tape.io) ?? readSource(name, session, io);
  const texts = new SourceTexts(sources, sourceOf);
  const session: DebugSession = await openSession(tape, options);
  if (options.gdb !== undefined) {
    refuseWithGdb({ ...options }, ["commands"]);
    const end = await runWithGdb(session, options.gdb, { showLog: !options.quiet, sources: texts, tape }, io, host);
    return tape.end(typeof end === "string" ? end : end.reason, 0);
  }
  const output = new GuestOutput(io, options.quiet === true);
  session.onOutput((byte) => output.take(byte));
  const interactive = host.isTerminal && fromFile === undefined;
  let isSilent = false;
  const repl = new Repl(session, {
    write: (text) => {
      if (isSilent) return;
      output.flush();
      io.stdout(text);
    },
    color: interactive && host.hasColors,
    width: interactive ? host.columns : undefined,
    sources: texts,
  });
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    session.interrupt();
  };
  const stopListening = host.onInterrupt(interrupt);
  let isLost = false;
  const stopWatching = host.onOutputLost(() => {
    isLost = true;
    interrupt();
    host.stdin.release();
  });
  const execute = async (line: string): Promise<LineResult> => {
    interrupted = false;
    const result = await repl.execute(line);
    if (result !== "quit") tape.command(line, interrupted);
    return isLost ? "quit" : result;
  };
  try {
    // A session begins at the start, a run that is to be looked at where it ended.
    const beginsAtEnd = tape.replays !== undefined && tape.replays !== "debug";
    if (!beginsAtEnd) await repl.begin();
    await tape.follow(session, async (event) => {
      io.stdout(`${repl.prompt}${event.command}\n`);
      if (event.interrupted !== true) {
        await repl.execute(event.command);
        return;
      }
      // Ctrl-C stopped it at a place that only the recording knows: it begins, which an empty line may refer to, and ends there.
      isSilent = true;
      session.onPause = async () => session.interrupt();
      await repl.execute(event.command);
      session.onPause = undefined;
      isSilent = false;
      await session.gotoCycle(event.cycle);
      await repl.begin();
    });
    if (beginsAtEnd) await repl.begin();
    const failed = interactive
      ? await converse(repl, execute, interrupt, io)
      : await follow(repl, execute, fromFile ?? inputLines(host), io);
    return tape.end("left", failed ? STATUS_FAILED_COMMAND : 0);
  } finally {
    stopListening();
    stopWatching();
    host.stdin.release();
    output.flush();
  }
}

/** Recordings of the other commands can be debugged too. */
async function openDebugTape(
  file: string | undefined,
  args: readonly string[],
  options: DebugOptions,
  io: CommandIo,
): Promise<Tape> {
  const { syscall, preset, config, debugKernel } = options;
  const recorded = { ...planOptions(options), syscall, preset, config, debugKernel };
  const isTaped = options.record !== undefined || options.replay !== undefined;
  const call = { file, args, options: recorded, ...(isTaped ? { kernel: kernelDigest() } : {}) };
  return openTape("debug", call, options, io, { others: ["run", "machine"], isScript: options.gdb === undefined });
}

async function openSession(
  { call, io }: Tape,
  { history, vmlinux, quiet = false }: DebugOptions,
): Promise<DebugSession> {
  const { file, args = [] } = call;
  const options: Omit<DebugOptions, "history"> = call.options;
  const historyBytes = history * MIB;
  // A kernel's machine may have several processors, too.
  const given = BOOT_OPTIONS.filter((name) => options[name] !== undefined && (name !== "cpus" || file === undefined));
  if (given.length > 0) {
    if (file !== undefined) {
      throw new InputError(`esp0: either a program (${file}) for the kernel, or a machine (--${given[0]}), not both`);
    }
    const { syscall, preset, config } = options;
    const ofKernel = { syscall, preset, config, vmlinux, "debug-kernel": options.debugKernel };
    for (const [option, value] of Object.entries(ofKernel))
      if (value !== undefined) throw new InputError(`esp0: --${option} is for a program, not for --${given[0]}`);
    const plan = planMachine(options, io, noticeLog(io, quiet));
    const session = DebugSession.forMachine(plan.build, { historyBytes });
    if (options.multiboot !== undefined) addKernelSymbols(session, options.multiboot, io);
    return session;
  }
  const image = await kernelWith({ ...options, vmlinux }, io);
  const session = booted(() =>
    DebugSession.forKernel({ ...bootOptions(file, args, { ...options, image, quiet }, io), historyBytes }),
  );
  if (file === undefined) for (const demo of Object.values(link_programs())) session.symbols.add(demo);
  else addProgramLines(session, file, io);
  return session;
}

/** Symbols and lines of a Multiboot kernel that is an ELF file. */
function addKernelSymbols(session: DebugSession, file: string, io: CommandIo): void {
  const bytes = readInput(io, file);
  if (!isElf(bytes)) return;
  session.addProgram(readElf(bytes));
}

/** The text of a source as it is on disk: as it is named, in a directory that a compiler ran in, or in this package. */
function readSource(name: string, session: DebugSession, io: CommandIo): string | undefined {
  const read = (path: string) => {
    try {
      return decodeText(readInput(io, path), path);
    } catch (error) {
      // A program can be debugged without its sources.
      if (error instanceof InputError) return undefined;
      throw error;
    }
  };
  const own = () => read(fileURLToPath(new URL(`../${name}`, import.meta.url)));
  const found = read(name);
  if (found !== undefined || isAbsolute(name)) return found;
  for (const directory of session.programs.directories()) {
    const text = read(join(directory, name));
    if (text !== undefined) return text;
  }
  return own();
}

/** Line numbers of a program that is assembled on the fly; an ELF file tells its own. */
function addProgramLines(session: DebugSession, file: string, io: CommandIo): void {
  if (!isElf(readInput(io, file))) session.symbols.add({ symbols: [], lines: programLines(file, io) });
}

/** What the guest sends: programs' output and the kernel's log, line by line, so that it does not cut the REPL's. */
class GuestOutput {
  readonly #lines: Record<SessionOutput["stream"], number[]> = { serial1: [], serial2: [], log: [] };

  constructor(
    readonly io: CommandIo,
    readonly quiet: boolean,
  ) {}

  take({ stream, byte }: SessionOutput): void {
    if (stream === "log" && this.quiet) return;
    this.#lines[stream].push(byte);
    if (byte === 10) this.#flush(stream);
  }

  /** Shows lines that have not ended too. */
  flush(): void {
    for (const [stream, bytes] of Object.entries(this.#lines) as [SessionOutput["stream"], number[]][]) {
      if (bytes.length === 0) continue;
      bytes.push(10);
      this.#flush(stream);
    }
  }

  #flush(stream: SessionOutput["stream"]): void {
    const text = new TextDecoder().decode(Uint8Array.from(this.#lines[stream].splice(0)));
    this.io.stdout(stream === "log" ? `[log] ${text}` : text);
  }
}

/** The commands of a file. @throws InputError when it cannot be read */
function linesOf(file: string, io: CommandIo): string[] {
  const lines = decodeText(readInput(io, file), file).split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** The lines of standard input. */
async function* inputLines(host: RunHost): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const chunks = host.stdin.chunks();
  let rest = "";
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Runs commands, each shown behind the prompt. Returns whether one failed: the first that does ends it. */
async function follow(
  repl: Repl,
  execute: Execute,
  lines: Iterable<string> | AsyncIterable<string>,
  io: CommandIo,
): Promise<boolean> {
  for await (const line of lines) {
    io.stdout(`${repl.prompt}${line}\n`);
    const result = await execute(line);
    if (result === "failed") return true;
    if (result === "quit") return false;
  }
  return false;
}

/** Somebody at a terminal. A command that fails is no failure of the whole. */
async function converse(repl: Repl, execute: Execute, interrupt: () => void, io: CommandIo): Promise<boolean> {
  io.stdout("Type help for the commands; Ctrl-C interrupts a run, quit or Ctrl-D leaves.\n");
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string) => repl.complete(line),
  });
  terminal.on("SIGINT", () => {
    interrupt();
    terminal.write(null, { ctrl: true, name: "u" });
  });
  terminal.prompt();
  for await (const line of terminal) {
    if ((await execute(line)) === "quit") break;
    terminal.setPrompt(repl.prompt);
    terminal.prompt();
  }
  terminal.close();
  return false;
}

/** Adds the command to the program. */
export function registerDebug(program: Command, io: CommandIo, host: TerminalHost): void {
  const command = addProgramArguments(program.command("debug"))
    .summary("debug the kernel with a program, or a machine of its own: step forwards and backwards, break, look")
    .description(
      "Boots the kernel with FILE as `esp0 run` does or, with an option that says what to boot, a machine as\n" +
        "`esp0 machine` does, and takes commands: type help. Commands come from the terminal, from --commands, or from\n" +
        "standard input; then each is shown with what it prints, and the first that fails ends it. Exit status: 0; 1\n" +
        "when a command failed; 2 for wrong usage or a file that cannot be used.",
    )
    .option("-q, --quiet", "do not show the kernel log, and what the emulator has to tell of the guest")
    .option("--commands <FILE>", "take commands from FILE")
    .option(
      "--history <MiB>",
      "memory for going back; with less, going far back takes longer",
      wholeNumber("memory in MiB", 1, MOST_HISTORY),
      DEFAULT_HISTORY_BYTES / MIB,
    )
    .addOption(gdbOption())
    .option("--memory <MiB>", "memory of the machine", wholeNumber("memory in MiB", 1, MAXIMUM_RAM / MIB), 32);
  addModuleOption(command, "; with --multiboot, a file to load beside that kernel");
  addTapeOptions(addTierOption(addMemoryModelOption(addMachineOptions(addKernelOptions(command)))));
  command.action(async (file: string | undefined, args: string[], options: DebugOptions) => {
    await reporting(io, async () => {
      refuseWithReplay(command, file === undefined ? [] : [file], ["quiet", "commands", "gdb", "vmlinux", "tier"]);
      const status = await debugCommand(file, args, options, io, host);
      if (status !== 0) io.exitStatus(status);
    });
  });
}
