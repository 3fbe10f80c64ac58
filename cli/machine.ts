/** `esp0 machine`: an i386 PC of its own, for kernels, ROMs, disks and raw images. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { RawMode } from "../boot/index.ts";
import { describeShutdown } from "../debug/index.ts";
import { SourceTexts } from "../debug/repl/index.ts";
import { DebugSession } from "../debug/session/index.ts";
import { Journal, MAXIMUM_CPUS, MAXIMUM_RAM, type Machine } from "../emulator/index.ts";
import { gdbOption, refuseWithGdb } from "./gdb-option.ts";
import { runWithGdb } from "./gdb-session.ts";
import { interleaveOption } from "./interleave-option.ts";
import { type CommandIo, InputError, reporting, writeOutput } from "./io.ts";
import { MachineOutput, STDIO } from "./machine-output.ts";
import {
  type Plan,
  type PlanOptions,
  parseRegisters,
  planMachine,
  planOptions,
  type RegisterValue,
} from "./machine-plan.ts";
import { describeCores, describeLastInstructions, describeRegisters, machineStatistics } from "./machine-report.ts";
import { type RunEnd, runMachine } from "./machine-run.ts";
import { addMemoryModelOption } from "./memory-model-option.ts";
import { noticeLog, repeatedNotices } from "./notices.ts";
import { dateAndTime, fileAt, keyboardText, wholeNumber } from "./option-values.ts";
import type { TapeOptions } from "./recording/open-tape.ts";
import { addTapeOptions, openTape, refuseWithReplay } from "./recording/open-tape.ts";
import type { Tape } from "./recording/tape.ts";
import type { TimedHost } from "./run-host.ts";
import { STATUS_ASLEEP, STATUS_BUDGET, STATUS_CRASHED, STATUS_INTERRUPTED } from "./run-status.ts";
import { addTierOption } from "./tier-option.ts";

const MIB = 1 << 20;
/** Of an exit status; what is above is lost in the operating system. */
const STATUS_MASK = 0xff;
/** With fewer instructions a second, a timer of 18.2 Hz leaves a program little time between two ticks. */
const SLOWEST_CPU = 10_000;
const FASTEST_CPU = 4_000_000_000;

export interface MachineCommandOptions extends PlanOptions, TapeOptions {
  /** `stdio` or a file; `stdio` if not given. */
  readonly serial?: string;
  /** `stdio`: standard input is the keyboard's, not COM1's. */
  readonly keyboard?: string;
  readonly diskWrite?: boolean;
  /** What comes to the POST port is text. */
  readonly postText?: boolean;
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
  const tape = await openTape("machine", { options: recordedOptions(options) }, options, io);
  const recorded: MachineCommandOptions = tape.call.options;
  const plan = planMachine(recorded, tape.io, noticeLog(io));
  if (options.gdb !== undefined) return await debugCommand(plan, tape, options, options.gdb, io, host);
  const machine = plan.build();
  if (recorded.postText === true && recorded.post === undefined)
    throw new InputError("esp0: --post-text goes with --post");
  const post = recorded.post === undefined ? undefined : recorded.postText === true ? "text" : "codes";
  const output = new MachineOutput(machine, options.serial ?? STDIO, post, io, host);
  const input = recorded.keyboard === STDIO ? "keyboard" : (recorded.serial ?? STDIO) === STDIO ? "serial" : "none";
  const giveKeysBack = input === "keyboard" && tape.replays === undefined ? host.stdin.takeKeys?.() : undefined;
  if (giveKeysBack !== undefined)
    io.stderr("esp0: what you type goes to the machine's keyboard; Ctrl-] ends the run\n");
  const started = host.now();
  const journal = new Journal();
  const end = await runMachine(
    machine,
    host,
    {
      realtime: options.realtime === true,
      input,
      maxInstructions: recorded.maxInstructions ?? Number.POSITIVE_INFINITY,
      reboot: recorded.reboot === true,
      flush: (feed) => output.flush(feed.sent),
    },
    tape,
    journal,
  ).finally(() => giveKeysBack?.());
  const seconds = host.now() - started;
  // First what the guest did; that its output cannot be written must not lose it.
  if (options.diskWrite && tape.replays === undefined) writeDrives(machine, options, io);
  output.close();
  if (options.vga) io.stdout(screenText(machine));
  const status = await report(end, machine, plan, recorded, journal, io);
  io.stderr(repeatedNotices(machine.notices));
  if (options.stats || end.kind === "interrupted") io.stderr(machineStatistics(machine, seconds));
  return tape.end(end.kind, status);
}

/** The options that make the run what it is, and whether standard input is the guest's. */
function recordedOptions(options: MachineCommandOptions): Record<string, unknown> {
  const { postText, serial, keyboard, reboot, maxInstructions } = options;
  return { ...planOptions(options), postText, serial, keyboard, reboot, maxInstructions };
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
  refuseWithGdb({ ...options }, ["realtime", "reboot", "maxInstructions", "stats", "post", "postText", "keyboard"]);
  if ((options.serial ?? STDIO) !== STDIO) throw new InputError("esp0: --serial FILE does not go with --gdb");
  const session = DebugSession.forMachine(plan.build);
  const end = await runWithGdb(session, port, { showLog: true, sources: new SourceTexts(), tape }, io, host);
  if (options.diskWrite && tape.replays === undefined) writeDrives(session.machine, options, io);
  if (options.vga) io.stdout(screenText(session.machine));
  if (end === "killed" || end === "interrupted") return tape.end(end, STATUS_INTERRUPTED);
  if (end.reason === "exit") return tape.end("exit", exitStatus(end.status ?? 0));
  if (end.reason === "power-off") return tape.end("power-off", 0);
  const reason: RunEnd =
    end.reason === "triple-fault" ? { kind: end.reason, core: end.core } : { kind: "halted-forever" };
  return tape.end(reason.kind, await report(reason, session.machine, plan, options, new Journal(), io));
}

/** What a write to the exit port comes to. */
function exitStatus(value: number): number {
  return ((value << 1) | 1) & STATUS_MASK;
}

/** Puts what was written to disks and diskettes back into their files. @throws InputError when one cannot be written */
function writeDrives(machine: Machine, { disk = [], floppy = [] }: PlanOptions, io: CommandIo): void {
  for (const [drives, files] of [[machine.disks, disk] as const, [machine.diskettes, floppy] as const]) {
    files.forEach((file, place) => {
      const drive = drives[place]!;
      if (drive.changes.size > 0) writeOutput(io, file, drive.contents());
    });
  }
}

/** The screen without the empty lines at its end. */
function screenText(machine: Machine): string {
  return `${machine.vga.screenText().trimEnd()}\n`;
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
      const last = await describeLastInstructions(
        machine,
        end.core,
        plan.build,
        journal,
        options.keyboard !== undefined,
      );
      io.stderr(last === "" ? "The run was too long to show its last instructions.\n" : `Last instructions:\n${last}`);
      const causes = describeShutdown(machine, end.core).map((cause) => `  ${cause}\n`);
      io.stderr(`Exceptions that led to it, each on the way to the handler of the one before:\n${causes.join("")}`);
      return STATUS_CRASHED;
    }
    case "budget":
      io.stderr(
        `esp0: stopped after ${options.maxInstructions} instructions (--max-instructions)\n${describeCores(machine)}`,
      );
      return STATUS_BUDGET;
    case "interrupted":
      return STATUS_INTERRUPTED;
    case "power-off":
    case "output-closed":
    case "recording-ended":
      return 0;
    default:
      io.stderr(`esp0: all cores are halted, and no interrupt can wake one\n${describeCores(machine)}`);
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
    .addOption(interleaveOption())
    .option("--multiboot <FILE>", "boot a Multiboot kernel")
    .option("--kernel <FILE>", "boot a Linux kernel (bzImage)")
    .option("--initrd <FILE>", "its initial ramdisk")
    .option("--append <STRING>", "the Linux kernel's command line, or what follows FILE in the Multiboot kernel's")
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
    .option("--disk <FILE...>", "disks; the first is booted when nothing else is given to boot")
    .option("--floppy <FILE...>", "diskettes in drives A and B, for the BIOS; the first is booted before the disk")
    .option("--no-pci", "a machine without a PCI bus")
    .option("--type <TEXT>", "type on the PC keyboard from the start; \\n is Enter, \\e Escape", keyboardText)
    .option(
      "--strict-uart",
      "serial ports take their time to send, and need OUT2 to interrupt, as the data sheet has it; otherwise they forgive",
    );
}

/** Adds the command to the program. */
export function registerMachine(program: Command, io: CommandIo, host: TimedHost): void {
  const command = addMachineOptions(program.command("machine"))
    .option("--module <FILE...>", "files to load beside the Multiboot kernel")
    .summary("run a kernel, ROM, disk or raw image of your own on an i386 PC")
    .description(
      "Runs an i386 PC. It boots a Multiboot or Linux kernel, ROM images from the\n" +
        "reset vector, raw images, a disk or a diskette. COM1 is standard input and\n" +
        "output, the debug console (port 0xE9) standard error.\n\n" +
        "Exit status: (V << 1) | 1 for a write of V to the exit port 0xF4; 0 when the\n" +
        "guest switches the machine off (ports 0x604, 0xB004, 0x8900); 2 for wrong\n" +
        "usage or a file that cannot be used; 3 after a triple fault; 4 instructions\n" +
        "used up; 5 all cores halted for good; 130 after Ctrl-C.",
    )
    .option("--memory <MiB>", "memory of the machine", wholeNumber("memory in MiB", 1, MAXIMUM_RAM / MIB), 32)
    .option("--disk-write", "write what changed on disks and diskettes back to their files at the end")
    .option(
      "--cpu-hz <N>",
      "instructions a second of the machine's time (default: 10000000)",
      wholeNumber("a frequency in hertz", SLOWEST_CPU, FASTEST_CPU),
    )
    .option("--serial <stdio|FILE>", "where COM1 leads", STDIO)
    .addOption(
      new Option("--keyboard <stdio>", "standard input is typed on the PC keyboard, in place of COM1").choices([STDIO]),
    )
    .option(
      "--post <PORT>",
      "print what is written to this port, as firmware reports its progress",
      wholeNumber("a port", 0, 0xffff),
    )
    .option("--post-text", "print it as text, as SeaBIOS writes to port 0x402, not as numbers")
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
  addTapeOptions(addTierOption(addMemoryModelOption(command))).action(async (options: MachineCommandOptions) => {
    await reporting(io, async () => {
      refuseWithReplay(command, [], ["vga", "realtime", "stats", "gdb", "tier"]);
      const status = await machineCommand(options, io, host);
      if (status !== 0) io.exitStatus(status);
    });
  });
}
