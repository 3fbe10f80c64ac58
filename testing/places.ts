/** Places in code as tests name them: an address, a symbol, or a line of the kernel's source. */
import type { LinkedLine } from "../asm/index.ts";

const FILE_LINE = /^(\S+):(\d+)$/;

/** `sched.ts:214` as file and line; undefined for what is no line. */
export function lineOf(where: string): { file: string; line: number } | undefined {
  const [, file, line] = FILE_LINE.exec(where) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}

/**
 * Addresses where code of a line begins: where an instruction of it follows one of another line.
 * @param file a path, or the end of one
 * @throws RangeError when no instruction is of that line; the message says which lines near it have code
 */
export function lineAddresses(lines: readonly LinkedLine[], file: string, line: number): number[] {
  const inFile = lines.filter((entry) => entry.file === file || entry.file.endsWith(`/${file}`));
  if (inFile.length === 0) throw new RangeError(`${file}:${line}: no code comes from a file of that name`);
  const found = lines.filter((entry, i) => {
    const before = lines[i - 1];
    const begins = before === undefined || before.line !== line || before.file !== entry.file;
    return entry.line === line && begins && inFile.includes(entry);
  });
  if (found.length > 0) return [...new Set(found.map(({ address }) => address))];
  const near = [...new Set(inFile.map((entry) => entry.line))].sort((a, b) => Math.abs(a - line) - Math.abs(b - line));
  throw new RangeError(
    `${file}:${line}: no instruction comes from that line; ${near.slice(0, 3).join(", ")} have some`,
  );
}
