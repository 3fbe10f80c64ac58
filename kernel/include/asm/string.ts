/** Block operations of arch/i386/lib/mem.S (include/asm-i386/string.h, page.h). */
import { asm_function } from "../../host/declarations.ts";
import { u32 } from "../../host/types.ts";

/** Copies a page; both addresses are page aligned. */
export const copy_page = asm_function("copy_page", [u32, u32], undefined);
/** Fills a page with zeros. */
export const clear_page = asm_function("clear_page", [u32], undefined);
