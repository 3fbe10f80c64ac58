/** Made once by the build, used by every start (see prebuilt.ts). */
import { systemMap } from "../asm/index.ts";
import { kernel_image } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";
import { BOOT_STATE, bootStateFile, INITRAMFS, VMLINUX } from "./prebuilt.ts";

/** Contents by file name. */
export function artifacts(): Record<string, Uint8Array | string> {
  const kernel = kernel_image();
  return {
    [VMLINUX]: kernel.elf(),
    [BOOT_STATE]: bootStateFile(kernel),
    "System.map": systemMap(kernel.linked!),
    [INITRAMFS]: build_initramfs(),
  };
}
