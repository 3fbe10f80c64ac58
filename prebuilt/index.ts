/** The kernel, its state after the boot and the demo's files, as the build leaves them in dist/. */
export { KeptBoot } from "./kept-boot.ts";
export {
  beside,
  DEFAULT_MEMORY,
  demoInitramfs,
  prebuiltBoot,
  prebuiltKernel,
  TEST_MEMORY,
  VMLINUX,
  VMLINUX_SMP,
} from "./prebuilt.ts";
