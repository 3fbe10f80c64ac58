/** System calls that call functions which need a lock, with some lock held, for holds.test.ts. */
import { kernel_function, kernel_table, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, pointer, struct, u32, type ViewOf } from "../../../kernel/host/types.ts";
import { lock_kernel, unlock_kernel } from "../../../kernel/include/asm/smplock.ts";
import {
  RW_LOCK_BIAS,
  read_lock,
  read_unlock,
  rwlock_t,
  SPIN_LOCK_UNLOCKED,
  spin_lock,
  spin_lock_init,
  spin_unlock,
  spinlock_t,
  write_lock,
  write_unlock,
} from "../../../kernel/include/asm/spinlock.ts";
import { GFP_KERNEL } from "../../../kernel/include/linux/mm.ts";
import { kfree, kmalloc } from "../../../kernel/mm/slab.ts";

const own_lock = kernel_table("own_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
const own_rwlock = kernel_table("own_rwlock", [RW_LOCK_BIAS, 0], rwlock_t);
const holds_item = struct("holds_item", { count: u32, lock: spinlock_t });
type holds_item = ViewOf<typeof holds_item>;
const item = kernel_variable("holds_one_item", holds_item);

/** @context holds own_lock */
const needs_own_lock = kernel_function("needs_own_lock", [], i32, function* () {
  return 0;
});

/** @context any holds own_rwlock for reading */
function* needs_to_read(): Steps<i32> {
  return 0;
}

/** @context holds own_rwlock for writing */
function* needs_to_write(): Steps<i32> {
  return 0;
}

/** @context holds holds_item.lock of at */
const needs_lock_of = kernel_function("needs_lock_of", [pointer("holds_item")], i32, function* (at) {
  return holds_item.at(at).count;
});

/** @context holds holds_item.lock of view */
function* needs_lock_of_view(view: holds_item): Steps<i32> {
  return view.count;
}

/** @context holds item.lock */
function* needs_field(): Steps<i32> {
  return item.value.count;
}

/** Part of the statement that calls it. @context holds own_lock */
function plainly_needs_own_lock(): i32 {
  return 0;
}

/** @context holds holds_item.lock of view if wanted & 1 */
function plainly_needs_lock_of(wanted: number, view: holds_item): i32 {
  return wanted === 0 ? 0 : view.count;
}

/** @context holds own_lock holds item.lock */
function* needs_both(): Steps<i32> {
  return 0;
}

export const FUNCTIONS = [
  "needs_own_lock",
  "needs_to_read",
  "needs_to_write",
  "needs_lock_of",
  "needs_lock_of_view",
  "needs_field",
  "plainly_needs_own_lock",
  "plainly_needs_lock_of",
  "plainly_needs_lock_of, but not as it is called",
  "needs_both",
  "kmalloc",
] as const;

function* call_needy(which: i32): Steps<i32> {
  switch (which) {
    case 0:
      return yield* needs_own_lock();
    case 1:
      return yield* needs_to_read();
    case 2:
      return yield* needs_to_write();
    case 3:
      return yield* needs_lock_of(item.address);
    case 4:
      return yield* needs_lock_of_view(item.value);
    case 5:
      return yield* needs_field();
    case 6:
      return plainly_needs_own_lock();
    case 7:
      return plainly_needs_lock_of(1, item.value);
    case 8:
      return plainly_needs_lock_of(0, item.value);
    case 9:
      return yield* needs_both();
    default:
      yield* kfree(yield* kmalloc(16, GFP_KERNEL));
      return 0;
  }
}

export const HELD = [
  "nothing",
  "own_lock",
  "own_rwlock for reading",
  "own_rwlock for writing",
  "item's",
  "another's own_lock",
] as const;

/** Calls FUNCTIONS[which] with HELD[held]. */
export const sys_call_holding = kernel_function("sys_call_holding", [i32, i32], i32, function* (held, which) {
  let result: i32 = 0;
  spin_lock_init(item.value.lock.address);
  switch (held) {
    case 0:
      return yield* call_needy(which);
    case 1:
      yield* spin_lock(own_lock.address);
      result = yield* call_needy(which);
      yield* spin_unlock(own_lock.address);
      return result;
    case 2:
      yield* read_lock(own_rwlock.address);
      result = yield* call_needy(which);
      yield* read_unlock(own_rwlock.address);
      return result;
    case 3:
      yield* write_lock(own_rwlock.address);
      result = yield* call_needy(which);
      yield* write_unlock(own_rwlock.address);
      return result;
    case 4:
      yield* spin_lock(item.value.lock.address);
      result = yield* call_needy(which);
      yield* spin_unlock(item.value.lock.address);
      return result;
    default:
      spinlock_t.at(own_lock.address).lock = 0;
      return yield* call_needy(which);
  }
});

/** @context holds kernel_flag */
function* needs_kernel_flag(): Steps<i32> {
  return 0;
}

/** With the big kernel lock, or without. */
export const sys_kernel_flag = kernel_function("sys_kernel_flag", [i32], i32, function* (has) {
  if (has === 0) return yield* needs_kernel_flag();
  yield* lock_kernel();
  const result = yield* needs_kernel_flag();
  yield* unlock_kernel();
  return result;
});
