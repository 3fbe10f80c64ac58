/**
 * The kernel log: a ring of bytes in guest memory (`log_buf`, as kernel/printk.c has it), copied to the debug console
 * port as it is written. Messages begin with their level in angle brackets, which the console leaves out.
 */
import { kernel_variable } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, u8, u32 } from "../host/types.ts";
import { outb } from "../include/asm/system.ts";

const LOG_BUF_LEN = 16384;
const DEBUG_CONSOLE_PORT = 0xe9;
/** Less than a statement may access (kernel/host/hosted-memory.ts). */
const LONGEST_MESSAGE = 480;

export const log_buf = kernel_variable("__log_buf", array(u8, LOG_BUF_LEN));
/** Bytes ever logged; the next goes to log_end % LOG_BUF_LEN. */
export const log_end = kernel_variable("log_end", u32);

export const KERN_EMERG = "<0>";
export const KERN_ERR = "<3>";
export const KERN_WARNING = "<4>";
export const KERN_INFO = "<6>";
export const KERN_DEBUG = "<7>";

/** Characters of `KERN_EMERG` and the others. */
const LEVEL_LENGTH = 3;

/** Whether a message begins with a level: `<`, a digit, `>`. */
function has_level(message: string): boolean {
  const level = message.charCodeAt(1) - 0x30;
  return message.startsWith("<") && level >= 0 && level <= 9 && message.startsWith(">", 2);
}

/**
 * Writes a message to the kernel log and its console, as part of the statement that calls it. May be called from any
 * context. @bounded by the message, which is cut at 480 characters
 */
export function printk(message: string): void {
  const text = message.slice(has_level(message) ? LEVEL_LENGTH : 0, LONGEST_MESSAGE);
  const m = memory();
  const base = log_buf.address;
  let end = log_end.value;
  for (let i = 0; i < Math.min(message.length, LONGEST_MESSAGE); i++)
    m.write8(base + (end++ % LOG_BUF_LEN), message.charCodeAt(i) & 0xff);
  log_end.value = end;
  for (let i = 0; i < text.length; i++) outb(text.charCodeAt(i), DEBUG_CONSOLE_PORT);
}

/** A number as the kernel prints addresses: eight hex digits. */
export function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
