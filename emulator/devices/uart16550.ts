import type { Clock, EventHandle } from "../clock.ts";
import { TickRate } from "../hz.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";
import { FCR, FIFO_SIZE, IER, IIR, LCR, LSR, MCR, MSR, TRIGGER_LEVELS, UART_REGISTER } from "./uart16550-registers.ts";

/** Crystal of a PC's serial ports, in Hz; a bit lasts 16 times the divisor of these. */
export const UART_HZ = 1_843_200;

/** Where a PC has its first two serial ports. */
export const COM1 = { base: 0x3f8, irq: 4, name: "COM1" } as const;
export const COM2 = { base: 0x2f8, irq: 3, name: "COM2" } as const;

const PORTS = 8;
const HALF_BIT_CLOCKS = 8;
const TIMEOUT_CHARACTERS = 4;
const POWER_ON_DIVISOR = 12;
/** The slowest divisor, with 8 data bits, parity and two stop bits. */
const LONGEST_CHARACTER_CLOCKS = 0x10000 * 16 * 12;
const LINE_ERRORS = LSR.OVERRUN | LSR.PARITY | LSR.FRAMING | LSR.BREAK;
const CHARACTER_ERRORS = LSR.PARITY | LSR.FRAMING | LSR.BREAK;
const MODEM_DELTAS = MSR.DELTA_CTS | MSR.DELTA_DSR | MSR.TRAILING_RI | MSR.DELTA_DCD;

/** A received character as FIFO and host queue hold it: the byte, and its LSR error bits in bits 8 to 15. */
type Character = number;
const BREAK_CHARACTER: Character = (LSR.BREAK | LSR.FRAMING) << 8;

/** What a serial port is connected to. Everything is called at the exact cycle of the event. */
export interface UartLines {
  clock: Clock;
  /** First of its eight ports, and who it is when somebody else wants them; COM1 by default. */
  place?: { readonly base: number; readonly name: string };
  /** Interrupt request line, gated by OUT2 as on a PC when the port is strict. */
  onIrq: (level: boolean) => void;
  /** A byte has left the transmitter, stop bit included. */
  onTransmit: (byte: number) => void;
  /**
   * Whether the other side waits for RTS before it sends a character ("rts"), or sends whenever it has something and
   * so may overrun the receiver ("none", the default).
   */
  flowControl?: "none" | "rts";
  /**
   * Whether transmitter and interrupt line are those of the data sheet and the PC. If not, as by default, a character is
   * sent as soon as it is written, so that programs that wait too short lose none, and interrupts need no OUT2.
   */
  strict?: boolean;
}

/**
 * 16550A UART, after National Semiconductor's PC16550D data sheet (June 1995).
 *
 * Characters take their real time on the line: start, data, parity and stop bits at 16 * divisor clocks of 1.8432 MHz;
 * unless the port is strict, those that are sent take none. The other side uses the same settings. At power-on the divisor
 * stands at 9600 baud, and the modem at the other end is ready: CTS, DSR and DCD are active.
 */
export class Uart16550 implements PortDevice, Device {
  readonly #clock: Clock;
  readonly #rate: TickRate;
  readonly #lines: UartLines;

  #ier = 0;
  #fifos = false;
  #trigger = 1;
  #lcr = 0;
  #mcr = 0;
  #lineErrors = 0;
  #modemInputs: number = MSR.CTS | MSR.DSR | MSR.DCD;
  #modemLevels = 0;
  #modemDeltas = 0;
  #scratch = 0;
  #divisor = POWER_ON_DIVISOR;
  #irq = false;

  readonly #transmitFifo: number[] = [];
  /** The transmitter shift register, -1 when idle, and the tick at which its character ends. */
  #shifting = -1;
  #shiftEnd = 0;
  #shiftEvent: EventHandle | null = null;
  #thrEmpty = true;
  #thrEmptyEvent: EventHandle | null = null;
  #thrInterrupt = false;
  /** FIFO mode: the transmitter held two characters at once since THRE was last set, so THRE need not be delayed. */
  #heldTwo = true;

  readonly #receiveFifo: Character[] = [];
  #timedOut = false;
  #timeoutEvent: EventHandle | null = null;

  /** What the other side still has to send; the first of them is on the line while `#arrivalEvent` waits. */
  #hostQueue: Character[] = [];
  #hostNext = 0;
  #arrivalEnd = 0;
  #arrivalEvent: EventHandle | null = null;

  constructor(lines: UartLines) {
    this.#lines = lines;
    this.#clock = lines.clock;
    this.#rate = new TickRate(lines.clock.hz, UART_HZ);
    this.#modemLevels = this.#modemInputs;
  }

  connect(ports: PortBus): void {
    const { base, name } = this.#lines.place ?? COM1;
    ports.register(base, PORTS, this, name);
  }

  /** Master reset (table I of the data sheet). What the other side has queued, and its modem lines, stay. */
  reset(): void {
    this.#ier = 0;
    this.#fifos = false;
    this.#trigger = 1;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#lineErrors = 0;
    this.#modemLevels = this.#modemInputs;
    this.#modemDeltas = 0;
    this.#divisor = POWER_ON_DIVISOR;
    this.#clock.cancel(this.#shiftEvent);
    this.#shifting = -1;
    this.#resetTransmitter();
    this.#thrInterrupt = false;
    this.#resetReceiver();
    this.#updateInterrupt();
  }

  /** What the other side has still to send is part of it. */
  snapshot(s: Snapshot): void {
    const latest = this.#now + LONGEST_CHARACTER_CLOCKS;
    s.section("16550A");
    this.#ier = s.integer(this.#ier, 0, 0x0f);
    this.#fifos = s.flag(this.#fifos);
    this.#trigger = s.integer(this.#trigger, 1, FIFO_SIZE);
    this.#lcr = s.integer(this.#lcr, 0, 0xff);
    this.#mcr = s.integer(this.#mcr, 0, 0x1f);
    this.#lineErrors = s.integer(this.#lineErrors, 0, 0xff);
    this.#modemInputs = s.integer(this.#modemInputs, 0, 0xff);
    this.#modemLevels = s.integer(this.#modemLevels, 0, 0xff);
    this.#modemDeltas = s.integer(this.#modemDeltas, 0, 0xff);
    this.#scratch = s.integer(this.#scratch, 0, 0xff);
    this.#divisor = s.integer(this.#divisor, 0, 0xffff);
    this.#irq = s.flag(this.#irq);
    s.list(this.#transmitFifo, FIFO_SIZE, 0xff);
    this.#shifting = s.integer(this.#shifting, -1, 0xff);
    this.#shiftEnd = s.integer(this.#shiftEnd, 0, latest);
    this.#shiftEvent = s.event(this.#shiftEvent, this.#finishShift);
    this.#thrEmpty = s.flag(this.#thrEmpty);
    this.#thrEmptyEvent = s.event(this.#thrEmptyEvent, this.#setThrEmpty);
    this.#thrInterrupt = s.flag(this.#thrInterrupt);
    this.#heldTwo = s.flag(this.#heldTwo);
    s.list(this.#receiveFifo, FIFO_SIZE, 0xffff);
    this.#timedOut = s.flag(this.#timedOut);
    this.#timeoutEvent = s.event(this.#timeoutEvent, this.#onTimeout);
    this.#hostQueue.splice(0, this.#hostNext);
    this.#hostNext = 0;
    s.list(this.#hostQueue, Number.MAX_SAFE_INTEGER, 0xffff);
    this.#arrivalEnd = s.integer(this.#arrivalEnd, 0, latest);
    this.#arrivalEvent = s.event(this.#arrivalEvent, this.#finishArrival);
  }

  /** Characters that the other side has queued and that have not arrived completely yet. */
  get pendingInput(): number {
    return this.#hostQueue.length - this.#hostNext;
  }

  /** Whether a character is on the line or waits in the receiver: the chip will do something without being asked. */
  get active(): boolean {
    return this.#shifting >= 0 || this.#arrivalEvent !== null || this.#receiveFifo.length > 0;
  }

  /** Has the other side send bytes, one after the other, after what it still has to send. */
  receive(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#hostQueue.push(byte & 0xff);
    this.#startArrival(this.#now);
  }

  /** Has the other side send a break that lasts one character. */
  receiveBreak(): void {
    this.#hostQueue.push(BREAK_CHARACTER);
    this.#startArrival(this.#now);
  }

  /** Sets the modem's data carrier detect line: false when the other side hung up. */
  setCarrier(active: boolean): void {
    this.#setModemInput(MSR.DCD, active);
  }

  setClearToSend(active: boolean): void {
    this.#setModemInput(MSR.CTS, active);
  }

  setDataSetReady(active: boolean): void {
    this.#setModemInput(MSR.DSR, active);
  }

  setRing(active: boolean): void {
    this.#setModemInput(MSR.RI, active);
  }

  /**
   * Sends what the transmitter still holds at once, without its time on the line: for a host that is about to stop
   * looking and does not want to lose the last line.
   */
  drain(): void {
    while (this.#shifting >= 0) this.#finishShift();
  }

  readPort8(port: number): number {
    switch (port & (PORTS - 1)) {
      case UART_REGISTER.RBR:
        return this.#dlab ? this.#divisor & 0xff : this.#readReceiver();
      case UART_REGISTER.IER:
        return this.#dlab ? this.#divisor >>> 8 : this.#ier;
      case UART_REGISTER.IIR:
        return this.#readInterruptIdentification();
      case UART_REGISTER.LCR:
        return this.#lcr;
      case UART_REGISTER.MCR:
        return this.#mcr;
      case UART_REGISTER.LSR:
        return this.#readLineStatus();
      case UART_REGISTER.MSR:
        return this.#readModemStatus();
      default:
        return this.#scratch;
    }
  }

  writePort8(port: number, value: number): void {
    switch (port & (PORTS - 1)) {
      case UART_REGISTER.THR:
        if (this.#dlab) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#writeTransmitter(value);
        break;
      case UART_REGISTER.IER:
        if (this.#dlab) this.#divisor = (this.#divisor & 0xff) | (value << 8);
        else this.#writeInterruptEnable(value);
        break;
      case UART_REGISTER.FCR:
        this.#writeFifoControl(value);
        break;
      case UART_REGISTER.LCR:
        this.#lcr = value;
        break;
      case UART_REGISTER.MCR:
        this.#mcr = value & 0x1f;
        this.#updateModemLevels();
        this.#startArrival(this.#now);
        break;
      case UART_REGISTER.SCR:
        this.#scratch = value;
        break;
    }
    this.#updateInterrupt();
  }

  get #now(): number {
    return this.#rate.ticksAt(this.#clock.now);
  }

  get #dlab(): boolean {
    return (this.#lcr & LCR.DLAB) !== 0;
  }

  get #loopback(): boolean {
    return (this.#mcr & MCR.LOOP) !== 0;
  }

  get #wordLength(): number {
    return 5 + (this.#lcr & LCR.WORD_LENGTH);
  }

  /** The bits of a character. */
  get #dataMask(): number {
    return 0xff >>> (8 - this.#wordLength);
  }

  /** Two stop bits when asked for, but one and a half with five data bits. */
  get #stopHalfBits(): number {
    if ((this.#lcr & LCR.STOP) === 0) return 2;
    return this.#wordLength === 5 ? 3 : 4;
  }

  /** Clocks for a number of half bits. A divisor of 0 counts as 65536. */
  #clocksOf(halfBits: number): number {
    return (this.#divisor === 0 ? 0x10000 : this.#divisor) * HALF_BIT_CLOCKS * halfBits;
  }

  /** Clocks for a whole character: start, data, parity and stop bits. */
  get #characterClocks(): number {
    const parity = (this.#lcr & LCR.PARITY) !== 0 ? 1 : 0;
    return this.#clocksOf(2 * (1 + this.#wordLength + parity) + this.#stopHalfBits);
  }

  #at(tick: number, callback: () => void): EventHandle {
    return this.#clock.schedule(Math.max(this.#rate.cycleOf(tick), this.#clock.now), callback);
  }

  // Transmitter

  #writeTransmitter(value: number): void {
    if (this.#lines.strict !== true) {
      this.#sendAtOnce(value);
      return;
    }
    if (!this.#fifos) this.#transmitFifo.length = 0;
    if (this.#transmitFifo.length < FIFO_SIZE) this.#transmitFifo.push(value);
    if (this.#transmitFifo.length >= 2) this.#heldTwo = true;
    this.#clock.cancel(this.#thrEmptyEvent);
    this.#thrEmpty = false;
    this.#thrInterrupt = false;
    if (this.#shifting < 0) this.#startShift(this.#now);
  }

  /** The interrupt goes away for a moment and comes again: an edge for the interrupt controller. */
  #sendAtOnce(value: number): void {
    this.#thrInterrupt = false;
    this.#updateInterrupt();
    this.#transmit(value & this.#dataMask);
    this.#thrInterrupt = true;
  }

  #startShift(tick: number): void {
    this.#shifting = this.#transmitFifo.shift()!;
    this.#shiftEnd = tick + this.#characterClocks;
    this.#shiftEvent = this.#at(this.#shiftEnd, this.#finishShift);
    if (this.#transmitFifo.length > 0) return;
    if (this.#fifos && !this.#heldTwo) {
      const stopBit = this.#clocksOf(this.#stopHalfBits);
      this.#thrEmptyEvent = this.#at(this.#shiftEnd - stopBit, this.#setThrEmpty);
    } else {
      this.#setThrEmpty();
    }
  }

  readonly #setThrEmpty = (): void => {
    this.#clock.cancel(this.#thrEmptyEvent);
    this.#thrEmpty = true;
    this.#thrInterrupt = true;
    this.#heldTwo = false;
    this.#updateInterrupt();
  };

  readonly #finishShift = (): void => {
    const byte = this.#shifting & this.#dataMask;
    this.#clock.cancel(this.#shiftEvent);
    this.#shifting = -1;
    if (this.#transmitFifo.length > 0) this.#startShift(this.#shiftEnd);
    else if (!this.#thrEmpty) this.#setThrEmpty();
    this.#transmit(byte);
  };

  /** A character leaves the transmitter. */
  #transmit(byte: number): void {
    if (this.#loopback) this.#receiveCharacter(byte);
    else if ((this.#lcr & LCR.BREAK) === 0) this.#lines.onTransmit(byte);
  }

  #resetTransmitter(): void {
    this.#transmitFifo.length = 0;
    this.#clock.cancel(this.#thrEmptyEvent);
    if (!this.#thrEmpty) this.#thrInterrupt = true;
    this.#thrEmpty = true;
    this.#heldTwo = true;
  }

  // Receiver

  #startArrival(tick: number): void {
    if (this.#arrivalEvent !== null || this.pendingInput === 0) return;
    const ready = !this.#loopback && (this.#mcr & MCR.RTS) !== 0;
    if (this.#lines.flowControl === "rts" && !ready) return;
    this.#arrivalEnd = tick + this.#characterClocks;
    this.#arrivalEvent = this.#at(this.#arrivalEnd, this.#finishArrival);
  }

  readonly #finishArrival = (): void => {
    this.#arrivalEvent = null;
    const character = this.#hostQueue[this.#hostNext++];
    if (this.#hostNext === this.#hostQueue.length) {
      this.#hostQueue = [];
      this.#hostNext = 0;
    }
    if (!this.#loopback) this.#receiveCharacter((character & 0xff00) | (character & this.#dataMask));
    this.#startArrival(this.#arrivalEnd);
  };

  #receiveCharacter(character: Character): void {
    const capacity = this.#fifos ? FIFO_SIZE : 1;
    if (this.#receiveFifo.length < capacity) {
      this.#receiveFifo.push(character);
    } else {
      this.#lineErrors |= LSR.OVERRUN;
      if (!this.#fifos) this.#receiveFifo[0] = character;
    }
    this.#revealErrors();
    this.#restartTimeout();
    this.#updateInterrupt();
  }

  /** Errors of a character show in LSR when it is the next to be read. */
  #revealErrors(): void {
    const next = this.#receiveFifo[0];
    if (next === undefined || next < 0x100) return;
    this.#lineErrors |= next >>> 8;
    this.#receiveFifo[0] = next & 0xff;
  }

  #readReceiver(): number {
    const character = this.#receiveFifo.shift();
    this.#timedOut = false;
    this.#revealErrors();
    this.#restartTimeout();
    this.#updateInterrupt();
    return character === undefined ? 0 : character & 0xff;
  }

  /** FIFO mode: nothing received and nothing read for four character times, and something waits to be read. */
  #restartTimeout(): void {
    this.#clock.cancel(this.#timeoutEvent);
    if (!this.#fifos || this.#receiveFifo.length === 0 || this.#timedOut) return;
    this.#timeoutEvent = this.#at(this.#now + TIMEOUT_CHARACTERS * this.#characterClocks, this.#onTimeout);
  }

  readonly #onTimeout = (): void => {
    this.#timedOut = true;
    this.#updateInterrupt();
  };

  #resetReceiver(): void {
    this.#receiveFifo.length = 0;
    this.#timedOut = false;
    this.#clock.cancel(this.#timeoutEvent);
  }

  // Status and interrupts

  #writeFifoControl(value: number): void {
    const enable = (value & FCR.ENABLE) !== 0;
    if (enable !== this.#fifos) {
      this.#fifos = enable;
      this.#trigger = 1;
      this.#resetReceiver();
      this.#resetTransmitter();
    }
    if (!enable) return;
    if ((value & FCR.RESET_RECEIVER) !== 0) this.#resetReceiver();
    if ((value & FCR.RESET_TRANSMITTER) !== 0) this.#resetTransmitter();
    this.#trigger = TRIGGER_LEVELS[value >>> FCR.TRIGGER_SHIFT];
  }

  #writeInterruptEnable(value: number): void {
    const enabled = value & ~this.#ier;
    this.#ier = value & (IER.ERBFI | IER.ETBEI | IER.ELSI | IER.EDSSI);
    if ((enabled & IER.ETBEI) !== 0 && this.#thrEmpty) this.#thrInterrupt = true;
  }

  /** The enabled interrupt of highest priority. */
  get #interrupt(): number {
    if ((this.#ier & IER.ELSI) !== 0 && (this.#lineErrors & LINE_ERRORS) !== 0) return IIR.LINE_STATUS;
    if ((this.#ier & IER.ERBFI) !== 0) {
      if (this.#receiveFifo.length >= this.#trigger) return IIR.DATA_AVAILABLE;
      if (this.#timedOut) return IIR.CHARACTER_TIMEOUT;
    }
    if ((this.#ier & IER.ETBEI) !== 0 && this.#thrInterrupt) return IIR.TRANSMITTER_EMPTY;
    if ((this.#ier & IER.EDSSI) !== 0 && this.#modemDeltas !== 0) return IIR.MODEM_STATUS;
    return IIR.NONE;
  }

  #readInterruptIdentification(): number {
    const interrupt = this.#interrupt;
    if (interrupt === IIR.TRANSMITTER_EMPTY) {
      this.#thrInterrupt = false;
      this.#updateInterrupt();
    }
    return interrupt | (this.#fifos ? IIR.FIFOS_ENABLED : 0);
  }

  #readLineStatus(): number {
    const errorInFifo =
      this.#fifos &&
      ((this.#lineErrors & CHARACTER_ERRORS) !== 0 || this.#receiveFifo.some((character) => character >= 0x100));
    const status =
      (this.#receiveFifo.length > 0 ? LSR.DATA_READY : 0) |
      this.#lineErrors |
      (this.#thrEmpty ? LSR.THR_EMPTY : 0) |
      (this.#thrEmpty && this.#shifting < 0 ? LSR.TRANSMITTER_EMPTY : 0) |
      (errorInFifo ? LSR.FIFO_ERROR : 0);
    this.#lineErrors = 0;
    this.#updateInterrupt();
    return status;
  }

  #readModemStatus(): number {
    const status = this.#modemLevels | this.#modemDeltas;
    this.#modemDeltas = 0;
    this.#updateInterrupt();
    return status;
  }

  #setModemInput(bit: number, active: boolean): void {
    this.#modemInputs = active ? this.#modemInputs | bit : this.#modemInputs & ~bit;
    this.#updateModemLevels();
    this.#updateInterrupt();
  }

  /** The inputs come from the modem, or in loopback mode from the four outputs of MCR. */
  #updateModemLevels(): void {
    const before = this.#modemLevels;
    const after = this.#loopback ? loopedBack(this.#mcr) : this.#modemInputs;
    const changed = before ^ after;
    // Each delta bit lies four below its level; the ring indicator's only tells that it went off.
    const ringAppeared = changed & after & MSR.RI;
    this.#modemDeltas |= ((changed & ~ringAppeared) >>> 4) & MODEM_DELTAS;
    this.#modemLevels = after;
  }

  #updateInterrupt(): void {
    // In loopback mode the pins, OUT2 among them, are inactive, which cuts the interrupt off from the bus.
    const isGateOpen = this.#lines.strict !== true || (this.#mcr & MCR.OUT2) !== 0;
    const connected = isGateOpen && !this.#loopback;
    const irq = connected && this.#interrupt !== IIR.NONE;
    if (irq === this.#irq) return;
    this.#irq = irq;
    this.#lines.onIrq(irq);
  }
}

/** Loopback mode: RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD. */
function loopedBack(mcr: number): number {
  return (
    ((mcr & MCR.RTS) !== 0 ? MSR.CTS : 0) |
    ((mcr & MCR.DTR) !== 0 ? MSR.DSR : 0) |
    ((mcr & MCR.OUT1) !== 0 ? MSR.RI : 0) |
    ((mcr & MCR.OUT2) !== 0 ? MSR.DCD : 0)
  );
}
