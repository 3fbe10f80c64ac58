/** The mode in which kernels with a 32-bit entry point expect the CPU. */
import { CS, DS, ES, FLAG_IF, FS, GS, type Machine, SS } from "../emulator/index.ts";

const CR0_PE = 1;
const FLAG_VM = 1 << 17;
/** Bits 8 to 23 of the descriptors' high dwords, shifted right by 8: present, ring 0, 4 GiB, 32-bit. */
const FLAT_CODE = 0xc09b;
const FLAT_DATA = 0xc093;
const CODE_SELECTOR = 0x08;
const DATA_SELECTOR = 0x10;

/**
 * Puts core 0 into protected mode, with flat segments of 4 GiB in every register, paging and interrupts off and A20 on.
 * @param gdt physical address and bytes of a table with those segments; without, there is none behind the selectors, and
 *   the program loads its own before it loads a segment register
 */
export function enterFlatMode(machine: Machine, gdt?: { readonly address: number; readonly bytes: number }): void {
  const core = machine.cores[0];
  machine.memory.a20 = true;
  machine.setRegister("cr0", CR0_PE | 0x10);
  core.setEflags(0, FLAG_VM | FLAG_IF);
  core.setSegment(CS, CODE_SELECTOR, 0, -1, FLAT_CODE);
  for (const segment of [ES, SS, DS, FS, GS]) core.setSegment(segment, DATA_SELECTOR, 0, -1, FLAT_DATA);
  core.setCpl(0);
  if (gdt === undefined) return;
  machine.setRegister("gdtr_base", gdt.address);
  machine.setRegister("gdtr_limit", gdt.bytes - 1);
}
