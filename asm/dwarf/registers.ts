/** The i386's registers as DWARF numbers them (System V ABI, i386 supplement, figure 2-14, and GNU's additions to it). */

const GENERAL = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags"];
const SEGMENT = ["es", "cs", "ss", "ds", "fs", "gs"];

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...numbered(0, GENERAL),
  ...numbered(11, bank("st(", ")")),
  ...numbered(21, bank("xmm")),
  ...numbered(29, bank("mm")),
  ...numbered(37, ["fcw", "fsw", "mxcsr"]),
  ...numbered(40, SEGMENT),
  ...numbered(48, ["tr", "ldtr"]),
  ["st", 11],
]);

function bank(before: string, after = ""): string[] {
  return Array.from({ length: 8 }, (_, index) => `${before}${index}${after}`);
}

function numbered(first: number, names: readonly string[]): (readonly [string, number])[] {
  return names.map((name, index) => [name, first + index]);
}

/** The number of the register of that name (lower case, without the percent sign), or undefined. */
export function dwarfRegister(name: string): number | undefined {
  return NUMBERS.get(name);
}
