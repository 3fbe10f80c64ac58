/** A driver for the clock chip's periodic interrupt, whose handler takes a lock that system calls take, too. */

import { request_irq } from "../../../kernel/arch/i386/kernel/irq.ts";
import { cstring, kernel_function, kernel_table, kernel_variable } from "../../../kernel/host/declarations.ts";
import { i32, pointer, u32 } from "../../../kernel/host/types.ts";
import { SPIN_LOCK_UNLOCKED, spin_lock, spin_unlock, spinlock_t } from "../../../kernel/include/asm/spinlock.ts";
import { inb, outb } from "../../../kernel/include/asm/system.ts";
import { IRQ_HANDLED, SA_INTERRUPT } from "../../../kernel/include/linux/interrupt.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../../../kernel/include/linux/spinlock.ts";

const RTC_IRQ = 8;
const RTC_INDEX = 0x70;
const RTC_DATA = 0x71;
const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
/** 1,024 interrupts a second. */
const RATE = 0x26;
const PERIODIC_INTERRUPTS = 0x40;

const rtc_lock = kernel_table("rtc_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
const rtc_name = cstring("rtc");
export const rtc_interrupts = kernel_variable("rtc_interrupts", u32);

function read_rtc(register: number): number {
  outb(register, RTC_INDEX);
  return inb(RTC_DATA);
}

function write_rtc(register: number, value: number): void {
  outb(register, RTC_INDEX);
  outb(value, RTC_DATA);
}

/** @context in_irq irqs_disabled */
const rtc_interrupt = kernel_function("rtc_interrupt", [i32, u32, pointer("pt_regs")], i32, function* () {
  yield* spin_lock(rtc_lock.address);
  read_rtc(REGISTER_C);
  rtc_interrupts.value++;
  yield* spin_unlock(rtc_lock.address);
  return IRQ_HANDLED;
});

/** Starts the interrupts. */
export const sys_rtc_start = kernel_function("sys_rtc_start", [], i32, function* () {
  const error = yield* request_irq(RTC_IRQ, rtc_interrupt.address, SA_INTERRUPT, rtc_name.address, 0);
  if (error !== 0) return error;
  write_rtc(REGISTER_A, RATE);
  write_rtc(REGISTER_B, read_rtc(REGISTER_B) | PERIODIC_INTERRUPTS);
  read_rtc(REGISTER_C);
  return 0;
});

/** Holds the lock for some statements, with interrupts masked or not. */
export const sys_rtc_hold = kernel_function("sys_rtc_hold", [u32, i32], i32, function* (statements, masked) {
  if (masked !== 0) {
    const flags = yield* spin_lock_irqsave(rtc_lock.address);
    for (let i: u32 = 0; i < statements; i++);
    yield* spin_unlock_irqrestore(rtc_lock.address, flags);
  } else {
    yield* spin_lock(rtc_lock.address);
    for (let i: u32 = 0; i < statements; i++);
    yield* spin_unlock(rtc_lock.address);
  }
  return 0;
});
