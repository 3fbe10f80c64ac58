/** What the build left beside the command and the libraries, so that starting costs no assembling and no booting. */
import { existsSync, readFileSync } from "node:fs";
import { type Configuration, configuration, type KernelImage, kernel_image, prebuilt_kernel } from "../kernel/index.ts";
import { build_initramfs } from "../user/build.ts";
import { KeptBoot } from "./kept-boot.ts";

export const VMLINUX = "vmlinux";
/** The one for several CPUs. */
export const VMLINUX_SMP = "vmlinux-smp";
export const INITRAMFS = "initramfs.cpio";

const MIB = 1 << 20;
/** MiB of memory that `esp0 run` gives its machine. */
export const DEFAULT_MEMORY = 32;
/** MiB of memory that tests' machines have. */
export const TEST_MEMORY = 8;

/** The kernel, booted in a machine with the memory that these give it by default. */
export const KEPT_BOOTS: Readonly<Record<string, number>> = {
  "vmlinux.booted": DEFAULT_MEMORY * MIB,
  "vmlinux.booted-test": TEST_MEMORY * MIB,
};

/** A file that the build left; undefined without one. */
export function beside(name: string): Uint8Array | undefined {
  const path = new URL(name, import.meta.url);
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** The kernels that the build links: files by what they are configured to be. */
const PREBUILT: Readonly<Record<string, string>> = {
  [keyOf({})]: VMLINUX,
  [keyOf({ smp: true })]: VMLINUX_SMP,
};

function keyOf(config: Partial<Configuration>): string {
  return JSON.stringify(configuration(config));
}

/**
 * The prebuilt kernel; linked from source when there is none with this configuration or it is not of this source.
 * @throws ConfigurationError
 */
export function prebuiltKernel(config: Partial<Configuration> = {}): KernelImage {
  const name = PREBUILT[keyOf(config)];
  const file = name === undefined ? undefined : beside(name);
  return (file && prebuilt_kernel(file, config)) ?? kernel_image(config);
}

/** The same as the build left it after its boot with so many bytes of memory; undefined when there is none that fits. */
export function prebuiltBoot(image: KernelImage, memoryBytes: number): KeptBoot | undefined {
  const name = Object.keys(KEPT_BOOTS).find((one) => KEPT_BOOTS[one] === memoryBytes);
  const file = name === undefined ? undefined : beside(name);
  return file && KeptBoot.decode(file, image);
}

/** The demo's initramfs, prebuilt or built now. */
export function demoInitramfs(): Uint8Array {
  return beside(INITRAMFS) ?? build_initramfs();
}
