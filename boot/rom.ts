/** The boot ROM: setup.S, linked for one kernel. */
import { assemble, flatBinary, link } from "../asm/index.ts";
import setup from "./setup.S?raw";

export const ROM_BASE = 0xf0000;
export const ROM_SIZE = 0x10000;
/** Offset of the reset vector in the ROM. */
const RESET_VECTOR = 0xfff0;

export interface RomTargets {
  /** Physical addresses: where to jump, what to hand over in ESI, and the top of a stack to arrive with. */
  readonly kernelEntry: number;
  readonly bootParams: number;
  readonly bootStack: number;
}

/** 64 KiB for physical address ROM_BASE (and the top of the address space, where the reset vector is). */
export function bootRom({ kernelEntry, bootParams, bootStack }: RomTargets): Uint8Array {
  const object = assemble(setup, {
    file: "boot/setup.S",
    defines: { KERNEL_ENTRY: kernelEntry, BOOT_PARAMS: bootParams, BOOT_STACK: bootStack, ROM_BASE },
  });
  const image = link([object], {
    entry: "setup",
    pageSize: 1,
    layout: [
      { name: ".text", inputs: [".text"], address: 0 },
      { name: ".reset", inputs: [".reset"], address: RESET_VECTOR },
    ],
  });
  const rom = new Uint8Array(ROM_SIZE).fill(0xff);
  rom.set(flatBinary(image), 0);
  return rom;
}
