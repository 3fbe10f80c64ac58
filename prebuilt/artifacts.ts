/** Made once by the build, used by every start (see prebuilt.ts). */
import { systemMap } from "../asm/index.ts";
import { kernel_image } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";
import { KeptBoot } from "./kept-boot.ts";
import { INITRAMFS, KEPT_BOOTS, VMLINUX, VMLINUX_SMP } from "./prebuilt.ts";

/** Contents by file name. */
export function artifacts(): Record<string, Uint8Array | string> {
  const image = kernel_image();
  const boots = Object.entries(KEPT_BOOTS).map(([name, memoryBytes]) => {
    const booted = KeptBoot.boot({ image, memoryBytes });
    if (booted === undefined) throw new Error("the kernel did not get to where it asks what it is to run");
    return [name, booted.encode()] as const;
  });
  return {
    [VMLINUX]: image.elf(),
    [VMLINUX_SMP]: kernel_image({ smp: true }).elf(),
    "System.map": systemMap(image.linked!),
    [INITRAMFS]: build_initramfs(),
    ...Object.fromEntries(boots),
  };
}
