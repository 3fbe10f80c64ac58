/**
 * The source lines that an ELF file tells. A program does without them: tables that cannot be read count as none.
 */
import { ElfError } from "../elf-format.ts";
import type { ElfFile, ElfSection } from "../elf-reader.ts";
import type { LinkedLine } from "../linked-image.ts";
import { R_386_32, type SectionLine } from "../object-file.ts";
import { type DebugContents, type LineRow, readLineRows } from "./line-reader.ts";

const LINES = ".debug_line";

/** A row that names a line. */
type SourceRow = Pick<LineRow, "address" | "file" | "line" | "origin"> & { readonly column?: number };

function rowsOf(contents: DebugContents): SourceRow[] {
  try {
    return readLineRows(contents)
      .filter(({ line, isEnd }) => line > 0 && !isEnd)
      .map(({ address, file, line, column, origin }) => {
        const row = { address, file, line, origin };
        return column === 0 ? row : { ...row, column };
      });
  } catch (error) {
    if (error instanceof ElfError) return [];
    throw error;
  }
}

/** The line table of an executable, by address; empty when it has none. */
export function elfLines(elf: ElfFile): LinkedLine[] {
  return rowsOf((name) => elf.sections.find((section) => section.name === name)?.data)
    .map(({ origin: _, ...line }) => line)
    .sort((a, b) => a.address - b.address);
}

/** The lines of each section of a relocatable file, by offset. */
export function objectLines(elf: ElfFile): ReadonlyMap<ElfSection, readonly SectionLine[]> {
  const relocated = new Map<string, Uint8Array>();
  /** What addresses in the line table count from, by their place there. */
  const origins = new Map<number, ElfSection>();
  for (const { section, offset, type, symbol } of elf.relocations) {
    if (!section.name.startsWith(".debug_line") || type !== R_386_32 || symbol.section === undefined) continue;
    const data = relocated.get(section.name) ?? new Uint8Array(section.data);
    relocated.set(section.name, data);
    if (offset + 4 > data.length) continue;
    const view = new DataView(data.buffer, offset, 4);
    view.setUint32(0, view.getUint32(0, true) + symbol.value, true);
    if (section.name === LINES) origins.set(offset, symbol.section);
  }
  const contents = (name: string) => relocated.get(name) ?? elf.sections.find((section) => section.name === name)?.data;
  const lines = new Map<ElfSection, SectionLine[]>();
  for (const { address, origin, ...source } of rowsOf(contents)) {
    const section = origins.get(origin);
    if (section === undefined) continue;
    const list = lines.get(section);
    const line = { offset: address, ...source };
    if (list === undefined) lines.set(section, [line]);
    else list.push(line);
  }
  for (const list of lines.values()) list.sort((a, b) => a.offset - b.offset);
  return lines;
}
