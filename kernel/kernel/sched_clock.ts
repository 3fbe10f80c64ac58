/** Time for schedulers that look at less than ticks (sched_clock): the time-stamp counter, in eights of cycles. */
import { asm_function, kernel_function, kernel_variable } from "../host/declarations.ts";
import { u32 } from "../host/types.ts";
import { inb, outb } from "../include/asm/system.ts";

/** Now. The same for all CPUs; it wraps, so that only differences of less than half of its range mean something. */
export const sched_clock = asm_function("sched_clock", [], u32);

/** What sched_clock() counts in a millisecond. */
export const clock_per_ms = kernel_variable("clock_per_ms", u32, 1);

const PORT_61 = 0x61;
const GATE_2 = 0x01;
const SPEAKER = 0x02;
const OUT_2 = 0x20;
const PIT_MODE = 0x43;
const PIT_CHANNEL_2 = 0x42;
/** Channel 2, low byte then high byte, mode 0: OUT goes up when the count is over. */
const ONE_SHOT = 0xb0;
/** Counts of the 8254 in a millisecond. */
const LATCH = 1193;

function start_channel_2(): void {
  outb((inb(PORT_61) & ~SPEAKER) | GATE_2, PORT_61);
  outb(ONE_SHOT, PIT_MODE);
  outb(LATCH & 0xff, PIT_CHANNEL_2);
  outb(LATCH >> 8, PIT_CHANNEL_2);
}

/** Measures the clock by a millisecond of the 8254 (calibrate_tsc). @context irqs_disabled */
export const calibrate_clock = kernel_function("calibrate_clock", [], undefined, function* () {
  start_channel_2();
  const start: u32 = yield* sched_clock();
  while ((inb(PORT_61) & OUT_2) === 0) yield;
  clock_per_ms.value = (yield* sched_clock()) - start;
});
