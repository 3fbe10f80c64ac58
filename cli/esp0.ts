#!/usr/bin/env node
/** The `esp0` command. */
import { Command, CommanderError } from "commander";
import { version } from "../package.json";
import { registerAs } from "./as.ts";
import { registerDebug } from "./debug.ts";
import { STATUS_BAD_INPUT } from "./io.ts";
import { registerMachine } from "./machine.ts";
import { registerObjdump } from "./objdump.ts";
import { processHost } from "./process-host.ts";
import { processIo } from "./process-io.ts";
import { registerReport } from "./report.ts";
import { registerRun } from "./run.ts";

const program = new Command("esp0")
  .description("An i386 PC emulator, and a Linux-style kernel to look into.")
  .version(version)
  // Descriptions are written in lines of their own; help has those of the terminal.
  .configureHelp({ commandDescription: (command) => command.description().replace(/(\S)\n(?=\S)/g, "$1 ") })
  .exitOverride()
  .showHelpAfterError("(add --help for more)");
registerRun(program, processIo, processHost);
registerMachine(program, processIo, processHost);
registerDebug(program, processIo, processHost);
registerReport(program, processIo);
registerAs(program, processIo);
registerObjdump(program, processIo);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has told the user already.
  if (!(error instanceof CommanderError)) throw error;
  processIo.exitStatus(error.exitCode === 0 ? 0 : STATUS_BAD_INPUT);
}
