/**
 * Waiting for a bit of a word to be cleared (kernel/wait.c, Linux 2.6): `wait_on_bit` and `wake_up_bit`. There is no queue for
 * each word that could be waited for: those who wait share a table of queues, hashed by the address of the word and the number
 * of the bit. So a queue may have waiters for other bits on it. A wake-up says by its key which bit it is about, and
 * wake_bit_function leaves the others asleep.
 */
import { kernel_function, kernel_variable, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, container_of, i32, pointer, u32 } from "../host/types.ts";
import { test_and_set_bit } from "../include/asm/bitops.ts";
import { EAGAIN, EINTR } from "../include/linux/errno.ts";
import {
  current,
  get_current,
  MAX_SCHEDULE_TIMEOUT,
  signal_pending_state,
  TASK_NORMAL,
} from "../include/linux/sched.ts";
import {
  autoremove_wake_function,
  init_wait_entry,
  init_waitqueue_head,
  wait_bit_key,
  wait_bit_queue,
  wait_queue_head_t,
  wait_queue_t,
  wake_bit_function,
} from "../include/linux/wait.ts";
import { schedule, schedule_timeout } from "./sched.ts";
import { __wake_up_key, finish_wait, prepare_to_wait, prepare_to_wait_exclusive, waitqueue_active } from "./wait.ts";

/** Queues of the table; a power of two. */
const WAIT_TABLE_BITS = 5;
const WAIT_TABLE_SIZE = 1 << WAIT_TABLE_BITS;
const GOLDEN_RATIO_PRIME_32 = 0x9e370001;

export const bit_wait_table = kernel_variable("bit_wait_table", array(wait_queue_head_t, WAIT_TABLE_SIZE));

/** Makes the queues. @bounded by WAIT_TABLE_SIZE, 32 */
export function wait_bit_init(): void {
  for (let i = 0; i < WAIT_TABLE_SIZE; i++) init_waitqueue_head(bit_wait_table.value.address_of(i));
}

/** The queue of those who wait for a bit, and of others: the upper bits of a multiplicative hash (hash_long). */
export function bit_waitqueue(word: number, bit: number): number {
  const hash = Math.imul((word << 5) | bit, GOLDEN_RATIO_PRIME_32) >>> (32 - WAIT_TABLE_BITS);
  return bit_wait_table.value.address_of(hash);
}

function test_bit(bit: number, word: number): boolean {
  return (memory().read32(word + 4 * (bit >>> 5)) & (1 << (bit & 31))) !== 0;
}

/** Wakes the entry's task if the wake-up is about its bit, and that is clear. @context irqs_disabled */
kernel_function("wake_bit_function", [pointer("wait_queue_t"), u32, i32, u32], i32, function* (wait, mode, sync, key) {
  if (!is_about(wait, key)) return 0;
  return yield* autoremove_wake_function(wait, mode, sync, key);
});

function is_about(wait: number, key: number): boolean {
  const own = wait_bit_queue.at(container_of(wait, wait_bit_queue, "wait")).key;
  const { flags, bit_nr } = wait_bit_key.at(key);
  return own.flags === flags && own.bit_nr === bit_nr && !test_bit(bit_nr, flags);
}

function init_wait_bit(q: number, word: number, bit: number): void {
  const { key, wait } = wait_bit_queue.at(q);
  key.flags = word;
  key.bit_nr = bit;
  init_wait_entry(wait.address, get_current());
  wait_queue_t.at(wait.address).func = wake_bit_function.address;
}

/**
 * Sleeps in `state` until a bit of a word is clear, at most `timeout` ticks. 0; -EAGAIN when the time is up; -EINTR when a
 * signal comes that ends such a sleep.
 * @context might_sleep
 */
const out_of_line_wait_on_bit = kernel_function(
  "out_of_line_wait_on_bit",
  [pointer("u32"), i32, i32, i32],
  i32,
  function* (word, bit, state, timeout) {
    const q = local(wait_bit_queue);
    const queue = bit_waitqueue(word, bit);
    let left = timeout;
    let result: i32 = 0;
    init_wait_bit(q.address, word, bit);
    for (;;) {
      yield* prepare_to_wait(queue, q.wait.address, state);
      if (!test_bit(bit, word)) break;
      if (left === 0) result = -EAGAIN;
      if (signal_pending_state(state, current())) result = -EINTR;
      if (result !== 0) break;
      left = yield* schedule_timeout(left);
    }
    yield* finish_wait(queue, q.wait.address);
    return result;
  },
);

/**
 * Sleeps until bit `bit` of the word at `word` is clear; who clears it calls wake_up_bit. `mode` is the state to sleep in:
 * TASK_UNINTERRUPTIBLE, or another that signals end with -EINTR. 0 when the bit was seen clear.
 * @context might_sleep
 */
export function* wait_on_bit(word: u32, bit: i32, mode: i32): Steps<i32> {
  if (!test_bit(bit, word)) return 0;
  return yield* out_of_line_wait_on_bit(word, bit, mode, MAX_SCHEDULE_TIMEOUT);
}

/** At most `timeout` ticks; -EAGAIN when the bit is still set then. @context might_sleep */
export function* wait_on_bit_timeout(word: u32, bit: i32, mode: i32, timeout: i32): Steps<i32> {
  if (!test_bit(bit, word)) return 0;
  return yield* out_of_line_wait_on_bit(word, bit, mode, timeout);
}

/**
 * Sets a bit, as soon as nobody else has it set: a lock of one bit. Those who wait are served one at a time, in the order in
 * which they came. 0, or -EINTR, the bit not set.
 * @context might_sleep
 */
export const wait_on_bit_lock = kernel_function(
  "wait_on_bit_lock",
  [pointer("u32"), i32, i32],
  i32,
  function* (word, bit, mode) {
    if ((yield* test_and_set_bit(bit, word)) === 0) return 0;
    const q = local(wait_bit_queue);
    const queue = bit_waitqueue(word, bit);
    let result: i32 = 0;
    init_wait_bit(q.address, word, bit);
    for (;;) {
      yield* prepare_to_wait_exclusive(queue, q.wait.address, mode);
      if (test_bit(bit, word)) {
        if (signal_pending_state(mode, current())) result = -EINTR;
        if (result !== 0) break;
        yield* schedule();
      }
      if ((yield* test_and_set_bit(bit, word)) === 0) break;
    }
    yield* finish_wait(queue, q.wait.address);
    // The wake-up may have been for this task, which does not want the bit any more: the next one does.
    if (result !== 0 && !test_bit(bit, word)) yield* wake_up_bit(word, bit);
    return result;
  },
);

/**
 * Wakes those who wait for a bit, which was cleared by clear_bit(): everybody, but of those in wait_on_bit_lock the first.
 * @context any
 */
export const wake_up_bit = kernel_function("wake_up_bit", [pointer("u32"), i32], undefined, function* (word, bit) {
  const queue = bit_waitqueue(word, bit);
  if (!waitqueue_active(queue)) return;
  const key = local(wait_bit_key);
  key.flags = word;
  key.bit_nr = bit;
  yield* __wake_up_key(queue, TASK_NORMAL, 1, key.address);
});
