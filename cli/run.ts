/** `esp0 run`: boots the kernel on a machine of its own and runs a program, or the demo, as pid 1. */
import type { Command } from "commander";
import { outOfPatience } from "../debug/session/patience.ts";
import { MAXIMUM_CPUS, MAXIMUM_RAM, perform } from "../emulator/index.ts";
import type { Kernel, KernelStop } from "../kernel/index.ts";
import { DEFAULT_MEMORY } from "../prebuilt/index.ts";
import { gdbOption, refuseWithGdb } from "./gdb-option.ts";
import { type CommandIo, InputError, openOutput, reporting } from "./io.ts";
import { booted, bootOptions, startKernel } from "./kernel-boot.ts";
import { addKernelOptions, addModuleOption, type KernelOptions, kernelWith } from "./kernel-modules.ts";
import { addMemoryModelOption, type MemoryModel } from "./memory-model-option.ts";
import { repeatedNotices } from "./notices.ts";
import { wholeNumber } from "./option-values.ts";
import { addTapeOptions, openTape, refuseWithReplay, type TapeOptions } from "./recording/open-tape.ts";
import type { TapedGuest } from "./recording/tape.ts";
import { reportEnd } from "./run-end.ts";
import type { RunHost } from "./run-host.ts";
import { STATUS_INTERRUPTED } from "./run-status.ts";
import { LONGEST_LINE } from "./standard-input.ts";
import { formatStatistics } from "./statistics.ts";
import { addTierOption } from "./tier-option.ts";

export type { RunHost };

const MIB = 1 << 20;
const SMALLEST_MEMORY = 4;
const FASTEST_CPU = 0xffffffff;

export interface RunOptions extends TapeOptions, KernelOptions {
  readonly quiet?: boolean;
  readonly stats?: boolean;
  /** MiB. */
  readonly memory?: number;
  /** Instructions a second of the machine's time. */
  readonly cpuHz?: number;
  readonly cpus?: number;
  readonly memoryModel?: MemoryModel;
  /** Checks what kernel functions say they need. */
  readonly debugKernel?: boolean;
  readonly maxInstructions?: number;
  readonly trace?: string;
  readonly traceLocks?: boolean;
  /** Executes the boot, though a state behind it is kept. */
  readonly fromReset?: boolean;
  /** TCP port, 0 for any. */
  readonly gdb?: number;
}

/** Runs to the end and returns the exit status. @throws InputError for files and options that cannot be used */
export async function runCommand(
  file: string | undefined,
  args: readonly string[],
  options: RunOptions,
  io: CommandIo,
  host: RunHost,
): Promise<number> {
  const { memory, cpuHz, cpus, memoryModel, debugKernel, maxInstructions, module, syscall, preset, config } = options;
  if (options.traceLocks && options.trace === undefined)
    throw new InputError("--trace-locks: of use with --trace FILE only");
  const isTaped = options.record !== undefined || options.replay !== undefined;
  const kernelOfTape = isTaped ? { kernel: (await import("./kernel-digest.ts")).kernelDigest() } : {};
  const tape = await openTape(
    "run",
    {
      file,
      args,
      options: { memory, cpuHz, cpus, memoryModel, debugKernel, maxInstructions, module, syscall, preset, config },
      ...kernelOfTape,
    },
    options,
    io,
  );
  const recorded: RunOptions = tape.call.options;
  const image = await kernelWith({ ...recorded, vmlinux: options.vmlinux }, tape.io);
  if (options.gdb !== undefined) {
    refuseWithGdb({ ...options }, ["trace", "traceLocks", "maxInstructions", "stats"]);
    const { runKernelWithGdb } = await import("./run-gdb.ts");
    return await runKernelWithGdb(image, tape, options.gdb, options.quiet === true, io, host);
  }
  const started = host.now();
  const budget = recorded.maxInstructions ?? Number.POSITIVE_INFINITY;
  const { file: program, args: programArguments = [] } = tape.call;
  const boot = bootOptions(program, programArguments, { ...recorded, image, quiet: options.quiet === true }, tape.io);
  // A trace tells of the boot, too.
  const isWhole = options.fromReset === true || options.trace !== undefined;
  const { kernel, log: logged } = booted(() =>
    startKernel(boot, isWhole, { cycle: tape.begins, instructions: budget }),
  );
  const begun = kernel.machine.instructions;
  const { trace, traceLocks = false } = options;
  const endTrace = trace === undefined ? undefined : await beginTrace(kernel, trace, traceLocks, io);
  const output: number[] = [];
  const log: number[] = options.quiet ? [] : [...new TextEncoder().encode(logged)];
  kernel.on_output = (byte) => output.push(byte);
  if (!options.quiet) kernel.on_log = (byte) => log.push(byte);
  const feed = tape.feed(kernelGuest(kernel, host));
  let reading = true;
  const flush = () => {
    if (log.length > 0) io.stderr(Buffer.from(log.splice(0)).toString("latin1"));
    if (output.length === 0) return;
    const bytes = Uint8Array.from(output.splice(0));
    feed.sent(bytes);
    reading &&= host.writeOutput(bytes);
  };

  let interrupted = false;
  const stopListening = host.onInterrupt(() => {
    interrupted = true;
    feed.cancel();
  });
  let stop: KernelStop;
  /** Instructions at the last look. */
  let looked = 0;
  try {
    for (;;) {
      const { instructions } = kernel.machine;
      // Looks come where they would if all of the boot was run here.
      while (looked + feed.slice <= instructions) {
        looked += feed.slice;
        await feed.look();
      }
      stop = kernel.run({
        maxInstructions: Math.min(looked + feed.slice, budget) - instructions,
        untilCycle: feed.due,
        until: outOfPatience(host.now),
      });
      flush();
      if (interrupted || !reading) break;
      if (stop.kind === "condition") {
        await host.breathe();
        continue;
      }
      looked = kernel.machine.instructions;
      if (stop.kind === "input") {
        if (!(await feed.rest())) break;
      } else if (stop.kind === "budget" && looked < budget) {
        await host.breathe();
        if (interrupted) break;
        await feed.look();
      } else break;
      if (interrupted || feed.ended) break;
    }
  } finally {
    stopListening();
    feed.close();
    endTrace?.();
  }
  flush();
  const kind = interrupted ? "interrupted" : reading ? stop.kind : "output-closed";
  const isCut = interrupted || !reading || feed.ended;
  const status = interrupted ? STATUS_INTERRUPTED : isCut ? 0 : await reportEnd(stop, kernel, budget, io);
  if (!options.quiet) io.stderr(repeatedNotices(kernel.machine.notices));
  if (options.stats) {
    const executed = kernel.machine.instructions - begun;
    io.stderr(formatStatistics(kernel.statistics, kernel.machine, host.now() - started, executed));
  }
  return tape.end(kind, status);
}

/** A kernel takes a line whenever a task waits for one. */
function kernelGuest(kernel: Kernel, host: RunHost): TapedGuest {
  return {
    machine: kernel.machine,
    source: host.stdin,
    now: host.now,
    wants: () => (kernel.wants_input ? LONGEST_LINE : 0),
    wantsAtRest: () => LONGEST_LINE,
    takesLines: true,
    perform: (action) =>
      perform(
        {
          machine: kernel.machine,
          input: (bytes) => kernel.input(bytes),
          closeInput: () => kernel.close_input(),
        },
        action,
      ),
  };
}

/** Most runs do without. */
const debugging = () => import("../debug/index.ts");

/** Records the run in a file; returns what ends that. */
async function beginTrace(kernel: Kernel, path: string, locks: boolean, io: CommandIo): Promise<() => void> {
  const { TraceFile, traceFormatOf } = await debugging();
  const file = openOutput(io, path);
  const trace = new TraceFile(kernel, traceFormatOf(path), file.write, { locks: locks ? "all" : "waits" });
  return () => {
    trace.end();
    file.close();
  };
}

/** The program to boot, for commands that boot the kernel. */
export function addProgramArguments(command: Command): Command {
  return command
    .argument("[FILE]", "program to run")
    .argument("[ARGS...]", "its arguments; put -- before those that begin with a dash")
    .option(
      "--cpu-hz <N>",
      "instructions a second of the machine's time, 10000000 by default, 50000 at least: how far timer interrupts are apart",
      wholeNumber("a frequency in hertz", 1, FASTEST_CPU),
    )
    .option(
      "--debug-kernel",
      "check that kernel functions are called as they say they need: an oops for one that is not",
    );
}

/** Adds the command to the program. */
export function registerRun(program: Command, io: CommandIo, host: RunHost): void {
  const command = addProgramArguments(program.command("run"))
    .summary("boot the kernel and run a program as pid 1")
    .description(
      "Boots the kernel and runs FILE as pid 1: an AT&T assembly source (.S), assembled and linked at 0x08048000, or a\n" +
        "static i386 Linux ELF. Without FILE, runs the built-in demo. Standard output carries what programs write,\n" +
        "standard error the kernel log. Exit status: that of pid 1, or 128 + the signal that killed it; 2 for wrong\n" +
        "usage or a file that cannot be used, standard output among them; 3 kernel panic; 4 instructions used up;\n" +
        "5 everything asleep for good.",
    )
    .option("-q, --quiet", "do not show the kernel log, and what the emulator has to tell of the guest")
    .option("--stats", "print statistics at the end")
    .option(
      "--memory <MiB>",
      "memory of the machine",
      wholeNumber("memory in MiB", SMALLEST_MEMORY, MAXIMUM_RAM / MIB),
      DEFAULT_MEMORY,
    )
    .option("--cpus <N>", "processors (default: 1)", wholeNumber("the number of processors", 1, MAXIMUM_CPUS))
    .option(
      "--max-instructions <N>",
      "end the run after N instructions",
      wholeNumber("a number of instructions", 1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      "--trace <FILE>",
      "write kernel events to FILE: JSON Lines, or Chrome's trace format for Perfetto if it ends in .json",
    )
    .option("--trace-locks", "with --trace: every spinlock that is taken and given, not only those that CPUs wait for")
    .option(
      "--from-reset",
      "execute the kernel's boot, too, where a run begins otherwise in the state that it leads to; the run is the same",
    )
    .addOption(gdbOption());
  addTapeOptions(addTierOption(addMemoryModelOption(addKernelOptions(addModuleOption(command))))).action(
    async (file: string | undefined, args: string[], options: RunOptions) => {
      await reporting(io, async () => {
        const own = ["quiet", "stats", "trace", "traceLocks", "fromReset", "gdb", "vmlinux", "tier"];
        refuseWithReplay(command, file === undefined ? [] : [file], own);
        const status = await runCommand(file, args, options, io, host);
        if (status !== 0) io.exitStatus(status);
      });
    },
  );
}
