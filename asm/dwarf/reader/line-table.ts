/** Line tables with where each row ends. */
import { ElfError } from "../../elf-format.ts";
import type { ElfFile } from "../../elf-reader.ts";
import { type LineRow, readLineRows } from "../line-reader.ts";

/** A stretch of code that comes from one place in a source. */
export interface CodeLine {
  /** Linear address of its first instruction. */
  readonly address: number;
  /** Linear address behind its last one; the same as `address` for a statement of which no code is left. */
  readonly end: number;
  readonly file: string;
  /** Counts from 1; 0 where no line has caused the code. */
  readonly line: number;
  /** Counts from 1; undefined when it is not known. */
  readonly column?: number | undefined;
  /** Whether a statement begins here: a place to stop at. */
  readonly isStatement: boolean;
}

/** The line table of a program, by address; empty when it has none, or one that cannot be read. */
export function codeLines(elf: Pick<ElfFile, "sections">): CodeLine[] {
  let rows: LineRow[];
  try {
    rows = readLineRows((name) => elf.sections.find((section) => section.name === name)?.data);
  } catch (error) {
    if (error instanceof ElfError) return [];
    throw error;
  }
  const lines: CodeLine[] = [];
  rows.forEach((row, index) => {
    const next = rows[index + 1];
    if (row.isEnd || next === undefined || next.address < row.address) return;
    const { address, file, line, column, isStatement } = row;
    lines.push({ address, end: next.address, file, line, column: column === 0 ? undefined : column, isStatement });
  });
  return lines.sort((a, b) => a.address - b.address || a.end - b.end);
}
