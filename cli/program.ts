/** The program that `esp0 run FILE` makes pid 1: assembled on the fly, or a static ELF as it is. */
import {
  AssemblyError,
  assemble,
  ElfError,
  elfLines,
  LinkError,
  type LinkedImage,
  type LinkedLine,
  link,
  readElf,
  writeExecutable,
} from "../asm/index.ts";
import { type CommandIo, InputError, readInput } from "./io.ts";
import { decodeText, includer, isElf } from "./source-files.ts";

const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_INTERP = 3;
const USER_END = 0xc0000000;

/** The program's ELF file. @throws InputError that says what is wrong with the file and where */
export function loadProgram(path: string, io: CommandIo): Uint8Array {
  const bytes = readInput(io, path);
  try {
    if (isElf(bytes)) return checkedElf(bytes, path);
    if (!path.endsWith(".S") && !path.endsWith(".s")) {
      throw new InputError(`${path}: neither an ELF file nor an assembly source (.S); nothing else can be run`);
    }
    return writeExecutable(linkSource(path, bytes, io));
  } catch (error) {
    if (error instanceof ElfError) throw new InputError(`${path}: ${error.message}`);
    if (error instanceof AssemblyError || error instanceof LinkError) throw new InputError(error.message);
    throw error;
  }
}

function linkSource(path: string, bytes: Uint8Array, io: CommandIo): LinkedImage {
  return link([assemble(decodeText(bytes, path), { file: path, include: includer([], io) })], { entry: "_start" });
}

/** The source lines of a program that can be loaded: from its source, or from what an ELF file tells of them. */
export function programLines(path: string, io: CommandIo): readonly LinkedLine[] {
  const bytes = readInput(io, path);
  return isElf(bytes) ? elfLines(readElf(bytes)) : linkSource(path, bytes, io).lines;
}

/** Refuses what the kernel could not run anyway, with a better message than ENOEXEC. */
function checkedElf(bytes: Uint8Array, path: string): Uint8Array {
  const elf = readElf(bytes);
  const { segments, type } = elf;
  if (segments.some((segment) => segment.type === PT_INTERP)) {
    throw new InputError(`${path}: dynamically linked; link it with -static`);
  }
  if (type === ET_DYN) throw new InputError(`${path}: position-independent; link it with -static -no-pie`);
  if (type !== ET_EXEC)
    throw new InputError(`${path}: not an executable; link it first (esp0 as --link, or ld -m elf_i386)`);
  const loaded = segments.filter((segment) => segment.type === PT_LOAD);
  if (loaded.length === 0) throw new InputError(`${path}: has nothing to load (no PT_LOAD segment)`);
  for (const { virtualAddress, memorySize } of loaded) {
    if (virtualAddress + memorySize > USER_END) {
      throw new InputError(
        `${path}: has a segment at 0x${virtualAddress.toString(16)}; programs end below 0x${USER_END.toString(16)}`,
      );
    }
  }
  return bytes;
}
