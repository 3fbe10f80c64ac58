/** The option `--gdb PORT`; gdb-session.ts carries it out. */
import { Option } from "commander";
import { InputError } from "./io.ts";
import { wholeNumber } from "./option-values.ts";

const HIGHEST_PORT = 0xffff;

export function gdbOption(): Option {
  return new Option(
    "--gdb <PORT>",
    "wait for GDB on this TCP port of this host before the first instruction; 0: any free port",
  ).argParser(wholeNumber("a port", 0, HIGHEST_PORT));
}

/** @throws InputError for options given that do nothing while GDB is in charge */
export function refuseWithGdb(options: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const name of names) {
    if (options[name] === undefined || options[name] === false) continue;
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new InputError(`esp0: --${option} does not go with --gdb`);
  }
}
