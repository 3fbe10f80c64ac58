/** The exception table (arch/i386/mm/extable.c): where kernel code that may fault goes on. */
import { image } from "../host/context.ts";
import { memory } from "../host/memory.ts";

/** Bytes of an entry: the address of the instruction, the address of its fix-up. */
const ENTRY = 8;

/** The fix-up of an instruction, or 0. The table is short and in no order. */
export function search_exception_table(address: number): number {
  const m = memory();
  const end = image().symbol("__stop___ex_table");
  for (let at = image().symbol("__start___ex_table"); at < end; at += ENTRY) {
    if (m.read32(at) >>> 0 === address) return m.read32(at + 4) >>> 0;
  }
  return 0;
}
