/** Places in code as commands take them: `schedule`, `*0xc0101234`, `switch_to.S:21`, `21`, `prog.c:main`. */
import type { Scope } from "../../asm/dwarf/reader/index.ts";
import { PAGE_OFFSET } from "../../kernel/inspect.ts";
import { CommandError } from "./command-error.ts";
import type { Console } from "./console.ts";
import type { SourceLocation } from "./source-location.ts";

const FILE_LINE = /^([^\s:]+):(\d+)$/;
const FILE_FUNCTION = /^([^\s:]+):([A-Za-z_]\w*)$/;
const OFFSET = /^[+-]\d+$/;

/**
 * Linear addresses of a place where one can stop: of a function, behind what sets up its frame; of a line, the first
 * instruction in each function that has code of it.
 * @throws CommandError when no instruction comes from the line; ExpressionError, MemoryError
 */
export function placeAddresses(console: Console, text: string): number[] {
  const { symbols } = console.session;
  const place = text.trim();
  if (place.startsWith("*")) return [console.address(place.slice(1).trim())];
  const line = lineOf(console, place);
  if (line !== undefined) return lineAddresses(console, line);
  const functions = functionStarts(console, place);
  const starts = [...functions.map((start) => symbols.bodyOf(start)), ...inlinedStarts(console, place)];
  if (starts.length > 0) return [...new Set(starts)];
  const [, file, name] = FILE_FUNCTION.exec(place) ?? [];
  if (file !== undefined) throw new CommandError(`${filesNamed(console, file)[0]} has no function ${name}`);
  return [console.address(place)];
}

/** `FILE:LINE`, a line of the current file, or one that many lines from the current one; undefined for other places. */
export function lineOf(console: Console, place: string): SourceLocation | undefined {
  const match = FILE_LINE.exec(place);
  if (match !== null) return { file: match[1], line: Number(match[2]) };
  const isOffset = OFFSET.test(place);
  if (!isOffset && !/^\d+$/.test(place)) return undefined;
  const current = console.listed ?? console.frame().place;
  if (current === undefined) {
    throw new CommandError(`${place}: a line of which file? Here none is known; FILE:LINE, or *ADDRESS, is expected`);
  }
  return { file: current.file, line: isOffset ? current.line + Number(place) : Number(place) };
}

/** First addresses of a function by name, or of a function of a file: `prog.c:main`. */
export function functionStarts({ session }: Console, place: string): number[] {
  const scoped = FILE_FUNCTION.exec(place);
  const name = scoped?.[2] ?? place;
  if (!/^[A-Za-z_.$][\w.$]*$/.test(name)) return [];
  if (scoped === null) {
    // Assembly, and what no lines are known of, is found by its symbol.
    const address = session.symbols.lookup(name);
    const line = address === undefined ? undefined : session.symbols.lineEntry(address);
    if (address !== undefined && (line === undefined || /\.[sS]$/.test(line.file))) {
      return session.symbols.symbolize(address)?.offset === 0 && session.symbols.isCode(address) ? [address] : [];
    }
  }
  const found: Scope[] = [];
  for (const program of session.programs.from(session.linearEip())) {
    found.push(...program.functions(name).filter(({ file }) => scoped === null || isFile(file, scoped[1])));
  }
  return [...new Set(found.map(({ start }) => start))];
}

/** Where a function begins that the compiler has put into others. */
function inlinedStarts({ session }: Console, name: string): number[] {
  const { kernel, programs } = session;
  const address = session.symbols.lookup(name);
  // Nothing is put into others in the kernel.
  if (kernel !== undefined && address !== undefined && address >= PAGE_OFFSET) return [];
  return [...programs.from(session.linearEip())].flatMap((program) => program.inlined(name).map(({ start }) => start));
}

export function isFile(file: string, name: string): boolean {
  return file === name || file.endsWith(`/${name}`);
}

/** The files that a name, or the end of a path, means. @throws CommandError when there is none */
export function filesNamed({ session }: Console, file: string): string[] {
  try {
    return session.symbols.filesNamed(file);
  } catch (error) {
    throw error instanceof RangeError ? new CommandError(error.message) : error;
  }
}

function lineAddresses(console: Console, { file, line }: SourceLocation): number[] {
  const { symbols } = console.session;
  filesNamed(console, file);
  const addresses = symbols.addressesOf(file, line);
  if (addresses.length === 0) throw new CommandError(`no instruction comes from line ${line} of ${file}, or behind it`);
  return addresses.map((address) => (symbols.symbolize(address)?.offset === 0 ? symbols.bodyOf(address) : address));
}
