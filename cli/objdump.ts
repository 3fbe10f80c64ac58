/** `esp0 objdump`: disassembles ELF files. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ElfError } from "../asm/elf-format.ts";
import { objdump } from "../asm/objdump.ts";
import { type CommandIo, InputError, readInput, reporting } from "./io.ts";

export interface ObjdumpCommandOptions {
  readonly bits?: 16 | 32;
  readonly section?: string;
  readonly symbol?: string;
}

/** Prints the disassembly of a file. Returns the exit status. */
export function objdumpCommand(path: string, options: ObjdumpCommandOptions, io: CommandIo): Promise<number> {
  return reporting(io, async () => {
    const file = readInput(io, path);
    try {
      io.stdout(await objdump(file, { name: path, ...options }));
    } catch (error) {
      if (error instanceof ElfError || error instanceof RangeError) throw new InputError(`${path}: ${error.message}`);
      throw error;
    }
  });
}

function parseBits(text: string): 16 | 32 {
  if (text !== "16" && text !== "32") throw new InvalidArgumentError("It is 16 or 32.");
  return text === "16" ? 16 : 32;
}

/** Adds the `objdump` command to a program. */
export function registerObjdump(program: Command, io: CommandIo): void {
  program
    .command("objdump")
    .description("disassemble an ELF object or executable, with symbols and relocations")
    .argument("<file>", "ELF32 i386 file")
    .addOption(new Option("--bits <16|32>", "size of operands and addresses without prefixes").argParser(parseBits))
    .option("--section <name>", "only this section (by default all that hold code)")
    .option("--symbol <name>", "only the code from this symbol up to the next")
    .action(async (path: string, options: ObjdumpCommandOptions) => {
      await objdumpCommand(path, options, io);
    });
}
