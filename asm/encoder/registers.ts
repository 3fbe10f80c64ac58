/** The registers an operand can name, with their numbers in instruction fields (Intel SDM vol. 2, table 2-1/3-1). */

export type RegisterClass = "general" | "segment" | "control" | "debug" | "test" | "x87" | "mmx" | "sse";

export interface Register {
  readonly name: string;
  readonly class: RegisterClass;
  /** The number that goes into a ModRM, SIB or opcode field. */
  readonly number: number;
  /** Bits: 8, 16 or 32 for general registers, 16 for segment registers, 32 for system registers, 80 for x87, 64 for MMX, 128 for SSE. */
  readonly size: number;
}

const GENERAL_8 = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"];
const GENERAL_16 = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const SEGMENT = ["es", "cs", "ss", "ds", "fs", "gs"];
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

const REGISTERS: ReadonlyMap<string, Register> = new Map(
  [
    ...bank("general", 8, GENERAL_8),
    ...bank("general", 16, GENERAL_16),
    ...bank(
      "general",
      32,
      GENERAL_16.map((name) => `e${name}`),
    ),
    ...bank("segment", 16, SEGMENT),
    ...bank(
      "control",
      32,
      EIGHT.map((number) => `cr${number}`),
    ),
    ...bank(
      "debug",
      32,
      EIGHT.map((number) => `dr${number}`),
    ),
    ...bank(
      "debug",
      32,
      EIGHT.map((number) => `db${number}`),
    ),
    ...bank(
      "test",
      32,
      EIGHT.map((number) => `tr${number}`),
    ),
    ...bank(
      "mmx",
      64,
      EIGHT.map((number) => `mm${number}`),
    ),
    ...bank(
      "sse",
      128,
      EIGHT.map((number) => `xmm${number}`),
    ),
    ...bank("x87", 80, ["st"]),
    ...bank(
      "x87",
      80,
      EIGHT.map((number) => `st(${number})`),
    ),
  ].map((register) => [register.name, register]),
);

function bank(registerClass: RegisterClass, size: number, names: readonly string[]): Register[] {
  return names.map((name, number) => ({ name, class: registerClass, number, size }));
}

/** The register of that name (lower case, without the percent sign), or undefined. */
export function registerNamed(name: string): Register | undefined {
  return REGISTERS.get(name);
}

/** Whether `name` (lower case, without the percent sign) names a register of the i386. */
export function isRegister(name: string): boolean {
  return REGISTERS.has(name);
}

/** The byte that overrides the segment of a memory operand, by segment register number (SDM vol. 2, 2.1.1). */
export const SEGMENT_PREFIXES: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
