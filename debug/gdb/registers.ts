/** The registers as GDB numbers them, and the description of the target that says so (GDB manual, appendix G). */
import type { RegisterName, X87Registers } from "../../emulator/index.ts";

export interface GdbRegister {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly type: string;
  /** Its name in the machine, or how to get it from the x87's; those can only be read. */
  readonly source: RegisterName | ((x87: X87Registers) => number | Uint8Array);
}

function word(name: RegisterName, type = "int32"): GdbRegister {
  return { name, size: 4, type, source: name };
}

const GENERAL: readonly GdbRegister[] = [
  ...(["eax", "ecx", "edx", "ebx"] as const).map((name) => word(name)),
  ...(["esp", "ebp"] as const).map((name) => word(name, "data_ptr")),
  ...(["esi", "edi"] as const).map((name) => word(name)),
  word("eip", "code_ptr"),
  word("eflags", "i386_eflags"),
  ...(["cs", "ss", "ds", "es", "fs", "gs"] as const).map((name) => word(name)),
];

const X87_WORDS: Readonly<Record<string, (x87: X87Registers) => number>> = {
  fctrl: ({ control }) => control,
  fstat: ({ status }) => status,
  ftag: ({ tags }) => tags,
  fiseg: ({ instructionSelector }) => instructionSelector,
  fioff: ({ instructionOffset }) => instructionOffset,
  foseg: ({ dataSelector }) => dataSelector,
  fooff: ({ dataOffset }) => dataOffset,
  fop: ({ opcode }) => opcode,
};

const FLOATING_POINT: readonly GdbRegister[] = [
  ...Array.from(
    { length: 8 },
    (_, i): GdbRegister => ({
      name: `st${i}`,
      size: 10,
      type: "i387_ext",
      source: ({ stack }) => stack[i],
    }),
  ),
  ...Object.entries(X87_WORDS).map(([name, source]): GdbRegister => ({ name, size: 4, type: "int", source })),
];

const SYSTEM: readonly GdbRegister[] = [
  word("cr0", "uint32"),
  word("cr2", "data_ptr"),
  word("cr3", "data_ptr"),
  word("cr4", "uint32"),
  word("gdtr_base", "data_ptr"),
  word("gdtr_limit", "uint32"),
  word("idtr_base", "data_ptr"),
  word("idtr_limit", "uint32"),
  word("ldtr"),
  word("tr"),
];

/** By GDB's number. The features of the description are parts of it, in its order. */
export const GDB_REGISTERS: readonly GdbRegister[] = [...GENERAL, ...FLOATING_POINT, ...SYSTEM];

/** Bits of EFLAGS that GDB shows by name. */
const FLAGS: readonly (readonly [name: string, start: number])[] = [
  ["CF", 0],
  ["", 1],
  ["PF", 2],
  ["AF", 4],
  ["ZF", 6],
  ["SF", 7],
  ["TF", 8],
  ["IF", 9],
  ["DF", 10],
  ["OF", 11],
  ["NT", 14],
  ["RF", 16],
  ["VM", 17],
  ["AC", 18],
  ["VIF", 19],
  ["VIP", 20],
  ["ID", 21],
];

function describe(registers: readonly GdbRegister[], group = ""): string {
  return registers
    .map(({ name, size, type }) => `<reg name="${name}" bitsize="${8 * size}" type="${type}"${group}/>`)
    .join("\n");
}

/**
 * What `qXfer:features:read:target.xml` tells of the target. GDB asks when it connects and disassembles code of 16 or of 32
 * bits from then on; from 16 to 32 its user can change that, not back.
 * @param bits of the code that runs
 */
export function targetDescription(bits: 16 | 32): string {
  return DESCRIPTION.replace("<target>\n", `<target>\n${ARCHITECTURES[bits]}`);
}

/** An i8086 runs no GNU/Linux, GDB's default, and it would say so. */
const ARCHITECTURES = {
  16: "<architecture>i8086</architecture>\n<osabi>none</osabi>\n",
  32: "<architecture>i386</architecture>\n",
} as const;

const DESCRIPTION = `<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target>
<feature name="org.gnu.gdb.i386.core">
<flags id="i386_eflags" size="4">
${FLAGS.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`).join("\n")}
</flags>
${describe(GENERAL)}
${describe(FLOATING_POINT, ' group="float"')}
</feature>
<feature name="org.esp0.i386.system">
${describe(SYSTEM)}
</feature>
</target>
`;
