/** The registers of a frame, by their DWARF number: 0 to 7 the general ones as instructions number them, 8 EIP. */
import type { FrameRegisters } from "../../asm/dwarf/reader/index.ts";
import type { Core, RegisterName } from "../../emulator/index.ts";

export const DWARF_NAMES = [
  "eax",
  "ecx",
  "edx",
  "ebx",
  "esp",
  "ebp",
  "esi",
  "edi",
  "eip",
] as const satisfies readonly RegisterName[];
export const ESP = 4;
export const EBP = 5;
export const EIP = 8;

/** The number of a register in DWARF; undefined for one that it has none for here. */
export function dwarfNumber(name: string): number | undefined {
  const number = (DWARF_NAMES as readonly string[]).indexOf(name);
  return number < 0 ? undefined : number;
}

/** Those of a core. @param linear address of its next instruction */
export function registersOf(core: Core, linear: number): FrameRegisters {
  return [...Array.from(core.r.subarray(0, EIP), (value) => value >>> 0), linear];
}

/** A frame of which no more is known than where it is. */
export function pointersAlone(pc: number, esp: number, ebp: number | undefined): FrameRegisters {
  const registers: (number | undefined)[] = new Array(EIP + 1).fill(undefined);
  registers[ESP] = esp >>> 0;
  registers[EBP] = ebp;
  registers[EIP] = pc >>> 0;
  return registers;
}
