/** What exec knows of a program before it runs (include/linux/binfmts.h). */
import { array, i32, pointer, struct, u8, u32, type ViewOf } from "../../host/types.ts";

/** Pages of argument and environment strings: 128 KiB. */
export const MAX_ARG_PAGES = 32;
/** First bytes of the file, by which its format is told. */
export const BINPRM_BUF_SIZE = 128;

export const linux_binprm = struct("linux_binprm", {
  buf: array(u8, BINPRM_BUF_SIZE),
  /** Kernel addresses of the pages that will be the top of the stack, 0 where no string reaches. */
  page: array(u32, MAX_ARG_PAGES),
  /** Where the strings begin: offset within those pages, and later the user address. */
  p: u32,
  file: pointer("file"),
  argc: i32,
  envc: i32,
  /** Kernel address of the name. */
  filename: pointer("char"),
});
export type linux_binprm = ViewOf<typeof linux_binprm>;
