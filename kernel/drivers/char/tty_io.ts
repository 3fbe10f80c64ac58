/**
 * Terminals as files (drivers/char/tty_io.c). There is one, the first serial port, which is also the console: it does not
 * come and go with those who open it.
 */

import { MKDEV, register_chrdev } from "../../fs/devices.ts";
import { cstring, kernel_function, kernel_table, kernel_variable, local, type Steps } from "../../host/declarations.ts";
import { i32, pointer, u32 } from "../../host/types.ts";
import { down_interruptible, down_trylock, init_MUTEX, up } from "../../include/asm/semaphore.ts";
import { lock_kernel, unlock_kernel } from "../../include/asm/smplock.ts";
import { read_lock, read_unlock, spin_lock_init } from "../../include/asm/spinlock.ts";
import { memcpy } from "../../include/asm/string.ts";
import { copy_from_user, copy_to_user, get_user, put_user } from "../../include/asm/uaccess.ts";
import { EAGAIN, EFAULT, ENODEV, ENOTTY, ERESTARTSYS, ESRCH } from "../../include/linux/errno.ts";
import { file, file_operations, inode, O_NONBLOCK } from "../../include/linux/fs.ts";
import { list_for_each, list_next } from "../../include/linux/list.ts";
import { tasklist_lock } from "../../include/linux/sched.ts";
import { spin_lock_irq, spin_unlock_irq } from "../../include/linux/spinlock.ts";
import {
  B115200,
  CONSOLE_MINOR,
  CREAD,
  CS8,
  clear_tty_flag,
  FIONREAD,
  ICANON,
  ICRNL,
  set_tty_flag,
  TCGETS,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TIOCGPGRP,
  TIOCGWINSZ,
  TIOCSPGRP,
  TIOCSWINSZ,
  TTY_FLIPBUF_SIZE,
  TTY_MAJOR,
  TTY_OTHER_CLOSED,
  TTY_WANTED,
  TTYAUX_MAJOR,
  TTYS_MINOR,
  termios,
  tty_struct,
  VEOF,
  VERASE,
  VINTR,
  VKILL,
  VMIN,
  VQUIT,
  VSUSP,
  winsize,
} from "../../include/linux/tty.ts";
import { init_waitqueue_head } from "../../include/linux/wait.ts";
import { global_nr, group_vnr } from "../../kernel/pid_namespace.ts";
import { wake_up_interruptible } from "../../kernel/wait.ts";
import { chars_in_buffer, n_tty_receive_buf, normal_poll, read_chan, write_chan } from "./n_tty.ts";

/** The terminal on the first serial port. */
export const ttyS0 = kernel_variable("ttyS0", tty_struct);

/** Control characters at the start: ^C, ^\, DEL, ^U, ^D, ^Z, and one byte for a raw read. */
const INIT_C_CC = [
  [VINTR, 0x03],
  [VQUIT, 0x1c],
  [VERASE, 0x7f],
  [VKILL, 0x15],
  [VEOF, 0x04],
  [VSUSP, 0x1a],
  [VMIN, 1],
] as const;

/** How many tasks wait for input, for hosts that want to know whether a machine at rest could go on. */
export function tty_readers(): number {
  const queue = ttyS0.value.read_wait.task_list.address;
  return list_next(queue) === 0 ? 0 : [...list_for_each(queue)].length;
}

/** Whether input would be taken: somebody waits for it, or has looked for it and gone on without. */
export function tty_wants_input(): boolean {
  return tty_readers() > 0 || (ttyS0.value.flags & TTY_WANTED) !== 0;
}

/** Gives a terminal its driver and the standard settings (see n_tty.ts for what is off, and why). */
export function* initialize_tty_struct(tty: tty_struct, driver: u32, driver_data: u32): Steps<void> {
  tty.driver = driver;
  tty.driver_data = driver_data;
  tty.flags = 0;
  tty.termios.c_iflag = ICRNL;
  tty.termios.c_oflag = 0;
  tty.termios.c_cflag = B115200 | CS8 | CREAD;
  tty.termios.c_lflag = ICANON;
  for (const [index, value] of INIT_C_CC) tty.termios.c_cc.set(index, value);
  tty.winsize.ws_row = 24;
  tty.winsize.ws_col = 80;
  spin_lock_init(tty.read_lock.address);
  init_MUTEX(tty.atomic_read.address);
  init_waitqueue_head(tty.read_wait.address);
  init_waitqueue_head(tty.write_wait.address);
}

/** Collects a received byte, in the driver's interrupt. Returns false when the buffer is full. */
export function tty_insert_flip_char(tty: tty_struct, byte: number): boolean {
  const count = tty.flip_count;
  if (count >= TTY_FLIPBUF_SIZE) return false;
  tty.flip_buf.set(count, byte);
  tty.flip_count = count + 1;
  return true;
}

/** Hands the collected bytes to the line discipline, right away (`low_latency`). @context in_irq irqs_disabled */
export const tty_flip_buffer_push = kernel_function(
  "tty_flip_buffer_push",
  [pointer("tty_struct")],
  undefined,
  function* (address) {
    const tty = tty_struct.at(address);
    const count = tty.flip_count;
    tty.flip_count = 0;
    if (count > 0) yield* n_tty_receive_buf(address, tty.flip_buf.address, count);
  },
);

/** The carrier came or went: without it, reads of what has not been received yet end. Writes go on. */
export const tty_carrier = kernel_function(
  "tty_carrier",
  [pointer("tty_struct"), i32],
  undefined,
  function* (address, present) {
    const tty = tty_struct.at(address);
    if (present !== 0) {
      clear_tty_flag(tty, TTY_OTHER_CLOSED);
      return;
    }
    set_tty_flag(tty, TTY_OTHER_CLOSED);
    yield* wake_up_interruptible(tty.read_wait.address);
  },
);

const tty_open = kernel_function(
  "tty_open",
  [pointer("inode"), pointer("file")],
  i32,
  (inode_address, file_address) => {
    const device = inode.at(inode_address).i_rdev;
    if (device !== MKDEV(TTYAUX_MAJOR, CONSOLE_MINOR) && device !== MKDEV(TTY_MAJOR, TTYS_MINOR)) return -ENODEV;
    file.at(file_address).private_data = ttyS0.address;
    return 0;
  },
);

/** @context might_sleep */
const tty_read = kernel_function("tty_read", [pointer("file"), u32, u32], i32, function* (at, buffer, count) {
  yield* lock_kernel();
  const result = yield* read_chan(file.at(at).private_data, at, buffer, count);
  yield* unlock_kernel();
  return result;
});

/** One write at a time, also when it sleeps for room (do_tty_write). @context might_sleep */
const tty_write = kernel_function("tty_write", [pointer("file"), u32, u32], i32, function* (at, buffer, count) {
  const sem = inode.at(file.at(at).f_inode).i_sem.address;
  if (file.at(at).f_flags & O_NONBLOCK) {
    if ((yield* down_trylock(sem)) !== 0) return -EAGAIN;
  } else if ((yield* down_interruptible(sem)) !== 0) return -ERESTARTSYS;
  yield* lock_kernel();
  const result = yield* write_chan(file.at(at).private_data, at, buffer, count);
  yield* unlock_kernel();
  yield* up(sem);
  return result;
});

/**
 * Takes settings from user memory: all at once, as the receive interrupt goes by them. 0 or -EFAULT.
 * @context might_sleep
 */
function* set_termios(tty: tty_struct, from: u32): Steps<i32> {
  const tmp_termios = local(termios);
  if ((yield* copy_from_user(tmp_termios.address, from, termios.size)) !== 0) return -EFAULT;
  yield* spin_lock_irq(tty.read_lock.address);
  yield* memcpy(tty.termios.address, tmp_termios.address, termios.size);
  yield* spin_unlock_irq(tty.read_lock.address);
  return 0;
}

/** TIOCGPGRP: 0 for a group that the caller's pid namespace does not have. @context might_sleep */
function* get_foreground_group(tty: tty_struct, argument: u32): Steps<i32> {
  yield* read_lock(tasklist_lock.address);
  const pgrp = yield* group_vnr(tty.pgrp);
  yield* read_unlock(tasklist_lock.address);
  return yield* put_user(pgrp, argument);
}

/** TIOCSPGRP: -ESRCH for a group that the caller's pid namespace does not have. @context might_sleep */
function* set_foreground_group(tty: tty_struct, argument: u32): Steps<i32> {
  const wanted = local(i32);
  if ((yield* get_user(wanted.address, argument)) !== 0) return -EFAULT;
  yield* read_lock(tasklist_lock.address);
  const pgrp = yield* global_nr(wanted.value);
  yield* read_unlock(tasklist_lock.address);
  if (pgrp === 0 && wanted.value !== 0) return -ESRCH;
  tty.pgrp = pgrp;
  return 0;
}

/** @context might_sleep */
const tty_ioctl = kernel_function("tty_ioctl", [pointer("file"), u32, u32], i32, function* (at, command, argument) {
  const tty = tty_struct.at(file.at(at).private_data);
  switch (command) {
    case TCGETS:
      return (yield* copy_to_user(argument, tty.termios.address, termios.size)) === 0 ? 0 : -EFAULT;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
      return yield* set_termios(tty, argument);
    case TIOCGWINSZ:
      return (yield* copy_to_user(argument, tty.winsize.address, winsize.size)) === 0 ? 0 : -EFAULT;
    case TIOCSWINSZ:
      return (yield* copy_from_user(tty.winsize.address, argument, winsize.size)) === 0 ? 0 : -EFAULT;
    case TIOCGPGRP:
      return yield* get_foreground_group(tty, argument);
    case TIOCSPGRP:
      return yield* set_foreground_group(tty, argument);
    case FIONREAD:
      return yield* put_user(chars_in_buffer(tty), argument);
    default:
      return -ENOTTY;
  }
});

/** What the terminal is ready for. */
const tty_poll = kernel_function("tty_poll", [pointer("file"), u32], u32, function* (at, table) {
  return yield* normal_poll(tty_struct.at(file.at(at).private_data), table);
});

const tty_fops = kernel_table(
  "tty_fops",
  [tty_read.symbol, tty_write.symbol, 0, tty_open.symbol, 0, tty_ioctl.symbol, tty_poll.symbol],
  file_operations,
);

const tty_name = cstring("tty");
const serial_name = cstring("ttyS");

/** Registers the terminals' device numbers. */
export const tty_init = kernel_function("tty_init", [], undefined, function* () {
  yield* register_chrdev(TTYAUX_MAJOR, tty_name.address, tty_fops.address);
  yield* register_chrdev(TTY_MAJOR, serial_name.address, tty_fops.address);
});
