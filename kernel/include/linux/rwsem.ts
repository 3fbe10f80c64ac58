/**
 * Reader/writer semaphores (include/linux/rwsem.h, include/asm-i386/rwsem.h): whoever has one may sleep. Several may read at a
 * time or one may write, and they get it in the order in which they came: a reader waits behind a writer that waits.
 */
import { asm_function } from "../../host/declarations.ts";
import { i32, pointer, struct, type ViewOf } from "../../host/types.ts";
import { FASTCALL } from "../asm/linkage.ts";
import { spin_lock_init, spinlock_t } from "../asm/spinlock.ts";
import { INIT_LIST_HEAD, list_head } from "./list.ts";

export const rw_semaphore = struct("rw_semaphore", {
  /** The lower half: who has it, or is about to; the upper: one off for a writer and for everybody who waits. */
  count: i32,
  /** Held while the list of those who wait changes. */
  wait_lock: spinlock_t,
  wait_list: list_head,
});
export type rw_semaphore = ViewOf<typeof rw_semaphore>;

export const RWSEM_UNLOCKED_VALUE = 0;
export const RWSEM_ACTIVE_BIAS = 1;
export const RWSEM_ACTIVE_MASK = 0xffff;
export const RWSEM_WAITING_BIAS = -0x10000;
export const RWSEM_ACTIVE_READ_BIAS = RWSEM_ACTIVE_BIAS;
export const RWSEM_ACTIVE_WRITE_BIAS = RWSEM_WAITING_BIAS + RWSEM_ACTIVE_BIAS;

export function init_rwsem(at: number): void {
  const sem = rw_semaphore.at(at);
  sem.count = RWSEM_UNLOCKED_VALUE;
  spin_lock_init(sem.wait_lock.address);
  INIT_LIST_HEAD(sem.wait_list.address);
}

/** Takes it for reading; sleeps while a writer has it, or waits. Called by tasks that may sleep. */
export const down_read = asm_function("down_read", [pointer("rw_semaphore")], undefined, FASTCALL);
/** Takes it for reading if that needs no wait. Returns whether it did. */
export const down_read_trylock = asm_function("down_read_trylock", [pointer("rw_semaphore")], i32, FASTCALL);
export const up_read = asm_function("up_read", [pointer("rw_semaphore")], undefined, FASTCALL);
/** Takes it for writing; sleeps while anybody has it. Called by tasks that may sleep. */
export const down_write = asm_function("down_write", [pointer("rw_semaphore")], undefined, FASTCALL);
/** Takes it for writing if that needs no wait. Returns whether it did. */
export const down_write_trylock = asm_function("down_write_trylock", [pointer("rw_semaphore")], i32, FASTCALL);
export const up_write = asm_function("up_write", [pointer("rw_semaphore")], undefined, FASTCALL);
/** Makes a writer a reader, without letting another writer in between; readers that wait in front come in, too. */
export const downgrade_write = asm_function("downgrade_write", [pointer("rw_semaphore")], undefined, FASTCALL);
