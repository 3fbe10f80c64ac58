/**
 * The line discipline of terminals (drivers/char/n_tty.c): received bytes become lines that can be edited until they end
 * (canonical mode), or are handed on as they come.
 *
 * Terminals begin in canonical mode, with carriage returns read as newlines, without echo and without any processing of
 * output: the other end may be a pipe as well as a person, and what programs write arrives byte for byte.
 */
import { call_pointer, kernel_function, local, type Steps } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import { i32, pointer, type u8, u32, type ViewOf } from "../../host/types.ts";
import { down_interruptible, down_trylock, up } from "../../include/asm/semaphore.ts";
import { spin_lock, spin_unlock } from "../../include/asm/spinlock.ts";
import { copy_to_user, get_user } from "../../include/asm/uaccess.ts";
import { EAGAIN, EFAULT, ERESTARTSYS } from "../../include/linux/errno.ts";
import { file, O_NONBLOCK } from "../../include/linux/fs.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, poll_wait } from "../../include/linux/poll.ts";
import {
  current,
  get_current,
  set_current_state,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
} from "../../include/linux/sched.ts";
import { SIGINT, SIGQUIT, SIGTSTP } from "../../include/linux/signal.ts";
import { spin_lock_irq, spin_unlock_irq } from "../../include/linux/spinlock.ts";
import {
  __DISABLED_CHAR,
  clear_tty_flag,
  ECHO,
  ECHOE,
  ECHOK,
  ICANON,
  ICRNL,
  IGNCR,
  INLCR,
  ISIG,
  N_TTY_BUF_SIZE,
  ONLCR,
  OPOST,
  set_tty_flag,
  TTY_OTHER_CLOSED,
  TTY_THRESHOLD_THROTTLE,
  TTY_THRESHOLD_UNTHROTTLE,
  TTY_THROTTLED,
  TTY_WANTED,
  tty_driver,
  tty_struct,
  VEOF,
  VEOL,
  VERASE,
  VINTR,
  VKILL,
  VMIN,
  VQUIT,
  VSUSP,
} from "../../include/linux/tty.ts";
import { init_waitqueue_entry, wait_queue_t } from "../../include/linux/wait.ts";
import { schedule } from "../../kernel/sched.ts";
import { kill_pg, signal_pending } from "../../kernel/signal.ts";
import { add_wait_queue, remove_wait_queue, wake_up_interruptible } from "../../kernel/wait.ts";

const CR = 0x0d;
const NL = 0x0a;
const BACKSPACE = 0x08;
const SPACE = 0x20;
const MASK = N_TTY_BUF_SIZE - 1;
/** What `translate` gives for a byte that is dropped. */
const DROPPED = -1;

function driver_of(tty: tty_struct): ViewOf<typeof tty_driver> {
  return tty_driver.at(tty.driver);
}

function is_canonical(tty: tty_struct): boolean {
  return (tty.termios.c_lflag & ICANON) !== 0;
}

function ends_line(tty: tty_struct, index: number): boolean {
  return (tty.read_flags.get(index >>> 5) & (1 << (index & 31))) !== 0;
}

function mark_line_end(tty: tty_struct, index: number): void {
  tty.read_flags.set(index >>> 5, tty.read_flags.get(index >>> 5) | (1 << (index & 31)));
}

function clear_line_end(tty: tty_struct, index: number): void {
  tty.read_flags.set(index >>> 5, tty.read_flags.get(index >>> 5) & ~(1 << (index & 31)));
}

/** Appends a byte to the input, as the only one to do so. @context in_irq irqs_disabled */
function* put_tty_queue(tty: tty_struct, byte: i32, line_end: boolean): Steps<void> {
  yield* spin_lock(tty.read_lock.address);
  append(tty, byte, line_end);
  yield* spin_unlock(tty.read_lock.address);
}

/** In a full buffer the last place is kept for the end of the line: the byte is lost. */
function append(tty: tty_struct, byte: number, line_end: boolean): void {
  if (tty.read_cnt >= N_TTY_BUF_SIZE - (line_end ? 0 : 1)) return;
  const head = tty.read_head;
  tty.read_buf.set(head, byte);
  if (line_end) mark_line_end(tty, head);
  tty.read_head = (head + 1) & MASK;
  tty.read_cnt++;
  if (line_end) {
    tty.canon_head = tty.read_head;
    tty.canon_data++;
  }
}

function* echo(tty: tty_struct, byte: u8): Steps<void> {
  if (tty.termios.c_lflag & ECHO) yield* call_pointer(driver_of(tty).put_char, undefined, tty.address, byte);
}

function take_back(tty: tty_struct): void {
  tty.read_head = (tty.read_head - 1) & MASK;
  tty.read_cnt--;
}

/** Takes back the last byte of the unfinished line (erase), or all of it (kill). @context in_irq irqs_disabled */
function* eraser(tty: tty_struct, all: boolean): Steps<void> {
  const { c_lflag } = tty.termios;
  while (tty.read_head !== tty.canon_head) {
    yield* spin_lock(tty.read_lock.address);
    take_back(tty);
    yield* spin_unlock(tty.read_lock.address);
    if (c_lflag & ECHOE) {
      yield* echo(tty, BACKSPACE);
      yield* echo(tty, SPACE);
      yield* echo(tty, BACKSPACE);
    }
    if (!all) return;
  }
  if (all && c_lflag & ECHOK) yield* echo(tty, NL);
}

/** What a byte is after input translation, or DROPPED. */
function translate(iflag: number, byte: number): number {
  if (byte === CR) return iflag & IGNCR ? DROPPED : iflag & ICRNL ? NL : CR;
  return byte === NL && iflag & INLCR ? CR : byte;
}

/** Characters that are signals to the foreground process group, with ISIG. */
const signal_characters = [
  [VINTR, SIGINT],
  [VQUIT, SIGQUIT],
  [VSUSP, SIGTSTP],
] as const;

/** Whether a byte is a terminal's control character, which may be switched off. */
function is_control(tty: tty_struct, control: number, byte: number): boolean {
  return byte !== __DISABLED_CHAR && byte === tty.termios.c_cc.get(control);
}

/** @context in_irq irqs_disabled */
function* n_tty_receive_char(tty: tty_struct, received: u8): Steps<void> {
  const byte: i32 = translate(tty.termios.c_iflag, received);
  if (byte === DROPPED) return;
  if (tty.termios.c_lflag & ISIG && tty.pgrp > 0) {
    for (const [control, sig] of signal_characters) {
      if (!is_control(tty, control, byte)) continue;
      yield* kill_pg(tty.pgrp, sig, 1);
      return;
    }
  }
  if (is_canonical(tty)) {
    if (is_control(tty, VERASE, byte)) return yield* eraser(tty, false);
    if (is_control(tty, VKILL, byte)) return yield* eraser(tty, true);
    // An end of file is a line end without a character.
    if (is_control(tty, VEOF, byte)) return yield* put_tty_queue(tty, __DISABLED_CHAR, true);
    if (byte === NL || is_control(tty, VEOL, byte)) {
      yield* echo(tty, byte);
      return yield* put_tty_queue(tty, byte, true);
    }
  }
  yield* echo(tty, byte);
  yield* put_tty_queue(tty, byte, false);
}

/** Whether a read would find something. */
function input_available(tty: tty_struct): boolean {
  return is_canonical(tty) ? tty.canon_data > 0 : tty.read_cnt >= Math.max(1, tty.termios.c_cc.get(VMIN));
}

/** Bytes that a read could get now. */
export function chars_in_buffer(tty: tty_struct): number {
  return is_canonical(tty) ? (tty.canon_head - tty.read_tail) & MASK : tty.read_cnt;
}

/** POLL bits: input, end of file or carrier lost; output always, as the driver takes what it can. */
export function* normal_poll(tty: tty_struct, table: u32): Steps<u32> {
  yield* poll_wait(tty.read_wait.address, table);
  const closed = (tty.flags & TTY_OTHER_CLOSED) !== 0;
  const readable = input_available(tty) || closed;
  if (!readable) set_tty_flag(tty, TTY_WANTED);
  return (readable ? POLLIN | POLLRDNORM : 0) | (closed ? POLLHUP : 0) | POLLOUT | POLLWRNORM;
}

/**
 * Takes bytes from the driver, in its interrupt. Asks it to hold the sender back when a reader should catch up first.
 * @context in_irq irqs_disabled
 */
export const n_tty_receive_buf = kernel_function(
  "n_tty_receive_buf",
  [pointer("tty_struct"), u32, u32],
  undefined,
  function* (tty_address, from, count) {
    const tty = tty_struct.at(tty_address);
    clear_tty_flag(tty, TTY_WANTED);
    for (let i: u32 = 0; i < count; i++) yield* n_tty_receive_char(tty, memory().read8(from + i));
    if (input_available(tty)) yield* wake_up_interruptible(tty.read_wait.address);
    // A single endless line has to be let in: only its end makes it readable.
    yield* spin_lock(tty.read_lock.address);
    if (
      N_TTY_BUF_SIZE - tty.read_cnt < TTY_THRESHOLD_THROTTLE &&
      input_available(tty) &&
      (tty.flags & TTY_THROTTLED) === 0
    ) {
      set_tty_flag(tty, TTY_THROTTLED);
      yield* call_pointer(driver_of(tty).throttle, undefined, tty_address);
    }
    yield* spin_unlock(tty.read_lock.address);
  },
);

/** Distance from the tail to the first byte that ends a line, among `limit` bytes; -1 when there is none. */
function* find_line_end(tty: tty_struct, limit: u32): Steps<i32> {
  for (let i: u32 = 0; i < limit; i++) if (ends_line(tty, tty.read_tail + i)) return i;
  return -1;
}

/** Takes the bytes that were read, and with them the end of their line, off the buffer. */
function consume(tty: tty_struct, length: number, line_end: boolean): void {
  if (line_end && tty.canon_data > 0) {
    clear_line_end(tty, (tty.read_tail + length - 1) & MASK);
    tty.canon_data--;
  }
  tty.read_tail = (tty.read_tail + length) & MASK;
  tty.read_cnt -= length;
}

/**
 * Copies one line, or all there is in raw mode. Returns bytes or -EFAULT. The receive interrupt only adds bytes: what there
 * is up to a line's end, or in raw mode, stays.
 * @context might_sleep
 */
function* copy_input(tty: tty_struct, buffer: u32, count: u32): Steps<i32> {
  let copied: i32 = 0;
  while (copied < count && tty.read_cnt > 0) {
    // One piece goes no further than the line's end or the buffer's.
    const limit: u32 = Math.min(count - copied, tty.read_cnt, N_TTY_BUF_SIZE - tty.read_tail);
    const end: i32 = is_canonical(tty) ? yield* find_line_end(tty, limit) : -1;
    const end_of_file = end >= 0 && tty.read_buf.get(tty.read_tail + end) === __DISABLED_CHAR;
    const consumed: u32 = end >= 0 ? end + 1 : limit;
    const length: u32 = end_of_file ? end : consumed;
    if ((yield* copy_to_user(buffer + copied, tty.read_buf.address_of(tty.read_tail), length)) !== 0)
      return copied || -EFAULT;
    yield* spin_lock_irq(tty.read_lock.address);
    consume(tty, consumed, end >= 0);
    yield* spin_unlock_irq(tty.read_lock.address);
    copied += length;
    if (end >= 0) break;
  }
  return copied;
}

/**
 * Lets the sender go on when a reader has caught up. With the lock, or an interrupt could throttle again in between.
 * @context might_sleep
 */
function* check_unthrottle(tty: tty_struct): Steps<void> {
  yield* spin_lock_irq(tty.read_lock.address);
  if (tty.flags & TTY_THROTTLED && tty.read_cnt <= TTY_THRESHOLD_UNTHROTTLE) {
    clear_tty_flag(tty, TTY_THROTTLED);
    yield* call_pointer(driver_of(tty).unthrottle, undefined, tty.address);
  }
  yield* spin_unlock_irq(tty.read_lock.address);
}

/**
 * read(2) on a terminal: waits for a line (or VMIN bytes). 0 at an end of file, and for good when the carrier is gone.
 * @context might_sleep
 */
export const read_chan = kernel_function(
  "read_chan",
  [pointer("tty_struct"), pointer("file"), u32, u32],
  i32,
  function* (tty_address, file_address, buffer, count) {
    if (count === 0) return 0;
    const tty = tty_struct.at(tty_address);
    // One read at a time: what is copied is taken off the buffer only afterwards.
    if (file.at(file_address).f_flags & O_NONBLOCK) {
      if ((yield* down_trylock(tty.atomic_read.address)) !== 0) return -EAGAIN;
    } else if ((yield* down_interruptible(tty.atomic_read.address)) !== 0) return -ERESTARTSYS;
    const wait = local(wait_queue_t);
    init_waitqueue_entry(wait.address, get_current());
    yield* add_wait_queue(tty.read_wait.address, wait.address);
    let result: i32 = 0;
    for (;;) {
      yield* set_current_state(TASK_INTERRUPTIBLE);
      if (input_available(tty)) {
        current().state = TASK_RUNNING;
        result = yield* copy_input(tty, buffer, count);
        break;
      }
      if (tty.flags & TTY_OTHER_CLOSED) {
        // What came before the line went dead can still be read: nobody will finish it.
        current().state = TASK_RUNNING;
        tty.canon_head = tty.read_head;
        result = yield* copy_input(tty, buffer, count);
        break;
      }
      if (file.at(file_address).f_flags & O_NONBLOCK) {
        set_tty_flag(tty, TTY_WANTED);
        result = -EAGAIN;
        break;
      }
      if (signal_pending(current())) {
        result = -ERESTARTSYS;
        break;
      }
      yield* schedule();
    }
    current().state = TASK_RUNNING;
    yield* remove_wait_queue(tty.read_wait.address, wait.address);
    yield* check_unthrottle(tty);
    yield* up(tty.atomic_read.address);
    return result;
  },
);

/**
 * Writes with output processing: newlines as carriage return and newline. Returns bytes taken or -EFAULT.
 * @context might_sleep
 */
const opost_block = kernel_function(
  "opost_block",
  [pointer("tty_struct"), u32, u32],
  i32,
  function* (tty_address, buffer, count) {
    const tty = tty_struct.at(tty_address);
    const { write_room, put_char } = driver_of(tty);
    const word = local(u32);
    for (let i: i32 = 0; i < count; i++) {
      if ((yield* get_user(word.address, buffer + i, 1)) !== 0) return i || -EFAULT;
      const byte = word.value;
      const expands = byte === NL && (tty.termios.c_oflag & ONLCR) !== 0;
      if ((yield* call_pointer(write_room, i32, tty_address)) < (expands ? 2 : 1)) return i;
      if (expands) yield* call_pointer(put_char, undefined, tty_address, CR);
      yield* call_pointer(put_char, undefined, tty_address, byte);
    }
    return count;
  },
);

/**
 * write(2) on a terminal: gives everything to the driver, waiting for room as often as need be.
 * @context might_sleep
 */
export const write_chan = kernel_function(
  "write_chan",
  [pointer("tty_struct"), pointer("file"), u32, u32],
  i32,
  function* (tty_address, file_address, buffer, count) {
    const tty = tty_struct.at(tty_address);
    const wait = local(wait_queue_t);
    init_waitqueue_entry(wait.address, get_current());
    yield* add_wait_queue(tty.write_wait.address, wait.address);
    let written: i32 = 0;
    let error: i32 = 0;
    while (written < count) {
      yield* set_current_state(TASK_INTERRUPTIBLE);
      if (signal_pending(current())) {
        error = -ERESTARTSYS;
        break;
      }
      const taken =
        tty.termios.c_oflag & OPOST
          ? yield* opost_block(tty_address, buffer + written, count - written)
          : yield* call_pointer(driver_of(tty).write, i32, tty_address, buffer + written, count - written);
      if (taken < 0) {
        error = taken;
        break;
      }
      written += taken;
      if (written === count) break;
      if (file.at(file_address).f_flags & O_NONBLOCK) {
        error = -EAGAIN;
        break;
      }
      if (taken === 0) yield* schedule();
    }
    current().state = TASK_RUNNING;
    yield* remove_wait_queue(tty.write_wait.address, wait.address);
    return written || error;
  },
);
