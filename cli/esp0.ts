#!/usr/bin/env node
/** The `esp0` command. */
import { Command, CommanderError } from "commander";
import { version } from "../package.json";
import { STATUS_BAD_INPUT } from "./io.ts";
import { processHost } from "./process-host.ts";
import { processIo } from "./process-io.ts";

/** The commands by name, in the order of the help: each loads what it needs. */
const commands: Readonly<Record<string, (program: Command) => Promise<void>>> = {
  run: async (program) => (await import("./run.ts")).registerRun(program, processIo, processHost),
  machine: async (program) => (await import("./machine.ts")).registerMachine(program, processIo, processHost),
  debug: async (program) => (await import("./debug.ts")).registerDebug(program, processIo, processHost),
  config: async (program) => (await import("./config.ts")).registerConfig(program, processIo),
  report: async (program) => (await import("./report.ts")).registerReport(program, processIo),
  as: async (program) => (await import("./as.ts")).registerAs(program, processIo),
  objdump: async (program) => (await import("./objdump.ts")).registerObjdump(program, processIo),
};

const program = new Command("esp0")
  .description("An i386 PC emulator, and a Linux-style kernel to look into.")
  .version(version)
  // Descriptions are written in lines of their own; help has those of the terminal.
  .configureHelp({ commandDescription: (command) => command.description().replace(/(\S)\n(?=\S)/g, "$1 ") })
  .exitOverride()
  .showHelpAfterError("(add --help for more)");

// Only the command that is called, if it is: loading the others takes longer than many a run.
const called = process.argv[2] ?? "";
for (const name of Object.hasOwn(commands, called) ? [called] : Object.keys(commands)) await commands[name](program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has told the user already.
  if (!(error instanceof CommanderError)) throw error;
  processIo.exitStatus(error.exitCode === 0 ? 0 : STATUS_BAD_INPUT);
}
