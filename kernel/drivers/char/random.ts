/**
 * Random bytes (drivers/char/random.c) that are the same in every run: Marsaglia's xorshift32, one byte of each number,
 * from a fixed start. Good enough for stack canaries and hash seeds, and no secret.
 */
import { kernel_function, kernel_variable, local, type Steps } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import { array, i32, u8, u32 } from "../../host/types.ts";
import { copy_to_user } from "../../include/asm/uaccess.ts";
import { EFAULT, EINVAL } from "../../include/linux/errno.ts";

/** The generator's state; never 0. */
const random_state = kernel_variable("random_state", u32, 0x2545f491);

function random_byte(): number {
  let x = random_state.value;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  random_state.value = x;
  return (x >>> 8) & 0xff;
}

/** Fills kernel memory with random bytes. */
export function* get_random_bytes(to: u32, bytes: u32): Steps<void> {
  for (let i: u32 = 0; i < bytes; i++) memory().write8(to + i, random_byte());
}

const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
/** Bytes made at a time. */
const CHUNK = 64;

/** getrandom(2): never waits. @context might_sleep */
export const sys_getrandom = kernel_function("sys_getrandom", [u32, u32, u32], i32, function* (buffer, count, flags) {
  if (flags & ~(GRND_NONBLOCK | GRND_RANDOM)) return -EINVAL;
  const chunk = local(array(u8, CHUNK));
  const wanted: u32 = Math.min(count, 0x7fffffff);
  for (let done: u32 = 0; done < wanted; ) {
    const bytes: u32 = Math.min(CHUNK, wanted - done);
    yield* get_random_bytes(chunk.address, bytes);
    if ((yield* copy_to_user(buffer + done, chunk.address, bytes)) !== 0) return done || -EFAULT;
    done += bytes;
  }
  return wanted;
});
