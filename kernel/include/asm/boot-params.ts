/** The "zero page", as the boot loader fills it in. */
export {
  ALT_MEM_K,
  BOOT_PARAMS_SIZE,
  CMD_LINE_PTR,
  COMMAND_LINE_SIZE,
  RAMDISK_IMAGE,
  RAMDISK_SIZE,
} from "../../../boot/index.ts";
