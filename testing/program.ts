/** Programs for pid 1, written where they are used. */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AssemblyError, assemble, ElfError, LinkError, link, readElf, writeExecutable } from "../asm/index.ts";
import { syscall_numbers } from "../kernel/inspect.ts";

/** What `asm` programs can use: SYS_ numbers, and the macros SYSCALL, PRINT and EXIT. */
export const PRELUDE = `
${Object.entries(syscall_numbers)
  .map(([name, number]) => `.set SYS_${name}, ${number}`)
  .join("\n")}
.macro SYSCALL name, ebx=, ecx=, edx=, esi=
.ifnb \\ebx
	movl \\ebx, %ebx
.endif
.ifnb \\ecx
	movl \\ecx, %ecx
.endif
.ifnb \\edx
	movl \\edx, %edx
.endif
.ifnb \\esi
	movl \\esi, %esi
.endif
	movl $SYS_\\name, %eax
	int $0x80
.endm
.macro PRINT text
	.pushsection .rodata
771:	.ascii "\\text"
772:
	.popsection
	SYSCALL write, $1, $771b, $(772b-771b)
.endm
.macro EXIT status=$0
	SYSCALL exit, \\status
.endm
`;

const PRELUDE_NAME = "prelude";
const ENTRY = "_start";
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
/** Names that `esp0 run` and `esp0 debug` give a program in the guest, too. */
const GUEST_NAME = /^[\w.+-]{1,64}$/;

/** A program as pid 1 gets it. */
export class Program {
  readonly #symbols = new Map<string, number>();

  constructor(
    /** A static ELF. */
    readonly elf: Uint8Array,
    /** Its name in /bin of the guest. */
    readonly name: string,
    /** The file it was read from, if it was. */
    readonly file?: string,
  ) {
    for (const { name: symbol, value } of readElf(elf).symbols) if (symbol !== "") this.#symbols.set(symbol, value);
  }

  /** Linear address of a symbol of the program; undefined when it has none of that name. */
  symbol(name: string): number | undefined {
    return this.#symbols.get(name);
  }

  get symbolNames(): string[] {
    return [...this.#symbols.keys()];
  }
}

/**
 * A static ELF of a program in AT&T syntax, with the prelude's numbers and macros at hand. Without a label `_start` it
 * begins at its first instruction.
 * @throws AssemblyError, LinkError with lines of `source`
 */
export function assembleProgram(source: string, file = "init.S"): Uint8Array {
  const labelled = new RegExp(`(^|[\\s;:])${ENTRY}\\s*:`).test(source);
  const start = ` .globl ${ENTRY};${labelled ? "" : ` ${ENTRY}:`}`;
  // On the first line of the source, so that the lines of messages are those of the source.
  const text = `.include "${PRELUDE_NAME}";${start} ${source}`;
  const include = () => ({ file: PRELUDE_NAME, text: PRELUDE });
  return writeExecutable(link([assemble(text, { file, include })], { entry: ENTRY }));
}

/**
 * A program, assembled at once: asm\`…\` takes the text as it stands, backslashes and all.
 * @throws AssemblyError, LinkError as `assembleProgram` does
 */
export function asm(text: TemplateStringsArray, ...values: readonly (string | number)[]): Program {
  return new Program(assembleProgram(String.raw(text, ...values)), "init");
}

/** What `bootKernel` takes for pid 1: asm\`…\`, a file (.S source or static ELF) as for `esp0 run`, or an ELF's bytes. */
export type ProgramSource = Program | { readonly file: string } | Uint8Array;

/** A file that is no program. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

/** Whether an error says what is wrong with a program. */
export function isMistake(error: unknown): error is Error {
  return [ProgramError, AssemblyError, LinkError, ElfError].some((kind) => error instanceof kind);
}

/** Why files cannot be read, by Node's codes. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "it may not be read",
};

/** @throws ProgramError */
function read(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const expected = `{ file } is an assembly source (.S) or a static ELF, by its path from ${process.cwd()}`;
    throw new ProgramError(`${file}: ${REASONS[code] ?? message}; ${expected}`);
  }
}

/** @throws AssemblyError, LinkError, ElfError, ProgramError */
export function programOf(source: ProgramSource): Program {
  if (source instanceof Program) return source;
  if (source instanceof Uint8Array) return new Program(source, "init");
  const { file } = source;
  const bytes = read(file);
  const stem = basename(file).replace(/\.[sS]$/, "");
  if (!GUEST_NAME.test(stem)) throw new ProgramError(`${file}: the guest wants names of letters, digits and . _ + -`);
  if (ELF_MAGIC.every((byte, index) => bytes[index] === byte)) return new Program(bytes, stem, file);
  const object = assemble(new TextDecoder().decode(bytes), { file, include: besideIncluder });
  return new Program(writeExecutable(link([object], { entry: ENTRY })), stem, file);
}

/** Included files lie beside the one that includes them. */
function besideIncluder(name: string, from: string): { file: string; text: string } | undefined {
  const file = join(dirname(from), name);
  try {
    return { file, text: readFileSync(file, "utf8") };
  } catch {
    return undefined;
  }
}
