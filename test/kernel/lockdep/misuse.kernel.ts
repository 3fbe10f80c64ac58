/** A system call that uses locks as it must not, in one way after the other, for misuse.test.ts. */
import { kernel_function, kernel_table, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, struct, u32 } from "../../../kernel/host/types.ts";
import {
  assert_spin_locked,
  RW_LOCK_BIAS,
  read_lock,
  read_unlock,
  rwlock_init,
  rwlock_t,
  SPIN_LOCK_UNLOCKED,
  spin_lock,
  spin_lock_init,
  spin_lock_nested,
  spin_trylock,
  spin_unlock,
  spinlock_t,
  write_lock,
  write_unlock,
} from "../../../kernel/include/asm/spinlock.ts";
import { local_irq_disable, local_irq_enable } from "../../../kernel/include/asm/system.ts";
import { GFP_KERNEL } from "../../../kernel/include/linux/mm.ts";
import {
  spin_lock_bh,
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_bh,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from "../../../kernel/include/linux/spinlock.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { schedule } from "../../../kernel/kernel/sched.ts";
import { irq_enter, irq_exit } from "../../../kernel/kernel/softirq.ts";
import { add_timer, init_timer, jiffies } from "../../../kernel/kernel/timer.ts";
import { kmalloc } from "../../../kernel/mm/slab.ts";

const lock_a = kernel_table("lock_a", [SPIN_LOCK_UNLOCKED], spinlock_t);
const lock_b = kernel_table("lock_b", [SPIN_LOCK_UNLOCKED], spinlock_t);
const lock_c = kernel_table("lock_c", [SPIN_LOCK_UNLOCKED], spinlock_t);
const rwlock = kernel_table("rwlock_r", [RW_LOCK_BIAS, 0], rwlock_t);

/** @inline */
function* in_order(first: u32, second: u32): Steps<void> {
  yield* spin_lock(first);
  yield* spin_lock(second);
  yield* spin_unlock(second);
  yield* spin_unlock(first);
}

function* take_a_then_b(): Steps<void> {
  yield* in_order(lock_a.address, lock_b.address);
}

function* take_b_then_a(): Steps<void> {
  yield* in_order(lock_b.address, lock_a.address);
}

function* take_b_and_try_a(): Steps<void> {
  yield* spin_lock(lock_b.address);
  if ((yield* spin_trylock(lock_a.address)) !== 0) yield* spin_unlock(lock_a.address);
  yield* spin_unlock(lock_b.address);
}

/** As an interrupt handler would. @inline */
function* pretend_irq_on(): Steps<void> {
  local_irq_disable();
  irq_enter();
}

/** @inline */
function* pretend_irq_off(): Steps<void> {
  irq_exit();
  local_irq_enable();
}

function* take_in_irq(lock: u32): Steps<void> {
  yield* pretend_irq_on();
  yield* spin_lock(lock);
  yield* spin_unlock(lock);
  yield* pretend_irq_off();
}

function* take(lock: u32): Steps<void> {
  yield* spin_lock(lock);
  yield* spin_unlock(lock);
}

const item = struct("lockdep_item", { lock: spinlock_t, rwlock: rwlock_t });
const items = kernel_variable("lockdep_items", u32);

function init_item(at: number): void {
  spin_lock_init(item.at(at).lock.address);
  rwlock_init(item.at(at).rwlock.address);
}

/** Two items somewhere in memory. */
function* make_items(): Steps<u32> {
  const at = yield* kmalloc(2 * item.size, GFP_KERNEL);
  for (let i = 0; i < 2; i++) init_item(at + i * item.size);
  items.value = at;
  return at;
}

const timer = kernel_variable("lockdep_timer", timer_list);
const bh_has_run = kernel_variable("lockdep_bh_has_run", u32);

/** @context in_softirq */
const take_in_bottom_half = kernel_function("take_in_bottom_half", [u32], undefined, function* (lock) {
  yield* spin_lock(lock);
  yield* spin_unlock(lock);
  bh_has_run.value = 1;
});

function* use_in_bottom_half(lock: u32): Steps<void> {
  const t = timer.value;
  init_timer(t.address);
  t.expires = jiffies.value + 1;
  t.data = lock;
  t.function = take_in_bottom_half.address;
  bh_has_run.value = 0;
  yield* add_timer(t.address);
  while (bh_has_run.value === 0) yield;
}

export const MISUSES = [
  "inversion",
  "cycle of three",
  "recursion of a class",
  "irq-unsafe",
  "irq-unsafe before it is irq-safe",
  "irqs enabled while it is held",
  "softirq-unsafe",
  "irq-safe to irq-unsafe",
  "inversion by usage",
  "unlock of what is not held",
  "missing unlock",
  "sleeping",
  "not initialised",
  "reader against writer",
  "recursion",
] as const;

function* misuse(which: i32): Steps<void> {
  switch (which) {
    case 0:
      yield* take_a_then_b();
      yield* take_b_then_a();
      return;
    case 1:
      yield* in_order(lock_a.address, lock_b.address);
      yield* in_order(lock_b.address, lock_c.address);
      yield* in_order(lock_c.address, lock_a.address);
      return;
    case 2: {
      const two = yield* make_items();
      yield* in_order(two, two + item.size);
      return;
    }
    case 3:
      yield* take_in_irq(lock_a.address);
      yield* take(lock_a.address);
      return;
    case 4:
      yield* take(lock_a.address);
      yield* take_in_irq(lock_a.address);
      return;
    case 5:
      yield* take_in_irq(lock_a.address);
      yield* spin_lock_irq(lock_a.address);
      local_irq_enable();
      yield* spin_lock(lock_b.address);
      yield* spin_unlock(lock_b.address);
      local_irq_disable();
      yield* spin_unlock_irq(lock_a.address);
      return;
    case 6:
      yield* use_in_bottom_half(lock_a.address);
      yield* take(lock_a.address);
      return;
    case 7:
      // B is held with interrupts on; A is an interrupt's.
      yield* take(lock_b.address);
      yield* take_in_irq(lock_a.address);
      local_irq_disable();
      yield* in_order(lock_a.address, lock_b.address);
      local_irq_enable();
      return;
    case 8:
      yield* take(lock_b.address);
      local_irq_disable();
      yield* in_order(lock_a.address, lock_b.address);
      local_irq_enable();
      yield* take_in_irq(lock_a.address);
      return;
    case 9:
      yield* spin_unlock(lock_a.address);
      return;
    case 10:
      yield* spin_lock(lock_a.address);
      return;
    case 11:
      yield* spin_lock(lock_a.address);
      yield* schedule();
      yield* spin_unlock(lock_a.address);
      return;
    case 12: {
      const at = yield* kmalloc(item.size, GFP_KERNEL);
      item.at(at).lock.lock = SPIN_LOCK_UNLOCKED;
      yield* take(at);
      return;
    }
    case 13:
      yield* read_lock(rwlock.address);
      yield* spin_lock(lock_a.address);
      yield* spin_unlock(lock_a.address);
      yield* read_unlock(rwlock.address);
      yield* spin_lock(lock_a.address);
      yield* write_lock(rwlock.address);
      yield* write_unlock(rwlock.address);
      yield* spin_unlock(lock_a.address);
      return;
    default:
      yield* spin_lock(lock_a.address);
      yield* spin_lock(lock_a.address);
  }
}

/** Does MISUSES[which]. */
export const sys_misuse = kernel_function("sys_misuse", [i32], i32, function* (which) {
  yield* misuse(which);
  return 0;
});

export const FINE = [
  "the same order twice",
  "two of a class, with their subclasses",
  "reading what is being read, in an interrupt too",
  "two readers in either order",
  "a trylock against the order",
  "masked where interrupts take it",
  "masked where bottom halves take it",
  "let go in another order",
] as const;

function* use(which: i32): Steps<void> {
  switch (which) {
    case 0:
      yield* take_a_then_b();
      yield* take_a_then_b();
      return;
    case 1: {
      const two = yield* make_items();
      yield* spin_lock(two);
      yield* spin_lock_nested(two + item.size, 1);
      yield* spin_unlock(two + item.size);
      yield* spin_unlock(two);
      return;
    }
    case 2:
      yield* read_lock(rwlock.address);
      yield* read_lock(rwlock.address);
      yield* pretend_irq_on();
      yield* read_lock(rwlock.address);
      yield* read_unlock(rwlock.address);
      yield* pretend_irq_off();
      yield* read_unlock(rwlock.address);
      yield* read_unlock(rwlock.address);
      return;
    case 3: {
      const two = yield* make_items();
      const other: u32 = item.at(two).rwlock.address;
      yield* read_lock(rwlock.address);
      yield* read_lock(other);
      yield* read_unlock(other);
      yield* read_unlock(rwlock.address);
      yield* read_lock(other);
      yield* read_lock(rwlock.address);
      yield* read_unlock(rwlock.address);
      yield* read_unlock(other);
      return;
    }
    case 4:
      yield* take_b_and_try_a(); // a class that is new
      yield* take_a_then_b();
      yield* take_b_and_try_a();
      return;
    case 5: {
      yield* take_in_irq(lock_a.address);
      const flags = yield* spin_lock_irqsave(lock_a.address);
      yield* spin_unlock_irqrestore(lock_a.address, flags);
      return;
    }
    case 6:
      yield* use_in_bottom_half(lock_a.address);
      yield* spin_lock_bh(lock_a.address);
      yield* spin_unlock_bh(lock_a.address);
      return;
    default:
      yield* spin_lock(lock_a.address);
      yield* spin_lock(lock_b.address);
      yield* spin_unlock(lock_a.address);
      yield* spin_lock(lock_c.address);
      yield* spin_unlock(lock_b.address);
      yield* spin_unlock(lock_c.address);
  }
}

/** Does FINE[which]. */
export const sys_use = kernel_function("sys_use", [i32], i32, function* (which) {
  yield* use(which);
  return 0;
});

/** 0: asserts a lock that is held, 1: one that is not, 2: one that somebody else holds. */
export const sys_assert = kernel_function("sys_assert", [i32], i32, function* (which) {
  if (which === 0) yield* spin_lock(lock_a.address);
  if (which === 2) spinlock_t.at(lock_a.address).lock = 0;
  assert_spin_locked(lock_a.address);
  if (which === 0) yield* spin_unlock(lock_a.address);
  return 0;
});
