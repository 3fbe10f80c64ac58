/** Loading kernels by the Multiboot Specification, version 0.6.96 ("Multiboot 1"). */
import { ElfError, type ElfFile, readElf } from "../asm/index.ts";
import type { Machine } from "../emulator/index.ts";
import { flatDescriptors, setUpFirmware, shadowBios } from "./bios/index.ts";
import { BootError, booting, hex } from "./boot-error.ts";
import { enterFlatMode } from "./flat-mode.ts";
import { findMultibootHeader, type MultibootHeader } from "./multiboot-header.ts";
import { type MultibootModule, writeMultibootInfo } from "./multiboot-info.ts";

/** What EAX holds on entry, by which a kernel knows that a Multiboot loader started it. */
export const MULTIBOOT_BOOTLOADER_MAGIC = 0x2badb002;

const PT_LOAD = 1;
const PAGE_SIZE = 4096;
const MIB = 1 << 20;
/** Top of what is left of base memory below the boot sector's place: a stack for kernels that bring none at once. */
const STACK = 0x7c00;

export interface MultibootBoot {
  /** The kernel file: ELF, or anything whose Multiboot header gives its addresses. */
  readonly kernel: Uint8Array;
  readonly commandLine?: string;
  readonly modules?: readonly MultibootModule[];
}

/** A piece of the kernel for physical memory; what `memorySize` has beyond `data` is zero. */
interface Piece {
  readonly address: number;
  readonly data: Uint8Array;
  readonly memorySize: number;
}

interface LoadPlan {
  readonly pieces: readonly Piece[];
  /** Physical address of the first instruction. */
  readonly entry: number;
  readonly elf: ElfFile | undefined;
}

/**
 * Loads a kernel and its modules, and sets core 0 up to enter it: EAX and EBX as the specification says, flat 32-bit
 * segments, A20 on, paging and interrupts off, a small stack. The rest of the machine is as its BIOS leaves it
 * (`setUpFirmware`): interrupt controllers, timer, data areas, display, and the MP tables that tell of the other cores.
 * @throws BootError when the file is no Multiboot kernel, asks for what this machine does not have, or does not fit
 */
export function bootMultiboot(machine: Machine, { kernel, commandLine = "", modules = [] }: MultibootBoot): void {
  const header = findMultibootHeader(kernel);
  const { pieces, entry, elf } = header.addresses !== undefined ? addressPlan(kernel, header) : elfPlan(kernel);
  setUpFirmware(machine);
  let end = MIB;
  for (const { address, data, memorySize } of pieces) {
    booting(`the kernel's ${memorySize} bytes at ${hex(address)}`, () => {
      checkFits(machine, address, memorySize);
      shadowBios(machine, address, memorySize);
      machine.load(data, address);
      machine.load(new Uint8Array(memorySize - data.length), address + data.length);
    });
    end = Math.max(end, address + memorySize);
  }
  const information = booting("modules and boot information", () =>
    writeMultibootInfo(machine, { commandLine, modules, kernel, elf, start: (end + PAGE_SIZE - 1) & -PAGE_SIZE }),
  );
  enterFlatMode(machine, flatDescriptors());
  machine.setRegister("esp", STACK);
  machine.setRegister("eax", MULTIBOOT_BOOTLOADER_MAGIC);
  machine.setRegister("ebx", information);
  machine.setRegister("eip", entry);
}

/** Before memory for a piece is made: a hostile one may claim 4 GiB. */
function checkFits(machine: Machine, address: number, size: number): void {
  const { ramSize } = machine.memory;
  if (address + size > ramSize) {
    throw new RangeError(`ends at ${hex(address + size - 1)}, but the machine's memory at ${hex(ramSize - 1)}`);
  }
}

/** The header's address fields, the "a.out kludge". */
function addressPlan(kernel: Uint8Array, { offset, addresses }: MultibootHeader): LoadPlan {
  const { headerAddress, loadAddress, loadEndAddress, bssEndAddress, entryAddress } = addresses!;
  const start = offset - (headerAddress - loadAddress);
  if (loadAddress > headerAddress || start < 0) {
    throw new BootError(
      `the Multiboot header's load_addr ${hex(loadAddress)} does not fit its header_addr ${hex(headerAddress)}: ` +
        `the header lies ${offset} bytes into the file`,
    );
  }
  const size = loadEndAddress === 0 ? kernel.length - start : loadEndAddress - loadAddress;
  if (size < 0 || start + size > kernel.length) {
    throw new BootError(
      `the Multiboot header's load_end_addr ${hex(loadEndAddress)} does not fit its load_addr ${hex(loadAddress)}: ` +
        `the file has ${kernel.length - start} bytes to load`,
    );
  }
  const memorySize = bssEndAddress === 0 ? size : bssEndAddress - loadAddress;
  if (memorySize < size) {
    throw new BootError(
      `the Multiboot header's bss_end_addr ${hex(bssEndAddress)} lies before the end of what is loaded`,
    );
  }
  const data = kernel.subarray(start, start + size);
  return { pieces: [{ address: loadAddress, data, memorySize }], entry: entryAddress, elf: undefined };
}

function elfPlan(kernel: Uint8Array): LoadPlan {
  const elf = readKernelElf(kernel);
  const loaded = elf.segments.filter(({ type, memorySize }) => type === PT_LOAD && memorySize > 0);
  if (loaded.length === 0) throw new BootError("the kernel has nothing to load (no PT_LOAD segment)");
  const pieces = loaded.map(({ physicalAddress, data, memorySize }) => ({
    address: physicalAddress,
    data,
    memorySize,
  }));
  // A kernel linked for high addresses may give its entry point as a linear address.
  const home = loaded.find(({ virtualAddress, memorySize }) => {
    return elf.entry >= virtualAddress && elf.entry < virtualAddress + memorySize;
  });
  const entry = home === undefined ? elf.entry : elf.entry - home.virtualAddress + home.physicalAddress;
  return { pieces, entry, elf };
}

function readKernelElf(kernel: Uint8Array): ElfFile {
  try {
    return readElf(kernel);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new BootError(
      `${error.message}; the Multiboot header gives no addresses (flag bit 16), so the kernel must be ELF32`,
    );
  }
}
