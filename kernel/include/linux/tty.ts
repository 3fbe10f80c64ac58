/** Terminals: their settings, their state, and what a driver does for them (include/linux/tty.h, asm-i386/termbits.h). */
import { array, i32, pointer, struct, u8, u16, u32, type ViewOf } from "../../host/types.ts";
import { semaphore } from "../asm/semaphore.ts";
import { spinlock_t } from "../asm/spinlock.ts";
import { wait_queue_head_t } from "./wait.ts";

export const TTY_MAJOR = 4;
export const TTYAUX_MAJOR = 5;
/** Minor number of the first serial port under TTY_MAJOR, and of the console under TTYAUX_MAJOR. */
export const TTYS_MINOR = 64;
export const CONSOLE_MINOR = 1;

/** Indexes of control characters. */
export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VMIN = 6;
export const VSUSP = 10;
export const VEOL = 11;
const NCCS = 19;
/** A control character that is switched off. */
export const __DISABLED_CHAR = 0;

/** Bits of c_iflag, c_oflag, c_cflag, c_lflag. */
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const OPOST = 0o1;
export const ONLCR = 0o4;
export const B115200 = 0o10002;
export const CS8 = 0o60;
export const CREAD = 0o200;
export const ISIG = 0o1;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const ECHOE = 0o20;
export const ECHOK = 0o40;

export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const FIONREAD = 0x541b;

/** The settings; what TCGETS and TCSETS transfer. */
export const termios = struct("termios", {
  c_iflag: u32,
  c_oflag: u32,
  c_cflag: u32,
  c_lflag: u32,
  c_line: u8,
  c_cc: array(u8, NCCS),
});

/** Size of the terminal; what TIOCGWINSZ and TIOCSWINSZ transfer. */
export const winsize = struct("winsize", { ws_row: u16, ws_col: u16, ws_xpixel: u16, ws_ypixel: u16 });

/** Bytes of input that wait to be read, at most; a power of two. */
export const N_TTY_BUF_SIZE = 4096;
/** Input free below which the driver is asked to hold the sender back, and input left at which it goes on. */
export const TTY_THRESHOLD_THROTTLE = 128;
export const TTY_THRESHOLD_UNTHROTTLE = 128;
/** Bytes that an interrupt collects before the line discipline gets them. */
export const TTY_FLIPBUF_SIZE = 512;

/** Bits of tty_struct.flags: the sender is held back; the other side is gone, so that reads end. */
export const TTY_THROTTLED = 1 << 0;
export const TTY_OTHER_CLOSED = 1 << 2;
/** Somebody who does not wait has looked for input since the last came, and found none; ours. */
export const TTY_WANTED = 1 << 15;

export const tty_struct = struct("tty_struct", {
  driver: pointer("tty_driver"),
  /** The driver's own data. */
  driver_data: u32,
  flags: u32,
  termios,
  /** Held while the input buffer changes: one CPU reads while another receives. */
  read_lock: spinlock_t,
  /** Held by the task that reads. */
  atomic_read: semaphore,
  /** Input: circular, head and tail as indexes. canon_head is where the unfinished line begins. */
  read_head: u32,
  read_tail: u32,
  read_cnt: u32,
  canon_head: u32,
  /** Complete lines (and ends of file) in the buffer. */
  canon_data: u32,
  read_wait: wait_queue_head_t,
  write_wait: wait_queue_head_t,
  flip_count: u32,
  flip_buf: array(u8, TTY_FLIPBUF_SIZE),
  read_buf: array(u8, N_TTY_BUF_SIZE),
  /** One bit a byte of read_buf: a line ends with it. */
  read_flags: array(u32, N_TTY_BUF_SIZE / 32),
  winsize,
  /** The process group in the foreground, which keyboard signals go to; 0 for none. */
  pgrp: i32,
});
export type tty_struct = ViewOf<typeof tty_struct>;

/** Sets a bit of tty_struct.flags, which interrupts change too: one instruction, as `set_bit` is. */
export function set_tty_flag(tty: tty_struct, flag: number): void {
  tty.flags |= flag;
}

/** Clears a bit of tty_struct.flags in one instruction. */
export function clear_tty_flag(tty: tty_struct, flag: number): void {
  tty.flags &= ~flag;
}

/**
 * Guest function pointers. write(tty, user buffer, count) takes what fits and returns bytes or -errno; put_char(tty,
 * character) drops what does not fit; write_room(tty) is the bytes that fit; throttle(tty), unthrottle(tty).
 */
export const tty_driver = struct("tty_driver", {
  write: pointer("write"),
  put_char: pointer("put_char"),
  write_room: pointer("write_room"),
  throttle: pointer("throttle"),
  unthrottle: pointer("unthrottle"),
});
