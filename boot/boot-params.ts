/** The "zero page" a boot loader leaves for the kernel (Documentation/i386/zero-page.txt): offsets in bytes. */
export const BOOT_PARAMS_SIZE = 2048;
/** Memory above 1 MiB in KiB. */
export const ALT_MEM_K = 0x1e0;
/** Physical address and size in bytes of the initial ramdisk (here: a cpio archive). */
export const RAMDISK_IMAGE = 0x218;
export const RAMDISK_SIZE = 0x21c;
/** Physical address of the NUL-terminated command line, at most COMMAND_LINE_SIZE - 1 bytes. */
export const CMD_LINE_PTR = 0x228;
export const COMMAND_LINE_SIZE = 2048;
