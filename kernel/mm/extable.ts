/** The exception table (arch/i386/mm/extable.c): where kernel code that may fault goes on. */
import { image } from "../host/context.ts";
import type { Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import type { u32 } from "../host/types.ts";

/** Bytes of an entry: the address of the instruction, the address of its fix-up. */
const ENTRY = 8;

/** The fix-up of an instruction, or 0. The table is short and in no order. */
export function* search_exception_table(address: u32): Steps<u32> {
  const end: u32 = image().symbol("__stop___ex_table");
  for (let at: u32 = image().symbol("__start___ex_table"); at < end; at += ENTRY) {
    if (memory().read32(at) >>> 0 === address) return memory().read32(at + 4);
  }
  return 0;
}
