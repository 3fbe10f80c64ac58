/** `esp0 report`: what a trace adds up to, and drawings of it. */
import { join } from "node:path";
import type { Command } from "commander";
import { drawTrace, formatSummary, openTrace, summarize, TraceError } from "../debug/index.ts";
import { type CommandIo, InputError, makeOutputDirectory, readInput, reporting, writeOutput } from "./io.ts";
import { wholeNumber } from "./option-values.ts";

interface ReportOptions {
  readonly format: string;
  readonly svg?: string;
  readonly from?: number;
  readonly to?: number;
}

/** @throws InputError for a file that is no trace; the message names the line */
function report(file: string, options: ReportOptions, io: CommandIo): void {
  const { format, svg, from, to } = options;
  if (format !== "text" && format !== "json") throw new InputError(`--format ${format}: must be text or json`);
  if (from !== undefined && to !== undefined && from >= to) throw new InputError("--from must be before --to");
  const bytes = readInput(io, file);
  try {
    const trace = openTrace(bytes);
    const summary = summarize(trace);
    const window = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const drawings = svg === undefined ? undefined : drawTrace(trace, window);
    if (svg !== undefined && drawings !== undefined) writeDrawings(svg, drawings, io);
    io.stdout(format === "json" ? `${JSON.stringify(summary, undefined, 2)}\n` : formatSummary(summary));
  } catch (error) {
    if (error instanceof TraceError) throw new InputError(`${file}: ${error.message}`);
    throw error;
  }
}

/** Makes the directory and names each file on standard error. */
function writeDrawings(directory: string, drawings: ReadonlyMap<string, string>, io: CommandIo): void {
  makeOutputDirectory(io, directory);
  for (const [name, drawing] of drawings) {
    const path = join(directory, name);
    writeOutput(io, path, drawing);
    io.stderr(`${path}\n`);
  }
}

/** Adds the command to the program. */
export function registerReport(program: Command, io: CommandIo): void {
  const cycle = wholeNumber("a cycle", 0, Number.MAX_SAFE_INTEGER);
  program
    .command("report")
    .summary("sum up a trace, and draw it")
    .description(
      "Reads a trace that `esp0 run --trace` wrote as JSON Lines, and prints tables: times of tasks, system calls and\n" +
        "interrupts, switches by reason, wake-up latencies, faults. With --svg also draws the CPUs' timeline, page\n" +
        "tables around forks, kernel stacks, run queues, what schedulers choose by, and locks.",
    )
    .argument("<TRACE>", "trace file")
    .option("--format <FORMAT>", "text or json", "text")
    .option("--svg <DIR>", "write drawings to files in DIR")
    .option("--from <CYCLE>", "first cycle of what is drawn over time (default: that of the first exec)", cycle)
    .option("--to <CYCLE>", "last cycle of it (default: the trace's)", cycle)
    .action(async (file: string, options: ReportOptions) => {
      await reporting(io, () => report(file, options, io));
    });
}
