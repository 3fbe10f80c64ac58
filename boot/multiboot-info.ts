/** What a Multiboot loader tells a kernel (Multiboot Specification 0.6.96, section 3.3). */
import type { ElfFile } from "../asm/index.ts";
import { copyBytes, type Machine } from "../emulator/index.ts";
import { lowerMemory, memoryMap, upperMemory } from "./memory-map.ts";

/** A file loaded beside the kernel, on a page boundary, and the string that goes with it. */
export interface MultibootModule {
  readonly bytes: Uint8Array;
  readonly string: string;
}

export interface MultibootInfo {
  readonly commandLine: string;
  readonly modules: readonly MultibootModule[];
  /** The kernel file, and what it says when its section headers are to be shown to the kernel. */
  readonly kernel: Uint8Array;
  readonly elf: ElfFile | undefined;
  /** First physical address that may be used, page aligned. */
  readonly start: number;
}

/** Bits of the structure's flags. */
const HAS = {
  MEMORY: 1 << 0,
  COMMAND_LINE: 1 << 2,
  MODULES: 1 << 3,
  ELF_SECTIONS: 1 << 5,
  MEMORY_MAP: 1 << 6,
  LOADER_NAME: 1 << 9,
  FRAMEBUFFER: 1 << 12,
} as const;

/** Offsets of the fields. */
const INFO = {
  FLAGS: 0,
  MEM_LOWER: 4,
  MEM_UPPER: 8,
  CMDLINE: 16,
  MODS_COUNT: 20,
  MODS_ADDR: 24,
  SYMS: 28,
  MMAP_LENGTH: 44,
  MMAP_ADDR: 48,
  BOOT_LOADER_NAME: 64,
  FRAMEBUFFER_ADDR: 88,
  FRAMEBUFFER_PITCH: 96,
  FRAMEBUFFER_WIDTH: 100,
  FRAMEBUFFER_HEIGHT: 104,
  FRAMEBUFFER_BPP: 108,
  FRAMEBUFFER_TYPE: 109,
} as const;
const INFO_BYTES = 116;

const LOADER_NAME = "esp0";
const PAGE_SIZE = 4096;
const MODULE_BYTES = 16;
const MMAP_ENTRY_BYTES = 24;
const SECTION_HEADER_BYTES = 40;
/** A colour text screen: 80 by 25 characters of two bytes. */
const TEXT_SCREEN = { address: 0xb8000, width: 80, height: 25, bytesPerCharacter: 2, type: 2 } as const;
const SHF_ALLOC = 2;
/** Offset of sh_addr in a section header. */
const SH_ADDR = 12;

/** Hands out memory from an address upwards, and fills it. */
class Placer {
  constructor(
    readonly machine: Machine,
    private next: number,
  ) {}

  /** @returns the physical address. @throws RangeError when memory is used up */
  place(bytes: Uint8Array, alignment: number): number {
    const address = Math.ceil(this.next / alignment) * alignment;
    this.machine.load(bytes, address);
    this.next = address + bytes.length;
    return address;
  }

  placeText(text: string): number {
    return this.place(Uint8Array.from([...new TextEncoder().encode(text), 0]), 1);
  }
}

/**
 * Puts modules and the information structure, with all that it points to, into memory.
 * @returns the structure's physical address
 * @throws RangeError when memory does not suffice
 */
export function writeMultibootInfo(
  machine: Machine,
  { commandLine, modules, kernel, elf, start }: MultibootInfo,
): number {
  const placer = new Placer(machine, start);
  const places = modules.map(({ bytes }) => placer.place(bytes, PAGE_SIZE));
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  const set = (offset: number, value: number) => info.setUint32(offset, value, true);
  let flags = HAS.MEMORY | HAS.COMMAND_LINE | HAS.MODULES | HAS.MEMORY_MAP | HAS.LOADER_NAME | HAS.FRAMEBUFFER;

  set(INFO.MEM_LOWER, lowerMemory());
  set(INFO.MEM_UPPER, upperMemory(machine));
  set(INFO.CMDLINE, placer.placeText(commandLine));
  set(INFO.BOOT_LOADER_NAME, placer.placeText(LOADER_NAME));

  const list = new DataView(new ArrayBuffer(modules.length * MODULE_BYTES));
  modules.forEach(({ bytes, string }, index) => {
    list.setUint32(index * MODULE_BYTES, places[index], true);
    list.setUint32(index * MODULE_BYTES + 4, places[index] + bytes.length, true);
    list.setUint32(index * MODULE_BYTES + 8, placer.placeText(string), true);
  });
  set(INFO.MODS_COUNT, modules.length);
  set(INFO.MODS_ADDR, placer.place(new Uint8Array(list.buffer), 4));

  const map = memoryMapBytes(machine);
  set(INFO.MMAP_LENGTH, map.length);
  set(INFO.MMAP_ADDR, placer.place(map, 4));

  if (elf !== undefined && elf.sections.length > 0) {
    flags |= HAS.ELF_SECTIONS;
    set(INFO.SYMS, elf.sections.length);
    set(INFO.SYMS + 4, SECTION_HEADER_BYTES);
    set(INFO.SYMS + 8, placer.place(sectionHeaders(elf, kernel, placer), 4));
    set(INFO.SYMS + 12, elf.header.e_shstrndx);
  }

  set(INFO.FRAMEBUFFER_ADDR, TEXT_SCREEN.address);
  set(INFO.FRAMEBUFFER_PITCH, TEXT_SCREEN.width * TEXT_SCREEN.bytesPerCharacter);
  set(INFO.FRAMEBUFFER_WIDTH, TEXT_SCREEN.width);
  set(INFO.FRAMEBUFFER_HEIGHT, TEXT_SCREEN.height);
  info.setUint8(INFO.FRAMEBUFFER_BPP, TEXT_SCREEN.bytesPerCharacter * 8);
  info.setUint8(INFO.FRAMEBUFFER_TYPE, TEXT_SCREEN.type);
  set(INFO.FLAGS, flags);
  return placer.place(new Uint8Array(info.buffer), 4);
}

/** Entries of 24 bytes: size of the rest, base and length in 64 bits, type. */
function memoryMapBytes(machine: Machine): Uint8Array {
  const ranges = memoryMap(machine);
  const map = new DataView(new ArrayBuffer(ranges.length * MMAP_ENTRY_BYTES));
  ranges.forEach(({ base, length, type }, index) => {
    const at = index * MMAP_ENTRY_BYTES;
    map.setUint32(at, MMAP_ENTRY_BYTES - 4, true);
    map.setUint32(at + 4, base, true);
    map.setUint32(at + 12, length, true);
    map.setUint32(at + 20, type, true);
  });
  return new Uint8Array(map.buffer);
}

/**
 * The section header table as it is in the file, except that sections which no segment loads, such as the symbols, are
 * put into memory and say so.
 */
function sectionHeaders({ sections, header }: ElfFile, kernel: Uint8Array, placer: Placer): Uint8Array {
  const table = copyBytes(kernel, header.e_shoff, header.e_shoff + sections.length * SECTION_HEADER_BYTES);
  const view = new DataView(table.buffer);
  for (const { index, flags, data, alignment } of sections) {
    if ((flags & SHF_ALLOC) !== 0 || data.length === 0) continue;
    const place = placer.place(data, Math.min(Math.max(alignment, 1), PAGE_SIZE));
    view.setUint32(index * SECTION_HEADER_BYTES + SH_ADDR, place, true);
  }
  return table;
}
