// Loaders and the BIOS: what a kernel finds.

const BOOT = "test/boot";
const MULTIBOOT = `${BOOT}/multiboot.test.ts`;
const LINUX = `${BOOT}/linux.test.ts`;
const BIOS = `${BOOT}/bios.test.ts`;
const FIRMWARE = `${BOOT}/firmware.test.ts`;

export default [
  {
    name: "what lies behind a segment's file is not cleared",
    file: "boot/multiboot.ts",
    old: "      machine.load(new Uint8Array(memorySize - data.length), address + data.length);\n",
    new: "",
    tests: [MULTIBOOT],
  },
  {
    name: "a kernel's entry is a linear address",
    file: "boot/multiboot.ts",
    old: "elf.entry - home.virtualAddress + home.physicalAddress;",
    new: "elf.entry;",
    tests: [MULTIBOOT],
  },
  {
    name: "ESP is 0",
    file: "boot/multiboot.ts",
    old: '  machine.setRegister("esp", STACK);\n',
    new: "",
    tests: [MULTIBOOT, FIRMWARE],
  },
  {
    name: "modules begin anywhere",
    file: "boot/multiboot-info.ts",
    old: "modules.map(({ bytes }) => placer.place(bytes, PAGE_SIZE));",
    new: "modules.map(({ bytes }) => placer.place(bytes, 1));",
    tests: [MULTIBOOT],
  },
  {
    name: "a module's end is its last byte",
    file: "boot/multiboot-info.ts",
    old: "places[index] + bytes.length, true",
    new: "places[index] + bytes.length - 1, true",
    tests: [MULTIBOOT],
  },
  {
    name: "an entry of the memory map counts its own size",
    file: "boot/multiboot-info.ts",
    old: "map.setUint32(at, MMAP_ENTRY_BYTES - 4, true);",
    new: "map.setUint32(at, MMAP_ENTRY_BYTES, true);",
    tests: [MULTIBOOT],
  },
  {
    name: "symbols that no segment loads are nowhere",
    file: "boot/multiboot-info.ts",
    old: "    view.setUint32(index * SECTION_HEADER_BYTES + SH_ADDR, place, true);\n",
    new: "    if (place === 0) return table;\n",
    tests: [MULTIBOOT],
  },
  {
    name: "the loader writes to its caller's file",
    file: "boot/multiboot-info.ts",
    old: "  const table = copyBytes(kernel, header.e_shoff, header.e_shoff + sections.length * SECTION_HEADER_BYTES);\n  const view = new DataView(table.buffer);",
    new: "  const table = kernel.subarray(header.e_shoff, header.e_shoff + sections.length * SECTION_HEADER_BYTES);\n  const view = new DataView(table.buffer, table.byteOffset);",
    tests: [`${BOOT}/caller-bytes.test.ts`],
  },
  {
    name: "memory above 1 MiB is counted from 0",
    file: "boot/memory-map.ts",
    old: "  return (machine.memory.ramSize - MIB) / 1024;",
    new: "  return machine.memory.ramSize / 1024;",
    tests: [MULTIBOOT],
  },
  {
    name: "the extended BIOS data area is usable memory",
    file: "boot/memory-map.ts",
    old: "length: VIDEO_MEMORY - BASE_MEMORY_END, type: MEMORY_RESERVED },",
    new: "length: VIDEO_MEMORY - BASE_MEMORY_END, type: MEMORY_USABLE },",
    tests: [FIRMWARE, MULTIBOOT, BIOS],
  },
  {
    name: "the BIOS data area says 640 KiB",
    file: "boot/bios/data-area.ts",
    old: "  memory.write16(BDA.MEMORY_KIB, lowerMemory());",
    new: "  memory.write16(BDA.MEMORY_KIB, 640);",
    tests: [FIRMWARE],
  },
  {
    name: "the BIOS data area has no extended one",
    file: "boot/bios/data-area.ts",
    old: "  memory.write16(BDA.EBDA_SEGMENT, BASE_MEMORY_END >>> 4);\n",
    new: "",
    tests: [FIRMWARE],
  },
  {
    name: "a bzImage gets no heap",
    file: "boot/linux.ts",
    old: "view.getUint8(LINUX_FIELD.LOAD_FLAGS) | CAN_USE_HEAP);",
    new: "view.getUint8(LINUX_FIELD.LOAD_FLAGS));",
    tests: [LINUX],
  },
  {
    name: "the initial ramdisk lies a byte above what the kernel takes",
    file: "boot/linux.ts",
    old: "Math.min(machine.memory.ramSize, header.initrdMax + 1);",
    new: "Math.min(machine.memory.ramSize, header.initrdMax + 2 * PAGE_SIZE);",
    tests: [LINUX],
  },
  {
    name: "a Linux kernel is entered at its first sector",
    file: "boot/linux.ts",
    old: "segment + ENTRY_PARAGRAPHS",
    new: "segment",
    tests: [LINUX],
  },
  {
    name: "the command line has no end",
    file: "boot/loader.ts",
    old: '[...commandLine, "\\0"]',
    new: "[...commandLine]",
    tests: ["test/kernel/poison.test.ts"],
  },
];
