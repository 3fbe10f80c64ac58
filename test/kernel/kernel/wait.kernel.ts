/** System calls that wait in every way there is, and that wake. */
import { mdelay, ndelay, udelay } from "../../../kernel/arch/i386/lib/delay.ts";
import {
  kernel_function,
  kernel_table,
  kernel_variable,
  local,
  type Steps,
} from "../../../kernel/host/declarations.ts";
import { array, i32, u32 } from "../../../kernel/host/types.ts";
import { clear_bit, set_bit } from "../../../kernel/include/asm/bitops.ts";
import { SPIN_LOCK_UNLOCKED, spinlock_t } from "../../../kernel/include/asm/spinlock.ts";
import { irqs_disabled } from "../../../kernel/include/asm/system.ts";
import { completion, init_completion, reinit_completion } from "../../../kernel/include/linux/completion.ts";
import { current, get_current } from "../../../kernel/include/linux/sched.ts";
import { SIGKILL } from "../../../kernel/include/linux/signal.ts";
import { spin_lock_irq, spin_unlock_irq } from "../../../kernel/include/linux/spinlock.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { init_waitqueue_head, wait_queue_head_t } from "../../../kernel/include/linux/wait.ts";
import {
  wait_event,
  wait_event_cmd,
  wait_event_command,
  wait_event_exclusive,
  wait_event_interruptible,
  wait_event_interruptible_exclusive,
  wait_event_interruptible_lock_irq,
  wait_event_interruptible_timeout,
  wait_event_killable,
  wait_event_killable_timeout,
  wait_event_lock_irq,
  wait_event_timeout,
} from "../../../kernel/include/linux/wait-event.ts";
import {
  complete,
  complete_all,
  completion_done,
  try_wait_for_completion,
  wait_for_completion,
  wait_for_completion_interruptible,
  wait_for_completion_interruptible_timeout,
  wait_for_completion_killable,
  wait_for_completion_timeout,
} from "../../../kernel/kernel/completion.ts";
import { msleep, msleep_interruptible, schedule_timeout_killable, ssleep } from "../../../kernel/kernel/msleep.ts";
import { send_sig } from "../../../kernel/kernel/signal.ts";
import { add_timer, init_timer, jiffies } from "../../../kernel/kernel/timer.ts";
import {
  wake_up,
  wake_up_all,
  wake_up_interruptible,
  wake_up_interruptible_all,
  wake_up_interruptible_nr,
  wake_up_interruptible_sync,
  wake_up_nr,
} from "../../../kernel/kernel/wait.ts";
import { wait_on_bit, wait_on_bit_lock, wait_on_bit_timeout, wake_up_bit } from "../../../kernel/kernel/wait-bit.ts";

export const queue = kernel_variable("w_queue", wait_queue_head_t);
const lock = kernel_table("w_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
export const tokens = kernel_variable("w_tokens", u32);
/** How often a condition was looked at. */
export const looks = kernel_variable("w_looks", u32);
/** What was executed in front of sleeps, and behind them. */
export const befores = kernel_variable("w_befores", u32);
export const afters = kernel_variable("w_afters", u32);
/** How often a condition that is looked at under the lock was looked at with interrupts on. */
export const unlocked = kernel_variable("w_unlocked", u32);
/** Who came through, in order. */
export const order = kernel_variable("w_order", array(i32, 16));
export const served = kernel_variable("w_served", u32);
export const done = kernel_variable("w_done", completion);
export const word = kernel_variable("w_word", u32);
/** Ticks that a sleep did not take. */
export const left = kernel_variable("w_left", i32);

/** Numbers of the system calls, by their names: 250 and on. */
export const calls = [
  "sys_w_init",
  "sys_w_take",
  "sys_w_take_timeout",
  "sys_w_give",
  "sys_w_give_later",
  "sys_c_wait",
  "sys_c_complete",
  "sys_c_complete_later",
  "sys_c_on_stack",
  "sys_b_set",
  "sys_b_clear",
  "sys_b_wait",
  "sys_b_lock",
  "sys_s_sleep",
] as const;

kernel_function("sys_w_init", [], i32, function* () {
  init_waitqueue_head(queue.address);
  init_completion(done.address);
  return 0;
});

function has_token(): boolean {
  looks.value++;
  return tokens.value > 0;
}

function has_token_locked(): boolean {
  if (!irqs_disabled()) unlocked.value++;
  return has_token();
}

function note_served(): void {
  order.value.set(served.value, current().pid);
  served.value++;
}

function* note_before(): Steps<void> {
  befores.value++;
}

function* note_after(): Steps<void> {
  afters.value++;
}

function* wait_for_token(how: u32): Steps<i32> {
  let result: i32 = 0;
  if (how === 0) yield* wait_event(queue.address, () => has_token());
  if (how === 1) result = yield* wait_event_interruptible(queue.address, () => has_token());
  if (how === 2) result = yield* wait_event_killable(queue.address, () => has_token());
  if (how === 3) yield* wait_event_exclusive(queue.address, () => has_token());
  if (how === 4) result = yield* wait_event_interruptible_exclusive(queue.address, () => has_token());
  return result;
}

function* wait_for_token_specially(how: u32): Steps<i32> {
  let result: i32 = 0;
  if (how === 5) {
    yield* spin_lock_irq(lock.address);
    yield* wait_event_lock_irq(queue.address, () => has_token_locked(), lock.address);
    yield* spin_unlock_irq(lock.address);
  }
  if (how === 6) {
    yield* spin_lock_irq(lock.address);
    result = yield* wait_event_interruptible_lock_irq(queue.address, () => has_token_locked(), lock.address);
    yield* spin_unlock_irq(lock.address);
  }
  if (how === 7) {
    yield* wait_event_cmd(
      queue.address,
      () => has_token(),
      function* () {
        yield* note_before();
      },
      function* () {
        yield* note_after();
      },
    );
  }
  if (how === 8) {
    yield* wait_event_command(
      queue.address,
      () => has_token(),
      function* () {
        yield* note_before();
      },
      function* () {
        yield* note_after();
      },
    );
  }
  return result;
}

/** Waits for a token in one of nine ways, and takes it. */
kernel_function("sys_w_take", [u32], i32, function* (how) {
  const result = how < 5 ? yield* wait_for_token(how) : yield* wait_for_token_specially(how);
  if (result !== 0) return result;
  tokens.value--;
  note_served();
  return 0;
});

kernel_function("sys_w_take_timeout", [u32, i32], i32, function* (how, ticks) {
  if (how === 0) return yield* wait_event_timeout(queue.address, () => has_token(), ticks);
  if (how === 1) return yield* wait_event_interruptible_timeout(queue.address, () => has_token(), ticks);
  return yield* wait_event_killable_timeout(queue.address, () => has_token(), ticks);
});

/** Makes tokens, and wakes in one of seven ways. */
kernel_function("sys_w_give", [u32, u32], i32, function* (count, how) {
  tokens.value += count;
  if (how === 0) yield* wake_up(queue.address);
  if (how === 1) yield* wake_up_all(queue.address);
  if (how === 2) yield* wake_up_interruptible(queue.address);
  if (how === 3) yield* wake_up_nr(queue.address, count);
  if (how === 4) yield* wake_up_interruptible_all(queue.address);
  if (how === 5) yield* wake_up_interruptible_nr(queue.address, count);
  if (how === 6) yield* wake_up_interruptible_sync(queue.address);
  return 0;
});

const timer = kernel_variable("w_timer", timer_list);

const give_now = kernel_function("w_give_now", [u32], undefined, function* (_data) {
  tokens.value++;
  yield* wake_up(queue.address);
});

const complete_now = kernel_function("w_complete_now", [u32], undefined, function* (at) {
  yield* complete(at);
});

function* start_timer(at: u32, ticks: u32, routine: u32, data: u32): Steps<void> {
  const t = timer_list.at(at);
  init_timer(at);
  t.expires = jiffies.value + ticks;
  t.data = data;
  t.function = routine;
  yield* add_timer(at);
}

/** A timer's function, in a bottom half, makes a token and wakes. */
kernel_function("sys_w_give_later", [u32], i32, function* (ticks) {
  yield* start_timer(timer.address, ticks, give_now.address, 0);
  return 0;
});

/** Waits for `done` in one of seven ways. */
kernel_function("sys_c_wait", [u32, i32], i32, function* (how, ticks) {
  const x = done.address;
  let result: i32 = 0;
  if (how === 0) yield* wait_for_completion(x);
  if (how === 1) result = yield* wait_for_completion_timeout(x, ticks);
  if (how === 2) result = yield* wait_for_completion_interruptible(x);
  if (how === 3) result = yield* wait_for_completion_interruptible_timeout(x, ticks);
  if (how === 4) result = yield* wait_for_completion_killable(x);
  if (how === 5) result = yield* try_wait_for_completion(x);
  if (how === 6) result = (yield* completion_done(x)) ? 1 : 0;
  note_served();
  return result;
});

kernel_function("sys_c_complete", [u32], i32, function* (how) {
  if (how === 0) yield* complete(done.address);
  if (how === 1) yield* complete_all(done.address);
  if (how === 2) reinit_completion(done.address);
  return done.value.done;
});

kernel_function("sys_c_complete_later", [u32], i32, function* (ticks) {
  yield* start_timer(timer.address, ticks, complete_now.address, done.address);
  return 0;
});

/** A completion and a timer that are gone when the function returns. What lies on its stack then is something else. */
function* wait_on_stack(ticks: u32): Steps<void> {
  const x = local(completion);
  const t = local(timer_list);
  init_completion(x.address);
  yield* start_timer(t.address, ticks, complete_now.address, x.address);
  yield* wait_for_completion(x.address);
}

function* use_stack(value: u32): Steps<u32> {
  const words = local(array(u32, 24));
  for (let i: u32 = 0; i < 24; i++) words.value.set(i, value);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < 24; i++) sum += words.value.get(i) === value ? 1 : 0;
  return sum;
}

kernel_function("sys_c_on_stack", [u32], i32, function* (rounds) {
  for (let round: u32 = 0; round < rounds; round++) {
    yield* wait_on_stack(1);
    if ((yield* use_stack(0xdead0000 + round)) !== 24) return 1;
  }
  return 0;
});

kernel_function("sys_b_set", [u32], i32, function* (bit) {
  yield* set_bit(bit, word.address);
  return 0;
});

/** Clears a bit, and wakes those who wait for it. */
kernel_function("sys_b_clear", [u32], i32, function* (bit) {
  yield* clear_bit(bit, word.address);
  yield* wake_up_bit(word.address, bit);
  return 0;
});

/** @param ticks below 0 for no limit */
kernel_function("sys_b_wait", [i32, i32, i32], i32, function* (bit, mode, ticks) {
  const result =
    ticks < 0
      ? yield* wait_on_bit(word.address, bit, mode)
      : yield* wait_on_bit_timeout(word.address, bit, mode, ticks);
  note_served();
  return result;
});

kernel_function("sys_b_lock", [i32, i32], i32, function* (bit, mode) {
  const result = yield* wait_on_bit_lock(word.address, bit, mode);
  if (result === 0) note_served();
  return result;
});

kernel_function("sys_s_sleep", [u32, u32], i32, function* (how, amount) {
  if (how === 0) yield* msleep(amount);
  if (how === 1) return yield* msleep_interruptible(amount);
  if (how === 2) yield* ssleep(amount);
  if (how === 3) yield* mdelay(amount);
  if (how === 4) yield* udelay(amount);
  if (how === 5) yield* ndelay(amount);
  if (how === 6) {
    yield* send_sig(SIGKILL, get_current(), 1);
    left.value = yield* schedule_timeout_killable(amount);
  }
  return 0;
});
