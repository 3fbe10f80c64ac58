/**
 * Instruction templates: the compact rows of the instruction tables, parsed.
 *
 * A row has four or more columns, separated by blanks:
 *
 *     NAME[|NAME…]  SIZES  OPERANDS  OPCODE  [FLAG…]
 *
 * SIZES     `-`: the instruction has no operand size. `bwl`, or some of these letters: it has one, told by that suffix
 *           or by a register operand; a size of 16 or 32 bits other than the code size brings an operand-size prefix;
 *           with `b` beside others, bit 0 of the opcode tells bytes from words. A closing `!`: the code size is the
 *           default; a closing `^`: the size of what the stack holds is, which under .code16gcc is 32 bits. `!` alone:
 *           the code size, without suffixes. An opening `=`: no suffix is allowed.
 * OPERANDS  `.` for none, or operand patterns (below), separated by commas, in AT&T order.
 * OPCODE    hexadecimal bytes, then `/0`…`/7` (ModRM with that extension), `/r` (ModRM with a register operand) or
 *           `+r` (a register operand in the low bits of the opcode).
 * FLAG      `lock`: the lock prefix is allowed if an operand is in memory. `rep`: repeat prefixes are allowed.
 *           `wait`: a wait precedes the instruction. `far`: the last immediate is stored first. `short:XX`: the opcode
 *           of the short form of a branch. `address`: the size is the address size, not the operand size. `then:XX`:
 *           a byte behind the operands that belongs to the opcode.
 *
 * Operand patterns, in words what matches:
 *
 *     r rm acc imm                  register, register or memory, accumulator, immediate, of the operand size
 *     r8 r16 r32 rm8 rm16 rm32      the same, of a fixed size whatever the operand size
 *     imm8 imm16                    an immediate of a fixed size
 *     imm8s                         a constant that a sign-extended byte can hold
 *     one three                     that constant
 *     m moffs                       memory, memory without registers
 *     *r *m                         an indirect target
 *     rel rel8                      a branch target
 *     si di bx                      memory at that pointer register (16 or 32 bits), without displacement
 *     port count                    %dx or (%dx), %cl or %ecx
 *     sreg creg dreg treg sti       a segment, control, debug, test, x87 register
 *     st                            %st or %st(0)
 *     mm xmm mmm xmmm               an MMX or SSE register, the same or memory
 *     any other name                that register
 */

const PATTERNS = [
  "r",
  "rm",
  "acc",
  "imm",
  "imm8s",
  "r8",
  "r16",
  "r32",
  "rm8",
  "rm16",
  "rm32",
  "imm8",
  "imm16",
  "m",
  "moffs",
  "*r",
  "*m",
  "rel",
  "rel8",
  "one",
  "three",
  "count",
  "sreg",
  "creg",
  "dreg",
  "treg",
  "st",
  "sti",
  "mm",
  "xmm",
  "mmm",
  "xmmm",
  "si",
  "di",
  "bx",
  "port",
] as const;

/** One of {@link PATTERNS}, or `%` and the name of the one register that matches. */
export type Pattern = (typeof PATTERNS)[number] | `%${string}`;

export type OperandSize = 8 | 16 | 32;

/** Operand sizes of instructions that do not say theirs: of most, and of those that push, pop, call and return. */
export interface DefaultSizes {
  readonly code: 16 | 32;
  readonly stack: 16 | 32;
}

export interface Template {
  readonly names: readonly string[];
  /** Operand sizes in bits, empty when the instruction has none. */
  readonly sizes: readonly OperandSize[];
  /** The sizes can be named by a suffix. */
  readonly suffixed: boolean;
  /** Whose size is assumed when neither suffix nor register tells it. */
  readonly defaultsTo: keyof DefaultSizes | undefined;
  /** Bit 0 of the opcode is set for 16 and 32 bits. */
  readonly wide: boolean;
  readonly operands: readonly Pattern[];
  readonly opcode: readonly number[];
  /** ModRM reg field when it is not an operand, else -1. */
  readonly extension: number;
  /** Index of the operand in ModRM.reg, or -1. */
  readonly regOperand: number;
  /** Index of the operand in ModRM.rm, or -1 when there is no ModRM byte. */
  readonly rmOperand: number;
  /** Index of the operand in the low three bits of the opcode, or -1. */
  readonly opcodeOperand: number;
  readonly lockable: boolean;
  readonly repeatable: boolean;
  readonly waits: boolean;
  readonly far: boolean;
  /** A relative jump or call: a segment prefix, which is then a branch hint, follows the size prefixes. */
  readonly branches: boolean;
  /** Opcode of the short form, or -1. */
  readonly shortOpcode: number;
  /** The size is the address size, not the operand size. */
  readonly sizedByAddress: boolean;
  /** MMX or SSE: what else would be prefixes is part of the opcode. */
  readonly isVector: boolean;
  /** A byte behind the operands, or -1. */
  readonly lastByte: number;
}

const SIZE_OF_SUFFIX: Readonly<Record<string, OperandSize>> = { b: 8, w: 16, l: 32 };

/** Parses a table, one row a line. */
export function parseTemplates(table: string): Template[] {
  return table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map(parseTemplate);
}

function parseTemplate(row: string): Template {
  const [names, sizes, operandText, opcodeText, ...flags] = row.split(/\s+/) as [
    string,
    string,
    string,
    string,
    ...string[],
  ];
  const operands = operandText === "." ? [] : operandText.split(",").map(parsePattern);
  const [, opcode, field] = /^([0-9A-F]+)(\/[0-7r]|\+r)?$/.exec(opcodeText) as unknown as [string, string, string?];
  const letters = sizes.replace(/[-=!^]/g, "");
  const byteOf = (flag: string): number => {
    const found = flags.find((candidate) => candidate.startsWith(`${flag}:`));
    return found === undefined ? -1 : Number.parseInt(found.slice(flag.length + 1), 16);
  };
  const regOperand = field === "/r" ? findRegOperand(operands) : -1;
  return {
    names: names.split("|"),
    sizes: sizes === "!" ? [16, 32] : [...letters].map((letter) => SIZE_OF_SUFFIX[letter] as OperandSize),
    suffixed: letters !== "" && !sizes.startsWith("="),
    defaultsTo: sizes.endsWith("!") ? "code" : sizes.endsWith("^") ? "stack" : undefined,
    wide: letters.length > 1 && letters.startsWith("b"),
    operands,
    opcode: (opcode.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)),
    extension: field !== undefined && /\d/.test(field) ? Number(field[1]) : -1,
    regOperand,
    rmOperand: field?.startsWith("/") ? findRmOperand(operands, regOperand) : -1,
    opcodeOperand: field === "+r" ? operands.findIndex((pattern) => pattern === "r" || pattern === "sti") : -1,
    lockable: flags.includes("lock"),
    repeatable: flags.includes("rep"),
    waits: flags.includes("wait"),
    far: flags.includes("far"),
    branches: operands.includes("rel") || operands.includes("rel8"),
    shortOpcode: byteOf("short"),
    sizedByAddress: flags.includes("address"),
    isVector: operands.some((pattern) => VECTOR.test(pattern)),
    lastByte: byteOf("then"),
  };
}

function parsePattern(text: string): Pattern {
  return (PATTERNS as readonly string[]).includes(text) ? (text as Pattern) : `%${text}`;
}

const VECTOR = /^x?mmm?$/;

/**
 * ModRM.reg holds the segment or system register if there is one, else the plain register; of MMX and SSE instructions the
 * last operand that is always a register.
 */
function findRegOperand(operands: readonly Pattern[]): number {
  if (operands.some((pattern) => VECTOR.test(pattern))) {
    return operands.findLastIndex((pattern) => /^(x?mm|r32)$/.test(pattern));
  }
  const system = operands.findIndex((pattern) => /^[scdt]reg$/.test(pattern));
  if (system >= 0) return system;
  const plain = operands.indexOf("r");
  return plain >= 0 ? plain : operands.findIndex((pattern) => /^r(8|16|32)$/.test(pattern));
}

/** ModRM.rm holds the other register or memory operand; with one operand both fields hold it. */
function findRmOperand(operands: readonly Pattern[], regOperand: number): number {
  const other = operands.findIndex(
    (pattern, index) => index !== regOperand && /^(\*?r|r?m)(8|16|32)?$|^\*m$|^x?mmm?$/.test(pattern),
  );
  return other >= 0 ? other : regOperand;
}

/** A byte as tables write it: two upper-case hexadecimal digits. */
export function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}
