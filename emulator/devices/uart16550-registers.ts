/**
 * Registers of the 16550A by offset from its base, in the order of the data sheet (National Semiconductor PC16550D,
 * June 1995, table II). Several share an offset: told apart by direction, or by LCR.DLAB for the divisor latch.
 */
export const UART_REGISTER = {
  /** Receiver buffer (read) and transmitter holding register (write). */
  RBR: 0,
  THR: 0,
  /** Interrupt enable. */
  IER: 1,
  /** Interrupt identification (read) and FIFO control (write). */
  IIR: 2,
  FCR: 2,
  /** Line control, modem control, line status, modem status, scratch. */
  LCR: 3,
  MCR: 4,
  LSR: 5,
  MSR: 6,
  SCR: 7,
  /** Divisor latch, low and high byte, while LCR.DLAB is 1. */
  DLL: 0,
  DLM: 1,
} as const;

/** Interrupt enable: received data, transmitter empty, receiver line status, modem status. */
export const IER = { ERBFI: 0x01, ETBEI: 0x02, ELSI: 0x04, EDSSI: 0x08 } as const;

/** Interrupt identification, lowest bit 0 when one is pending, and the two bits that tell that FIFOs are on. */
export const IIR = {
  MODEM_STATUS: 0x00,
  NONE: 0x01,
  TRANSMITTER_EMPTY: 0x02,
  DATA_AVAILABLE: 0x04,
  LINE_STATUS: 0x06,
  CHARACTER_TIMEOUT: 0x0c,
  FIFOS_ENABLED: 0xc0,
} as const;

/** FIFO control. Bits 7 and 6 choose the receiver's trigger level. */
export const FCR = { ENABLE: 0x01, RESET_RECEIVER: 0x02, RESET_TRANSMITTER: 0x04, TRIGGER_SHIFT: 6 } as const;
export const TRIGGER_LEVELS = [1, 4, 8, 14] as const;
export const FIFO_SIZE = 16;

/** Line control. Bits 1 and 0 are the word length less 5. */
export const LCR = { WORD_LENGTH: 0x03, STOP: 0x04, PARITY: 0x08, BREAK: 0x40, DLAB: 0x80 } as const;

/** Modem control. On a PC, OUT2 connects the interrupt output to the bus. */
export const MCR = { DTR: 0x01, RTS: 0x02, OUT1: 0x04, OUT2: 0x08, LOOP: 0x10 } as const;

/** Line status. */
export const LSR = {
  DATA_READY: 0x01,
  OVERRUN: 0x02,
  PARITY: 0x04,
  FRAMING: 0x08,
  BREAK: 0x10,
  THR_EMPTY: 0x20,
  TRANSMITTER_EMPTY: 0x40,
  FIFO_ERROR: 0x80,
} as const;

/** Modem status: what changed since it was last read, and the levels. */
export const MSR = {
  DELTA_CTS: 0x01,
  DELTA_DSR: 0x02,
  TRAILING_RI: 0x04,
  DELTA_DCD: 0x08,
  CTS: 0x10,
  DSR: 0x20,
  RI: 0x40,
  DCD: 0x80,
} as const;
