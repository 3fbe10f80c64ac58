/** Running the GDB that is installed, against a server of ours. */
import { spawn, spawnSync } from "node:child_process";
import { oracle } from "../../oracles.ts";

/** Whether there is a GDB. */
export function hasGdb(): boolean {
  return oracle("gdb", spawnSync("gdb", ["--version"], { stdio: "ignore" }).status === 0);
}

function argumentsOf(file: string, port: number, commands: readonly string[]): string[] {
  const all = ["set pagination off", "set confirm off", `target remote 127.0.0.1:${port}`, ...commands];
  return ["-nx", "-batch", ...all.flatMap((command) => ["-ex", command]), ...(file === "" ? [] : [file])];
}

/** What GDB prints on a terminal: errors, and what monitor commands answer, where they come. */
export function gdbScreen(file: string, port: number, commands: readonly string[]): Promise<string> {
  const gdb = spawn("sh", ["-c", 'exec gdb "$@" 2>&1', "sh", ...argumentsOf(file, port, commands)]);
  const printed: Buffer[] = [];
  return new Promise((resolve, reject) => {
    gdb.stdout.on("data", (piece: Buffer) => printed.push(piece));
    gdb.on("error", reject);
    gdb.on("close", () => resolve(Buffer.concat(printed).toString()));
  });
}

/** Runs GDB on a file, if it is given one, with commands, connected to a port of this host; everything it prints, errors last. */
export function runGdb(file: string, port: number, commands: readonly string[]): Promise<string> {
  const gdb = spawn("gdb", argumentsOf(file, port, commands));
  // Two pipes: the order in which pieces of both arrive is not the order in which GDB wrote them.
  const printed: Buffer[] = [];
  const errors: Buffer[] = [];
  return new Promise((resolve, reject) => {
    gdb.stdout.on("data", (piece: Buffer) => printed.push(piece));
    gdb.stderr.on("data", (piece: Buffer) => errors.push(piece));
    gdb.on("error", reject);
    gdb.on("close", () => resolve(Buffer.concat([...printed, ...errors]).toString()));
  });
}
