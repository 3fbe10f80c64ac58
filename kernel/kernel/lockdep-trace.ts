/** Back-traces that are kept: of who took a lock, and of what was new about that. */
import { back_trace } from "../arch/i386/kernel/back-trace.ts";
import { cpu, image } from "../host/context.ts";
import { kernel_variable } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, u32 } from "../host/types.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { MAX_STACK_TRACE_ENTRIES } from "../include/linux/lockdep.ts";
import { hex8 } from "./printk.ts";

/** Back-traces behind each other, each behind its length. */
const stack_trace = kernel_variable("stack_trace", array(u32, MAX_STACK_TRACE_ENTRIES));
const nr_stack_trace_entries = kernel_variable("nr_stack_trace_entries", u32);
/** Functions that a back-trace has at most. */
const DEEPEST = 20;
const EBP = 5;

/** The frame of the function whose statement asks. */
export function frame_here(): u32 {
  return cpu().r[EBP] >>> 0;
}

/**
 * The frame of the function that has called the one whose statement asks: spin_lock's for lock_acquire. Its caller is where the
 * lock is taken.
 */
export function caller_of(): u32 {
  return memory().read32(cpu().r[EBP]) >>> 0;
}

/** Where the function with a frame returns to. */
export function return_address(frame: number): u32 {
  return memory().read32(frame + 4) >>> 0;
}

/**
 * Writes where the function with a frame returns to, and its callers on the same stack, to `to`; zeros behind them. @bounded by
 * `most`
 */
export function frames_from(frame: number, to: number, most: number): void {
  let at = frame;
  for (let i = 0; i < most; i++) {
    const is_there = at !== 0;
    memory().write32(to + 4 * i, is_there ? return_address(at) : 0);
    if (!is_there) continue;
    const next = memory().read32(at) >>> 0;
    const goes_on = next > at && ((next ^ frame) & -THREAD_SIZE) === 0 && (next & (THREAD_SIZE - 1)) < THREAD_SIZE - 8;
    at = goes_on ? next : 0;
  }
}

/** Keeps the back-trace of who called the function with a frame. Returns where it is, 0 when there is no room. @bounded by DEEPEST */
export function save_trace(frame: number): u32 {
  const frames = back_trace(memory(), image(), return_address(frame), memory().read32(frame));
  const at = nr_stack_trace_entries.value + 1;
  const length = Math.min(frames.length, DEEPEST);
  if (at + length > MAX_STACK_TRACE_ENTRIES) return 0;
  stack_trace.value.set(at - 1, length);
  for (let i = 0; i < length; i++) stack_trace.value.set(at + i, frames[i].address);
  nr_stack_trace_entries.value = at + length;
  return at;
}

/** Address number `number` of a kept back-trace; 0 behind its end. */
export function saved_address(trace: number, number: number): u32 {
  if (trace === 0 || number >= stack_trace.value.get(trace - 1)) return 0;
  return stack_trace.value.get(trace + number);
}

/** Address number `number` of who called the function with a frame; 0 behind the end. @bounded by the deepest trace */
export function address_above(frame: number, number: number): u32 {
  return back_trace(memory(), image(), return_address(frame), memory().read32(frame))[number]?.address ?? 0;
}

/** `[<c0105a3c>] schedule+0x1c/0x80 (kernel/kernel/sched.ts:290)`, of a return address. */
export function call_text(address: number): string {
  const line = image().line_at(address - 1);
  return `[<${hex8(address)}>] ${image().symbolize(address)}${line === undefined ? "" : ` (${line})`}`;
}
