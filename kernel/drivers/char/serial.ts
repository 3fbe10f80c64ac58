/**
 * The 16550A driver (drivers/char/serial.c) for the first serial port: interrupt driven in both directions, 115200 8N1.
 * Registers as in National Semiconductor's PC16550D data sheet.
 */

import { request_irq } from "../../arch/i386/kernel/irq.ts";
import { cstring, kernel_function, kernel_table, kernel_variable, local, type Steps } from "../../host/declarations.ts";
import { array, i32, pointer, struct, u8, u32, type ViewOf } from "../../host/types.ts";
import { spin_lock, spin_lock_init, spin_unlock, spinlock_t } from "../../include/asm/spinlock.ts";
import { memcpy } from "../../include/asm/string.ts";
import { inb, outb } from "../../include/asm/system.ts";
import { copy_from_user } from "../../include/asm/uaccess.ts";
import { EFAULT } from "../../include/linux/errno.ts";
import { IRQ_HANDLED, IRQ_NONE, SA_INTERRUPT } from "../../include/linux/interrupt.ts";
import { list_empty } from "../../include/linux/list.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../../include/linux/spinlock.ts";
import { TTY_FLIPBUF_SIZE, tty_driver, tty_struct } from "../../include/linux/tty.ts";
import { KERN_ERR, KERN_INFO, printk } from "../../kernel/printk.ts";
import { wake_up_interruptible } from "../../kernel/wait.ts";
import { initialize_tty_struct, tty_carrier, tty_flip_buffer_push, tty_insert_flip_char, ttyS0 } from "./tty_io.ts";

/** COM1. */
const PORT = 0x3f8;
const IRQ = 4;
/** 1.8432 MHz / 16 / 115200. */
const DIVISOR = 1;
const FIFO_SIZE = 16;

/** Registers by offset; the divisor latch stands in for the first two while LCR.DLAB is set. */
const UART_RX = 0;
const UART_TX = 0;
const UART_DLL = 0;
const UART_IER = 1;
const UART_DLM = 1;
const UART_IIR = 2;
const UART_FCR = 2;
const UART_LCR = 3;
const UART_MCR = 4;
const UART_LSR = 5;
const UART_MSR = 6;
const UART_IER_RDI = 0x01;
const UART_IER_THRI = 0x02;
const UART_IER_RLSI = 0x04;
const UART_IER_MSI = 0x08;
const UART_IIR_NO_INT = 0x01;
/** FIFOs on and cleared, interrupt at 8 received bytes (or when they have waited). */
const UART_FCR_SETUP = 0x87;
const UART_LCR_WLEN8 = 0x03;
const UART_LCR_DLAB = 0x80;
const UART_MCR_DTR = 0x01;
const UART_MCR_RTS = 0x02;
const UART_MCR_OUT2 = 0x08;
const UART_LSR_DR = 0x01;
const UART_LSR_OE = 0x02;
const UART_LSR_BI = 0x10;
const UART_LSR_THRE = 0x20;
const UART_LSR_TEMT = 0x40;
const UART_MSR_DDCD = 0x08;
const UART_MSR_DCD = 0x80;

/** Bytes of output that wait for the transmitter, at most one less; a power of two. */
const SERIAL_XMIT_SIZE = 4096;
/** Bytes that a write takes at a time. */
const TMP_BUF_SIZE = 256;
/** Writers are woken when no more bytes than this wait. */
const WAKEUP_CHARS = 256;
/** Turns of the interrupt handler before it takes the line for stuck. */
const RS_ISR_PASS_LIMIT = 256;

const async_struct = struct("async_struct", {
  port: u32,
  irq: u32,
  /** What was last written to the registers of these names. */
  IER: u32,
  MCR: u32,
  tty: pointer("tty_struct"),
  /** Held while output and what the registers were told change. */
  lock: spinlock_t,
  /** Output: circular, from tail to head. */
  xmit_head: u32,
  xmit_tail: u32,
  /** Bytes received and sent, bytes that the receiver lost, breaks. */
  rx: u32,
  tx: u32,
  overrun: u32,
  brk: u32,
  xmit_buf: array(u8, SERIAL_XMIT_SIZE),
});
type async_struct = ViewOf<typeof async_struct>;

export const rs_table = kernel_variable("rs_table", async_struct);

function serial_in(info: async_struct, offset: number): number {
  return inb(info.port + offset);
}

function serial_out(info: async_struct, offset: number, value: number): void {
  outb(value, info.port + offset);
}

function set_ier(info: async_struct, value: number): void {
  info.IER = value;
  serial_out(info, UART_IER, value);
}

function set_mcr(info: async_struct, value: number): void {
  info.MCR = value;
  serial_out(info, UART_MCR, value);
}

function chars_in_buffer(info: async_struct): number {
  return (info.xmit_head - info.xmit_tail) & (SERIAL_XMIT_SIZE - 1);
}

function xmit_room(info: async_struct): number {
  return SERIAL_XMIT_SIZE - 1 - chars_in_buffer(info);
}

function push_xmit(info: async_struct, byte: number): void {
  info.xmit_buf.set(info.xmit_head, byte);
  info.xmit_head = (info.xmit_head + 1) & (SERIAL_XMIT_SIZE - 1);
}

/** Sends waiting bytes if the transmitter is empty, no more than its FIFO takes. Needs the lock. */
function* fill_transmitter(info: async_struct): Steps<void> {
  if ((serial_in(info, UART_LSR) & UART_LSR_THRE) === 0) return;
  for (let room: u32 = FIFO_SIZE; room > 0 && chars_in_buffer(info) > 0; room--) {
    serial_out(info, UART_TX, info.xmit_buf.get(info.xmit_tail));
    info.xmit_tail = (info.xmit_tail + 1) & (SERIAL_XMIT_SIZE - 1);
    info.tx++;
  }
}

/** Has the transmitter interrupt whenever it is empty, if there is anything to send. @context any */
function* start_transmitter(info: async_struct): Steps<void> {
  const flags = yield* spin_lock_irqsave(info.lock.address);
  if (chars_in_buffer(info) > 0 && (info.IER & UART_IER_THRI) === 0) set_ier(info, info.IER | UART_IER_THRI);
  yield* spin_unlock_irqrestore(info.lock.address, flags);
}

/** @context in_irq irqs_disabled */
function* receive_chars(info: async_struct): Steps<void> {
  const tty = tty_struct.at(info.tty);
  for (let i: u32 = 0; i < TTY_FLIPBUF_SIZE; i++) {
    const status: u8 = serial_in(info, UART_LSR);
    if (status & UART_LSR_OE) info.overrun++;
    if ((status & UART_LSR_DR) === 0) break;
    const byte: u8 = serial_in(info, UART_RX);
    if (status & UART_LSR_BI) {
      info.brk++;
      continue;
    }
    info.rx++;
    tty_insert_flip_char(tty, byte);
  }
  yield* tty_flip_buffer_push(info.tty);
}

/** @context in_irq irqs_disabled */
function* transmit_chars(info: async_struct): Steps<void> {
  yield* spin_lock(info.lock.address);
  yield* fill_transmitter(info);
  const waiting: u32 = chars_in_buffer(info);
  if (waiting === 0) set_ier(info, info.IER & ~UART_IER_THRI);
  yield* spin_unlock(info.lock.address);
  const writers = tty_struct.at(info.tty).write_wait;
  if (waiting <= WAKEUP_CHARS && !list_empty(writers.task_list.address)) yield* wake_up_interruptible(writers.address);
}

/** @context in_irq irqs_disabled */
function* check_modem_status(info: async_struct): Steps<void> {
  const status: u8 = serial_in(info, UART_MSR);
  if (status & UART_MSR_DDCD) yield* tty_carrier(info.tty, status & UART_MSR_DCD ? 1 : 0);
}

/**
 * The handler of the port's line: everything that the UART has to say, received bytes before the loss of the carrier.
 * @context in_irq irqs_disabled
 */
const rs_interrupt = kernel_function(
  "rs_interrupt",
  [i32, pointer("async_struct"), pointer("pt_regs")],
  i32,
  function* (_irq, dev_id, _regs) {
    const info = async_struct.at(dev_id);
    let handled: i32 = IRQ_NONE;
    for (let pass: u32 = 0; pass < RS_ISR_PASS_LIMIT; pass++) {
      if (serial_in(info, UART_IIR) & UART_IIR_NO_INT) break;
      handled = IRQ_HANDLED;
      yield* receive_chars(info);
      yield* check_modem_status(info);
      if (info.IER & UART_IER_THRI) yield* transmit_chars(info);
    }
    return handled;
  },
);

/**
 * Puts bytes of kernel memory behind those that wait, as many as there is room for. Returns how many. With the
 * lock: an echo goes into the same buffer.
 * @context any
 */
function* push_bytes(info: async_struct, from: u32, bytes: u32): Steps<u32> {
  let pushed: u32 = 0;
  const flags = yield* spin_lock_irqsave(info.lock.address);
  for (;;) {
    const run: u32 = Math.min(bytes - pushed, xmit_room(info), SERIAL_XMIT_SIZE - info.xmit_head);
    if (run === 0) break;
    yield* memcpy(info.xmit_buf.address_of(info.xmit_head), from + pushed, run);
    info.xmit_head = (info.xmit_head + run) & (SERIAL_XMIT_SIZE - 1);
    pushed += run;
  }
  yield* spin_unlock_irqrestore(info.lock.address, flags);
  return pushed;
}

/**
 * Takes bytes of the writer's memory into the transmit buffer, by way of a buffer in which interrupts do not write.
 * @context might_sleep
 */
const rs_write = kernel_function("rs_write", [pointer("tty_struct"), u32, u32], i32, function* (tty, buffer, count) {
  const info = async_struct.at(tty_struct.at(tty).driver_data);
  const tmp_buf = local(array(u8, TMP_BUF_SIZE));
  let written: i32 = 0;
  while (written < count) {
    const wanted: u32 = Math.min(count - written, xmit_room(info), TMP_BUF_SIZE);
    if (wanted === 0) break;
    const copied: u32 = wanted - (yield* copy_from_user(tmp_buf.address, buffer + written, wanted));
    if (copied === 0) {
      if (written === 0) written = -EFAULT;
      break;
    }
    const pushed = yield* push_bytes(info, tmp_buf.address, copied);
    written += pushed;
    if (pushed < wanted) break;
  }
  yield* start_transmitter(info);
  return written;
});

/** Called by tasks, and by the receive interrupt for echoes. @context any */
const rs_put_char = kernel_function("rs_put_char", [pointer("tty_struct"), u32], undefined, function* (tty, byte) {
  const info = async_struct.at(tty_struct.at(tty).driver_data);
  const flags = yield* spin_lock_irqsave(info.lock.address);
  if (xmit_room(info) > 0) push_xmit(info, byte);
  yield* spin_unlock_irqrestore(info.lock.address, flags);
  yield* start_transmitter(info);
});

const rs_write_room = kernel_function("rs_write_room", [pointer("tty_struct")], i32, (tty) => {
  return xmit_room(async_struct.at(tty_struct.at(tty).driver_data));
});

/** RTS off: the other side stops sending. @context irqs_disabled */
const rs_throttle = kernel_function("rs_throttle", [pointer("tty_struct")], undefined, (tty) => {
  const info = async_struct.at(tty_struct.at(tty).driver_data);
  set_mcr(info, info.MCR & ~UART_MCR_RTS);
});

/** @context irqs_disabled */
const rs_unthrottle = kernel_function("rs_unthrottle", [pointer("tty_struct")], undefined, (tty) => {
  const info = async_struct.at(tty_struct.at(tty).driver_data);
  set_mcr(info, info.MCR | UART_MCR_RTS);
});

const serial_driver = kernel_table(
  "serial_driver",
  [rs_write.symbol, rs_put_char.symbol, rs_write_room.symbol, rs_throttle.symbol, rs_unthrottle.symbol],
  tty_driver,
);

const serial_name = cstring("serial");

/** Sets the port up: speed, FIFOs, interrupts, and what the carrier says already. @context might_sleep */
const startup = kernel_function("startup", [pointer("async_struct")], i32, function* (address) {
  const info = async_struct.at(address);
  set_ier(info, 0);
  serial_out(info, UART_FCR, UART_FCR_SETUP);
  serial_out(info, UART_LCR, UART_LCR_WLEN8 | UART_LCR_DLAB);
  serial_out(info, UART_DLL, DIVISOR & 0xff);
  serial_out(info, UART_DLM, DIVISOR >> 8);
  serial_out(info, UART_LCR, UART_LCR_WLEN8);
  const error = yield* request_irq(info.irq, rs_interrupt.address, SA_INTERRUPT, serial_name.address, address);
  if (error !== 0) return error;
  if ((serial_in(info, UART_MSR) & UART_MSR_DCD) === 0) yield* tty_carrier(info.tty, 0);
  set_mcr(info, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
  set_ier(info, UART_IER_MSI | UART_IER_RLSI | UART_IER_RDI);
  return 0;
});

/**
 * Starts the driver and gives the first terminal its port; tty_init has registered the terminals.
 * @context might_sleep
 */
export const serial_init = kernel_function("serial_init", [], undefined, function* () {
  const info = rs_table.value;
  info.port = PORT;
  info.irq = IRQ;
  info.tty = ttyS0.address;
  spin_lock_init(info.lock.address);
  yield* initialize_tty_struct(ttyS0.value, serial_driver.address, info.address);
  const error = yield* startup(info.address);
  if (error !== 0) printk(`${KERN_ERR}ttyS0: no IRQ ${IRQ} for it (error ${-error})\n`);
  else printk(`${KERN_INFO}ttyS00 at 0x${PORT.toString(16).padStart(4, "0")} (irq = ${IRQ}) is a 16550A\n`);
});

/**
 * Waits until everything written has left the wire, by asking, not only by interrupts: for the moments before the power goes.
 * @context any
 */
export const console_sync = kernel_function("console_sync", [], undefined, function* () {
  const info = rs_table.value;
  if (info.port === 0) return;
  while (chars_in_buffer(info) > 0) {
    const flags = yield* spin_lock_irqsave(info.lock.address);
    yield* fill_transmitter(info);
    yield* spin_unlock_irqrestore(info.lock.address, flags);
  }
  while ((serial_in(info, UART_LSR) & UART_LSR_TEMT) === 0) {
    // The last bytes leave.
  }
});
