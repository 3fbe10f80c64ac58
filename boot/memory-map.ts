/** The physical memory of a machine as firmware describes it to boot loaders and kernels. */
import type { Machine } from "../emulator/index.ts";

/** Types of ranges (ACPI specification, address range types). */
export const MEMORY_USABLE = 1;
export const MEMORY_RESERVED = 2;

export interface MemoryRange {
  /** Physical address of the first byte. */
  readonly base: number;
  /** Bytes. */
  readonly length: number;
  readonly type: typeof MEMORY_USABLE | typeof MEMORY_RESERVED;
}

/** Where conventional memory ends: the last KiB below the video memory belongs to the BIOS (its extended data area). */
export const BASE_MEMORY_END = 0x9fc00;
const VIDEO_MEMORY = 0xa0000;
const FIRMWARE = 0xf0000;
const MIB = 1 << 20;
/** The interrupt controllers' registers, and the ROM at the reset vector. */
const IO_APIC = 0xfec00000;
const LOCAL_APIC = 0xfee00000;
const APIC_BYTES = 0x1000;
const HIGH_ROM = 0xfffe0000;
const ADDRESS_SPACE = 2 ** 32;

/** What a PC's INT 15h AX=E820h tells, by ascending address. */
export function memoryMap(machine: Machine): MemoryRange[] {
  const ranges: MemoryRange[] = [
    { base: 0, length: BASE_MEMORY_END, type: MEMORY_USABLE },
    { base: BASE_MEMORY_END, length: VIDEO_MEMORY - BASE_MEMORY_END, type: MEMORY_RESERVED },
    { base: FIRMWARE, length: MIB - FIRMWARE, type: MEMORY_RESERVED },
    { base: MIB, length: machine.memory.ramSize - MIB, type: MEMORY_USABLE },
    { base: IO_APIC, length: APIC_BYTES, type: MEMORY_RESERVED },
    { base: LOCAL_APIC, length: APIC_BYTES, type: MEMORY_RESERVED },
    { base: HIGH_ROM, length: ADDRESS_SPACE - HIGH_ROM, type: MEMORY_RESERVED },
  ];
  return ranges.filter(({ length }) => length > 0);
}

/** KiB of usable memory below 640 KiB. */
export function lowerMemory(): number {
  return BASE_MEMORY_END / 1024;
}

/** KiB of usable memory in one piece from 1 MiB on. */
export function upperMemory(machine: Machine): number {
  return (machine.memory.ramSize - MIB) / 1024;
}
