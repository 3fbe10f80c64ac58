/** Made once by the build, used by every start (see prebuilt.ts). */
import { imageDebugSections, systemMap, writeExecutable } from "../asm/index.ts";
import { debug_info, link_kernel } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";
import { INITRAMFS, VMLINUX } from "./prebuilt.ts";

/** Contents by file name. */
export function artifacts(): Record<string, Uint8Array | string> {
  const kernel = link_kernel();
  return {
    [VMLINUX]: writeExecutable(kernel, imageDebugSections(kernel, [debug_info()])),
    "System.map": systemMap(kernel),
    [INITRAMFS]: build_initramfs(),
  };
}
