/** The source lines that an ELF file tells. */
import type { ElfFile } from "../elf-reader.ts";
import type { LinkedLine } from "../linked-image.ts";
import { type DebugContents, readLineRows } from "./line-reader.ts";

function contentsOf(elf: ElfFile): DebugContents {
  return (name) => elf.sections.find((section) => section.name === name)?.data;
}

/**
 * The line table of an executable, by address; empty when it has none.
 * @throws ElfError for a table that breaks the format's rules
 */
export function elfLines(elf: ElfFile): LinkedLine[] {
  return readLineRows(contentsOf(elf))
    .map(({ address, file, line }) => ({ address, file, line }))
    .sort((a, b) => a.address - b.address);
}
