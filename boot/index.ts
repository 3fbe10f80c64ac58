/** Booting: images, archives and what runs before a kernel does. */
export {
  attachBiosServices,
  type BiosOptions,
  bootDisk,
  disketteBytes,
  LARGEST_DISKETTE,
  setUpFirmware,
} from "./bios/index.ts";
export { BootError } from "./boot-error.ts";
export * from "./boot-params.ts";
export { type CpioEntry, CpioError, type CpioFile, readCpio, writeCpio } from "./cpio.ts";
export { initramfs } from "./initramfs.ts";
export { bootLinux, type LinuxBoot } from "./linux.ts";
export { type LinuxHeader, readLinuxHeader } from "./linux-header.ts";
export { endOf, handOver, type KernelInput, type KernelToLoad, loadKernel, ramdiskOf } from "./loader.ts";
export { type MemoryRange, memoryMap } from "./memory-map.ts";
export { bootMultiboot, MULTIBOOT_BOOTLOADER_MAGIC, type MultibootBoot } from "./multiboot.ts";
export { findMultibootHeader, MULTIBOOT_HEADER_MAGIC, type MultibootHeader } from "./multiboot-header.ts";
export type { MultibootModule } from "./multiboot-info.ts";
export { bootRaw, loadImages, type PlacedImage, type RawBoot, type RawMode } from "./raw.ts";
export { bootRom, ROM_BASE, ROM_SIZE, type RomTargets } from "./rom.ts";
export { bootRomImages } from "./rom-image.ts";
