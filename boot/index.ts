/** Booting: images, archives and what runs before a kernel does. */
export { type CpioEntry, CpioError, type CpioFile, readCpio, writeCpio } from "./cpio.ts";
export { type KernelToLoad, loadKernel } from "./loader.ts";
export { bootRom, ROM_BASE, ROM_SIZE, type RomTargets } from "./rom.ts";
export { initramfs } from "./initramfs.ts";
