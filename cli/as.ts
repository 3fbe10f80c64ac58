/** `esp0 as`: assembles AT&T source to an ELF object, a static executable or a flat binary. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { assemble } from "../asm/assemble.ts";
import { AssemblyError, formatDiagnostic } from "../asm/diagnostics.ts";
import { imageDebugSections, withDebugSections } from "../asm/dwarf/program-units.ts";
import { ElfError } from "../asm/elf-format.ts";
import { objectFromElf } from "../asm/elf-object.ts";
import { readElf } from "../asm/elf-reader.ts";
import { writeExecutable, writeRelocatable } from "../asm/elf-writer.ts";
import { flatBinary, type LinkedImage, systemMap } from "../asm/linked-image.ts";
import { DEFAULT_TEXT_ADDRESS, LinkError, link } from "../asm/linker.ts";
import type { ObjectFile } from "../asm/object-file.ts";
import {
  type CommandIo,
  InputError,
  MODE_FILE,
  MODE_PROGRAM,
  parseNumber,
  readInput,
  reporting,
  writeOutput,
} from "./io.ts";
import { byteIncluder, decodeText, includer, isElf } from "./source-files.ts";

export interface AsCommandOptions {
  /** The file to write. */
  readonly output: string;
  /** Link to this address; `true` for the usual one. Without it an ELF file is left relocatable. */
  readonly link?: number | true;
  /** `elf` if not given. */
  readonly format?: "elf" | "bin";
  /** Directories to search for included files, after that of the file that includes. */
  readonly include?: readonly string[];
  readonly define?: Readonly<Record<string, number>>;
  /** The symbol where execution starts. */
  readonly entry?: string;
  /** Where to write the symbols by address. */
  readonly map?: string;
  /** Add what a debugger needs to show source lines (DWARF). */
  readonly debug?: boolean;
}

/** An object from a source, or from an ELF object that is taken as it is. */
function loadObject(path: string, options: AsCommandOptions, io: CommandIo): ObjectFile {
  const bytes = readInput(io, path);
  if (isElf(bytes)) return objectFromElf(readElf(bytes), path);
  return assemble(decodeText(bytes, path), {
    file: path,
    defines: options.define ?? {},
    include: includer(options.include ?? [], io),
    includeBytes: byteIncluder(options.include ?? [], io),
    onWarning: (warning) => io.stderr(`${formatDiagnostic(warning).replace(": error: ", ": warning: ")}\n`),
  });
}

function linkObjects(objects: readonly ObjectFile[], options: AsCommandOptions): LinkedImage {
  const isFlat = options.format === "bin";
  const usual = isFlat && options.link === undefined ? 0 : DEFAULT_TEXT_ADDRESS;
  return link(objects, {
    textAddress: typeof options.link === "number" ? options.link : usual,
    ...(isFlat ? { pageSize: 1, entry: null } : {}),
    ...(options.entry === undefined ? {} : { entry: options.entry }),
  });
}

function imageFile(image: LinkedImage, { format, debug }: AsCommandOptions): Uint8Array {
  if (format !== "bin") return writeExecutable(image, debug ? imageDebugSections(image) : []);
  try {
    return flatBinary(image);
  } catch (error) {
    throw error instanceof RangeError ? new InputError(error.message) : error;
  }
}

function produce(paths: readonly string[], options: AsCommandOptions, io: CommandIo): void {
  const isLinked = options.link !== undefined || options.format === "bin";
  if (!isLinked && paths.length > 1) throw new InputError("several files make one output only if linked: add --link");
  if (!isLinked && options.map !== undefined) throw new InputError("--map needs addresses: add --link or --format bin");
  if (options.debug && options.format === "bin")
    throw new InputError("-g needs a file that can hold it: leave out --format bin");
  if (!isLinked && options.entry !== undefined) throw new InputError("--entry needs addresses: add --link");
  const objects: ObjectFile[] = [];
  const errors: string[] = [];
  for (const path of paths) {
    try {
      objects.push(loadObject(path, options, io));
    } catch (error) {
      if (error instanceof AssemblyError) errors.push(error.message);
      else if (error instanceof ElfError) errors.push(`${path}: ${error.message}`);
      else throw error;
    }
  }
  if (errors.length > 0) throw new InputError(errors.join("\n"));
  if (!isLinked) {
    writeOutput(io, options.output, writeRelocatable(options.debug ? withDebugSections(objects[0]) : objects[0]));
    return;
  }
  const image = linkObjects(objects, options);
  if (image.segments.length === 0) {
    throw new InputError(`${paths.join(", ")}: nothing to link: write an instruction, or data such as \`.long 1\``);
  }
  const mode = options.format === "bin" ? MODE_FILE : MODE_PROGRAM;
  writeOutput(io, options.output, imageFile(image, options), mode);
  if (options.map !== undefined) writeOutput(io, options.map, systemMap(image));
}

/**
 * Assembles sources and writes one file. Returns the exit status; errors go to `io.stderr`, one a line, and then no
 * output is written.
 */
export function asCommand(paths: readonly string[], options: AsCommandOptions, io: CommandIo): Promise<number> {
  return reporting(io, () => {
    try {
      produce(paths, options, io);
    } catch (error) {
      if (error instanceof LinkError || error instanceof ElfError) throw new InputError(error.message);
      throw error;
    }
  });
}

function parseAddress(text: string): number {
  const value = parseNumber(text);
  if (value === undefined || value < 0)
    throw new InvalidArgumentError("It is an address such as 0x7c00; without one, --link stands behind the files.");
  return value;
}

function addDefinition(text: string, previous: Record<string, number> = {}): Record<string, number> {
  const [, name, value] = /^([A-Za-z_.$][A-Za-z0-9_.$]*)(?:=(.*))?$/s.exec(text) ?? [];
  const number = value === undefined ? 1 : parseNumber(value);
  if (name === undefined || number === undefined) {
    throw new InvalidArgumentError("It is NAME or NAME=VALUE, VALUE a number of at most 32 bits.");
  }
  return { ...previous, [name]: number };
}

/** Adds the `as` command to a program. */
export function registerAs(program: Command, io: CommandIo): void {
  program
    .command("as")
    .description("assemble AT&T source to an ELF object, an executable or a flat binary")
    .argument("<files...>", "sources; ELF objects to link with them")
    .requiredOption("-o, --output <file>", "file to write")
    .addOption(
      new Option("--link [address]", "link to this address (0x08048000 if none is given)").argParser(parseAddress),
    )
    .addOption(new Option("--format <format>", "elf, or bin for a flat binary").choices(["elf", "bin"]).default("elf"))
    .addOption(
      new Option("-I, --include <directory>", "search this directory for included files").argParser(
        (directory: string, previous: string[] = []) => [...previous, directory],
      ),
    )
    .addOption(new Option("-D, --define <name=value>", "define a constant").argParser(addDefinition))
    .option("--entry <symbol>", "start execution at this symbol (_start by default)")
    .option("-g, --debug", "add source lines for a debugger (DWARF)")
    .option("--map <file>", "write the symbols by address")
    .action(async (paths: string[], options: AsCommandOptions) => {
      await asCommand(paths, options, io);
    });
}
