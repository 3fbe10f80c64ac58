/** Waiting for time to pass, for those who cannot sleep (arch/i386/lib/delay.c). */
import { kernel_function, local, type Steps } from "../../../host/declarations.ts";
import { type i32, u32 } from "../../../host/types.ts";
import { cpu_relax } from "../../../include/asm/processor.ts";
import { inb, local_irq_disable, local_irq_enable, outb, safe_halt } from "../../../include/asm/system.ts";
import { MSEC_PER_SEC, NSEC_PER_SEC, USEC_PER_SEC } from "../../../include/linux/time.ts";
import { timer_list } from "../../../include/linux/timer.ts";
import { add_timer, init_timer, jiffies, timer_pending } from "../../../kernel/timer.ts";
import { CLOCK_TICK_RATE, LATCH, PIT_CHANNEL_0, PIT_MODE } from "../kernel/time.ts";

/** What channel 0 has left to count to the next tick. */
function read_pit(): number {
  outb(0, PIT_MODE); // latch channel 0
  const low = inb(PIT_CHANNEL_0);
  return low | (inb(PIT_CHANNEL_0) << 8);
}

/**
 * Spends so many nanoseconds at least, by what the 8254 counts: 838 to a count. No loop needs to be calibrated, and it is right
 * with interrupts off. The 8254 has to be looked at once a tick at least, which an interrupt of that length would not let it.
 * @context any
 */
export const ndelay = kernel_function("ndelay", [u32], undefined, function* (nanoseconds) {
  yield* delay_counts(counts_of(nanoseconds, NSEC_PER_SEC));
});

/** Spends so many microseconds at least. @context any */
export const udelay = kernel_function("udelay", [u32], undefined, function* (microseconds) {
  yield* delay_counts(counts_of(microseconds, USEC_PER_SEC));
});

/** Spends so many milliseconds at least; whoever may sleep calls msleep. @context any */
export const mdelay = kernel_function("mdelay", [u32], undefined, function* (milliseconds) {
  yield* delay_counts(counts_of(milliseconds, MSEC_PER_SEC));
});

/** What the 8254 counts in a time: one more, since the first count is partly over. Half an hour at most. */
function counts_of(time: number, units: number): i32 {
  return Math.min(Math.ceil((time * CLOCK_TICK_RATE) / units) + 1, 0x7fffffff);
}

function* delay_counts(counts: i32): Steps<void> {
  let left: i32 = counts;
  let before: i32 = read_pit();
  while (left > 0) {
    cpu_relax();
    const now: i32 = read_pit();
    left -= now <= before ? before - now : before + LATCH() - now;
    before = now;
  }
}

/** The timer of those who wait does nothing: that it is not pending any more is all. @context in_softirq */
const time_is_up = kernel_function("time_is_up", [u32], undefined, function* (_data) {});

/** Halts until so many ticks have come, for those who cannot sleep: the idle task at boot. Interrupts are on. */
export function* wait_for_ticks(ticks: u32): Steps<void> {
  const timer = local(timer_list);
  init_timer(timer.address);
  timer.expires = jiffies.value + ticks;
  timer.function = time_is_up.address;
  yield* add_timer(timer.address);
  for (;;) {
    local_irq_disable();
    if (!timer_pending(timer.address)) break;
    yield* safe_halt();
  }
  local_irq_enable();
}
