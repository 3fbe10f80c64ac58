/** How to see a run again in the debugger. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BootOptions } from "../kernel/index.ts";
import type { BootKernelOptions } from "./options.ts";
import type { Program } from "./program.ts";

const MIB = 1 << 20;

/** A run, by what it was begun with and how far it is. */
interface Run {
  readonly program: Program;
  readonly options: BootKernelOptions;
  readonly bootOptions: BootOptions;
  /** Instructions since reset. */
  readonly position: number;
}

/** The command, and what to type there; or what to do when the command line cannot say all that the test did. */
export function reproductionOf(booted: Run, interventions: readonly string[]): string {
  const { bootOptions, options, position } = booted;
  const beyond = [
    ...(Object.keys(options.files ?? {}).length > 0 ? ["files"] : []),
    ...((options.modules ?? []).length > 0 ? ["modules"] : []),
    ...new Set(interventions),
  ];
  if (beyond.length > 0) {
    return `to go on from here in a debugger, backwards too: await kernel.debugSession(), which repeats its ${beyond.join(", ")}`;
  }
  const { memoryBytes = 0, cpuHz, cpus = 1, memoryModel, debug = false, args = [] } = bootOptions;
  const words = [
    ...["npx", "esp0", "debug", "--memory", String(memoryBytes / MIB)],
    ...(cpuHz === undefined ? [] : ["--cpu-hz", String(cpuHz)]),
    ...(cpus === 1 ? [] : ["--cpus", String(cpus)]),
    ...(options.preset === undefined ? [] : ["--preset", options.preset]),
    ...Object.entries(options.config ?? {}).flatMap(([key, value]) => ["--config", `${key}=${value}`]),
    ...(memoryModel === undefined ? [] : ["--memory-model", memoryModel]),
    ...(debug ? ["--debug-kernel"] : []),
    ...[fileOf(booted.program), ...args],
  ];
  return `reproduce with: ${words.map(shellWord).join(" ")}\nand there: goto ${position}`;
}

/** The program's file; one without gets one, by its contents, under the name that it has in the guest. */
function fileOf(program: Program): string {
  if (program.file !== undefined) return program.file;
  const directory = join(tmpdir(), "esp0-testing", contentsHash(program.elf));
  const file = join(directory, program.name);
  if (!existsSync(file)) {
    mkdirSync(directory, { recursive: true });
    const partial = `${file}.${process.pid}`;
    writeFileSync(partial, program.elf);
    renameSync(partial, file);
  }
  return file;
}

/** FNV-1a. */
function contentsHash(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
