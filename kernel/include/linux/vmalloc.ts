/** Memory of single pages, mapped behind each other above the direct mapping (include/linux/vmalloc.h). */
import { pointer, struct, u32, type ViewOf } from "../../host/types.ts";

/** A piece of the area, with a page behind it that is never mapped. */
export const vm_struct = struct("vm_struct", {
  addr: u32,
  /** Bytes, without the page behind. */
  size: u32,
  /** The next one, at a higher address. */
  next: pointer("vm_struct"),
});
export type vm_struct = ViewOf<typeof vm_struct>;
