/**
 * Locks taken with interrupts or bottom halves masked (include/linux/spinlock.h): for what an interrupt handler, or a bottom
 * half, of the same CPU wants too. Each is written out where it is used, and in a kernel for one CPU only masks.
 */
import type { Steps } from "../../host/declarations.ts";
import type { u32 } from "../../host/types.ts";
import { local_bh_disable, local_bh_enable } from "../../kernel/softirq.ts";
import { read_lock, read_unlock, spin_lock, spin_unlock, write_lock, write_unlock } from "../asm/spinlock.ts";
import { local_irq_disable, local_irq_enable, local_irq_restore, local_irq_save } from "../asm/system.ts";

/** @inline */
export function* spin_lock_irq(lock: u32): Steps<void> {
  local_irq_disable();
  yield* spin_lock(lock);
}

/** @inline */
export function* spin_unlock_irq(lock: u32): Steps<void> {
  yield* spin_unlock(lock);
  local_irq_enable();
}

/** Returns the flags for spin_unlock_irqrestore: of use to those who may be called with interrupts on or off. @inline */
export function* spin_lock_irqsave(lock: u32): Steps<u32> {
  const flags = local_irq_save();
  yield* spin_lock(lock);
  return flags;
}

/** @inline */
export function* spin_unlock_irqrestore(lock: u32, flags: u32): Steps<void> {
  yield* spin_unlock(lock);
  local_irq_restore(flags);
}

/** @inline */
export function* spin_lock_bh(lock: u32): Steps<void> {
  local_bh_disable();
  yield* spin_lock(lock);
}

/** @inline */
export function* spin_unlock_bh(lock: u32): Steps<void> {
  yield* spin_unlock(lock);
  local_bh_enable();
}

/** @inline */
export function* read_lock_irqsave(lock: u32): Steps<u32> {
  const flags = local_irq_save();
  yield* read_lock(lock);
  return flags;
}

/** @inline */
export function* read_unlock_irqrestore(lock: u32, flags: u32): Steps<void> {
  yield* read_unlock(lock);
  local_irq_restore(flags);
}

/** @inline */
export function* write_lock_irq(lock: u32): Steps<void> {
  local_irq_disable();
  yield* write_lock(lock);
}

/** @inline */
export function* write_unlock_irq(lock: u32): Steps<void> {
  yield* write_unlock(lock);
  local_irq_enable();
}

/** @inline */
export function* write_lock_irqsave(lock: u32): Steps<u32> {
  const flags = local_irq_save();
  yield* write_lock(lock);
  return flags;
}

/** @inline */
export function* write_unlock_irqrestore(lock: u32, flags: u32): Steps<void> {
  yield* write_unlock(lock);
  local_irq_restore(flags);
}
