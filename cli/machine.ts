/** `esp0 machine`: an i386 PC of its own, for kernels, ROMs, disks and raw images. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { RawMode } from "../boot/index.ts";
import { SourceTexts } from "../debug/repl/index.ts";
import { DebugSession } from "../debug/session/index.ts";
import { Journal, MAXIMUM_CPUS, MAXIMUM_RAM, type Machine } from "../emulator/index.ts";
import { gdbOption, refuseWithGdb } from "./gdb-option.ts";
import { runWithGdb } from "./gdb-session.ts";
import { type CommandIo, InputError, reporting, writeOutput } from "./io.ts";
import { type Plan, type PlanOptions, parseRegisters, planMachine, type RegisterValue } from "./machine-plan.ts";
import { describeLastInstructions, describeRegisters, machineStatistics } from "./machine-report.ts";
import { type RunEnd, runMachine } from "./machine-run.ts";
import { dateAndTime, fileAt, wholeNumber } from "./option-values.ts";
import { addTapeOptions, openTape, refuseWithReplay, type Tape, type TapeOptions } from "./recording/tape.ts";
import type { TimedHost } from "./run-host.ts";
import { STATUS_ASLEEP, STATUS_BUDGET, STATUS_CRASHED, STATUS_INTERRUPTED } from "./run-status.ts";

const MIB = 1 << 20;
/** Of an exit status; what is above is lost in the operating system. */
const STATUS_MASK = 0xff;
const STDIO = "stdio";

export interface MachineCommandOptions extends PlanOptions, TapeOptions {
  /** `stdio` or a file; `stdio` if not given. */
  readonly serial?: string;
  readonly diskWrite?: boolean;
  readonly vga?: boolean;
  readonly realtime?: boolean;
  readonly maxInstructions?: number;
  readonly stats?: boolean;
  readonly reboot?: boolean;
  /** TCP port, 0 for any. */
  readonly gdb?: number;
}

/** Runs to the end and returns the exit status. @throws InputError for files and options that cannot be used */
export async function machineCommand(options: MachineCommandOptions, io: CommandIo, host: TimedHost): Promise<number> {
  const log = (line: string) => io.stderr(`esp0: ${line}\n`);
  const tape = await openTape("machine", { options: recordedOptions(options) }, options, io);
  const recorded: MachineCommandOptions = tape.call.options;
  const plan = planMachine(recorded, tape.io, log);
  if (options.gdb !== undefined) return await debugCommand(plan, tape, options, options.gdb, io, host);
  const machine = plan.build();
  if (recorded.post !== undefined)
    machine.onPostCode = (code) => io.stderr(`POST ${code.toString(16).padStart(2, "0")}\n`);
  const output = new Output(machine, options.serial ?? STDIO, io, host);
  const hasInput = (recorded.serial ?? STDIO) === STDIO;
  const started = host.now();
  const journal = new Journal();
  const end = await runMachine(
    machine,
    host,
    {
      realtime: options.realtime === true,
      input: hasInput,
      maxInstructions: recorded.maxInstructions ?? Number.POSITIVE_INFINITY,
      reboot: recorded.reboot === true,
      flush: (feed) => output.flush(feed.sent),
    },
    tape,
    journal,
  );
  const seconds = host.now() - started;
  output.close();
  if (options.diskWrite && tape.replays === undefined) writeDisks(machine, options.disk ?? [], io);
  if (options.vga) io.stdout(screenText(machine));
  const status = await report(end, machine, plan, recorded, journal, io);
  if (options.stats || end.kind === "interrupted") io.stderr(machineStatistics(machine, seconds));
  return tape.end(end.kind, status);
}

/** The options that make the run what it is, and whether standard input is the guest's. */
function recordedOptions(options: MachineCommandOptions): Record<string, unknown> {
  const { cpus, memory, multiboot, append, module, rom, load, mode, reg, disk, rtc, post } = options;
  const { serial, reboot, maxInstructions } = options;
  const booted = { cpus, memory, multiboot, append, module, rom, load, mode, reg, disk, rtc, post };
  return { ...booted, serial, reboot, maxInstructions };
}

/** `--gdb` */
async function debugCommand(
  plan: Plan,
  tape: Tape,
  options: MachineCommandOptions,
  port: number,
  io: CommandIo,
  host: TimedHost,
): Promise<number> {
  refuseWithGdb({ ...options }, ["realtime", "reboot", "maxInstructions", "stats", "post"]);
  if ((options.serial ?? STDIO) !== STDIO) throw new InputError("esp0: --serial FILE does not go with --gdb");
  const session = DebugSession.forMachine(plan.build);
  const end = await runWithGdb(session, port, { showLog: true, sources: new SourceTexts(), tape }, io, host);
  if (options.diskWrite && tape.replays === undefined) writeDisks(session.machine, options.disk ?? [], io);
  if (options.vga) io.stdout(screenText(session.machine));
  if (end === "killed" || end === "interrupted") return tape.end(end, STATUS_INTERRUPTED);
  if (end.reason === "exit") return tape.end("exit", exitStatus(end.status ?? 0));
  const reason: RunEnd =
    end.reason === "triple-fault" ? { kind: end.reason, core: end.core } : { kind: "halted-forever" };
  return tape.end(reason.kind, await report(reason, session.machine, plan, options, new Journal(), io));
}

/** What a write to the exit port comes to. */
function exitStatus(value: number): number {
  return ((value << 1) | 1) & STATUS_MASK;
}

/** Puts the disks that were written to back into their files. @throws InputError when one cannot be written */
function writeDisks(machine: Machine, files: readonly string[], io: CommandIo): void {
  files.forEach((file, place) => {
    const disk = machine.disks[place]!;
    if (disk.changes.size > 0) writeOutput(io, file, disk.contents());
  });
}

/** The screen without the empty lines at its end. */
function screenText(machine: Machine): string {
  return `${machine.vga.screenText().trimEnd()}\n`;
}

/** What the guest puts out: COM1 to standard output or a file, the debug console to standard error. */
class Output {
  readonly isStdio: boolean;
  readonly #serial: number[] = [];
  /** What goes to a file in the end. */
  readonly #kept: number[] = [];
  readonly #debug: number[] = [];
  readonly #debugText = new TextDecoder();

  constructor(
    machine: Machine,
    readonly target: string,
    readonly io: CommandIo,
    readonly host: TimedHost,
  ) {
    this.isStdio = target === STDIO;
    machine.onSerialOutput = (byte, port) => {
      if (port === 1) this.#serial.push(byte);
    };
    machine.onDebugOutput = (byte) => this.#debug.push(byte);
  }

  /** @param sent hears what COM1 sends */
  flush(sent: (bytes: Uint8Array) => void): boolean {
    if (this.#debug.length > 0)
      this.io.stderr(this.#debugText.decode(Uint8Array.from(this.#debug.splice(0)), { stream: true }));
    if (this.#serial.length === 0) return true;
    const bytes = Uint8Array.from(this.#serial.splice(0));
    sent(bytes);
    if (this.isStdio) return this.host.writeOutput(bytes);
    for (const byte of bytes) this.#kept.push(byte);
    return true;
  }

  /** @throws InputError when the file cannot be written */
  close(): void {
    if (!this.isStdio) writeOutput(this.io, this.target, Uint8Array.from(this.#kept));
  }
}

/** Says how the run ended, unless the guest did so itself; returns the exit status. */
async function report(
  end: RunEnd,
  machine: Machine,
  plan: Plan,
  options: MachineCommandOptions,
  journal: Journal,
  io: CommandIo,
): Promise<number> {
  switch (end.kind) {
    case "exit":
      return exitStatus(end.value);
    case "triple-fault": {
      io.stderr(`esp0: triple fault: core ${end.core} shut down\n${describeRegisters(machine, end.core)}`);
      const last = await describeLastInstructions(machine, end.core, plan.build, journal);
      io.stderr(last === "" ? "The run was too long to show its last instructions.\n" : `Last instructions:\n${last}`);
      return STATUS_CRASHED;
    }
    case "budget":
      io.stderr(`esp0: stopped after ${options.maxInstructions} instructions (--max-instructions)\n`);
      return STATUS_BUDGET;
    case "interrupted":
      return STATUS_INTERRUPTED;
    case "output-closed":
    case "recording-ended":
      return 0;
    default:
      io.stderr("esp0: all cores are halted, and no interrupt can wake one\n");
      return STATUS_ASLEEP;
  }
}

function registerValues(text: string, previous: readonly RegisterValue[] = []): readonly RegisterValue[] {
  try {
    return [...previous, ...parseRegisters(text)];
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(error.message) : error;
  }
}

/** The options that say what a machine boots, and how many processors it has. */
export function addMachineOptions(command: Command): Command {
  return command
    .option("--cpus <N>", "processors (default: 1)", wholeNumber("the number of processors", 1, MAXIMUM_CPUS))
    .option("--multiboot <FILE>", "boot a Multiboot kernel")
    .option("--append <STRING>", "what follows FILE in the kernel's command line")
    .option("--module <FILE...>", "files to load beside the kernel")
    .addOption(new Option("--rom <FILE@ADDR...>", "map ROM images, and start at the reset vector").argParser(fileAt))
    .addOption(new Option("--load <FILE@ADDR...>", "load raw images; alone, start at the first").argParser(fileAt))
    .addOption(
      new Option("--mode <MODE>", "CPU mode in which raw images start").choices([
        "real",
        "protected",
      ] satisfies RawMode[]),
    )
    .addOption(new Option("--reg <NAME=VALUE,...>", "registers to start with").argParser(registerValues))
    .option("--rtc <TIME>", "date and time at power-on, as 2001-01-04T00:00:00 (UTC), or now", dateAndTime)
    .option("--disk <FILE...>", "disks; the first is booted when nothing else is given to boot");
}

/** Adds the command to the program. */
export function registerMachine(program: Command, io: CommandIo, host: TimedHost): void {
  const command = addMachineOptions(program.command("machine"))
    .summary("run a kernel, ROM, disk or raw image of your own on an i386 PC")
    .description(
      "Runs an i386 PC. It boots a Multiboot kernel, ROM images from the reset\n" +
        "vector, raw images, or a disk. COM1 is standard input and output, the debug\n" +
        "console (port 0xE9) standard error.\n\n" +
        "Exit status: (V << 1) | 1 for a write of V to the exit port 0xF4; 2 for wrong\n" +
        "usage or a file that cannot be used; 3 after a triple fault; 4 instructions\n" +
        "used up; 5 all cores halted for good; 130 after Ctrl-C.",
    )
    .option("--memory <MiB>", "memory of the machine", wholeNumber("memory in MiB", 1, MAXIMUM_RAM / MIB), 32)
    .option("--disk-write", "write what changed on the disks back to their files at the end")
    .option("--serial <stdio|FILE>", "where COM1 leads", STDIO)
    .option(
      "--post <PORT>",
      "print what is written to this port, as firmware reports its progress",
      wholeNumber("a port", 0, 0xffff),
    )
    .option("--vga", "print the text screen at the end")
    .option("--realtime", "hold the machine's time to real time")
    .option("--reboot", "start again after a triple fault")
    .option(
      "--max-instructions <N>",
      "end the run after N instructions",
      wholeNumber("a number of instructions", 1, Number.MAX_SAFE_INTEGER),
    )
    .option("--stats", "print statistics at the end")
    .addOption(gdbOption());
  addTapeOptions(command).action(async (options: MachineCommandOptions) => {
    await reporting(io, async () => {
      refuseWithReplay(command, [], ["vga", "realtime", "stats", "gdb"]);
      const status = await machineCommand(options, io, host);
      if (status !== 0) io.exitStatus(status);
    });
  });
}
