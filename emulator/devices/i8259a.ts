import type { Snapshot } from "../snapshot.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** I/O addresses on a PC: A0 = 0 and A0 = 1 of each chip, and the edge/level control registers of the chip set. */
export const PIC_MASTER_COMMAND = 0x20;
export const PIC_MASTER_DATA = 0x21;
export const PIC_SLAVE_COMMAND = 0xa0;
export const PIC_SLAVE_DATA = 0xa1;
export const ELCR_MASTER = 0x4d0;
export const ELCR_SLAVE = 0x4d1;

/** Input of the master that the slave's INT drives on a PC. */
const CASCADE_LEVEL = 2;
/** IRQs that are always edge triggered: timer, keyboard, cascade; RTC and coprocessor. */
const ELCR_MASTER_WRITABLE = 0xf8;
const ELCR_SLAVE_WRITABLE = 0xde;
/** What the CPU reads when nobody drives the bus in an acknowledge cycle. */
const FLOATING_BUS = 0xff;

const ICW1 = { IC4: 0x01, SNGL: 0x02, ADI: 0x04, LTIM: 0x08, INIT: 0x10 } as const;
const ICW4 = { UPM: 0x01, AEOI: 0x02, SFNM: 0x10 } as const;
const OCW2 = { LEVEL: 0x07, SL: 0x40, EOI: 0x20, ROTATE: 0x80 } as const;
const OCW3 = { RIS: 0x01, RR: 0x02, POLL: 0x04, SELECT: 0x08, SMM: 0x20, ESMM: 0x40 } as const;
const POLL_INTERRUPT = 0x80;

/** Next byte that a write with A0 = 1 supplies. */
const INITIALIZATION_STEPS = ["ICW2", "ICW3", "ICW4", "OCW1"] as const;
type InitializationStep = (typeof INITIALIZATION_STEPS)[number];

/**
 * One 8259A programmable interrupt controller, after Intel's data sheet 231468-003 (December 1988).
 *
 * An input (`setLine`) that rises sets its IRR bit in edge mode, or is the IRR bit in level mode. In both modes the
 * bit goes when the input falls before the acknowledge, and an acknowledge that finds no request answers with level
 * 7 and sets no ISR bit (the spurious interrupt).
 */
export class I8259A {
  /** Level of the INT output. */
  int = false;
  /** Bits that are level triggered by the chip set's ELCR; ICW1.LTIM makes all of them so. */
  elcr = 0;

  #lines = 0;
  #irr = 0;
  #isr = 0;
  #imr = 0;
  #icw1 = 0;
  #icw2 = 0;
  #icw3 = 0;
  #icw4 = 0;
  #step: InitializationStep = "OCW1";
  #lowestPriority = 7;
  #readIsr = false;
  #poll = false;
  #specialMask = false;
  #rotateInAeoi = false;

  /**
   * @param onInt called when the INT output changes
   * @param slaves chips whose INT drives an input of this one, by input
   */
  constructor(
    readonly onInt: (level: boolean) => void,
    readonly slaves: ReadonlyMap<number, I8259A> = new Map(),
  ) {}

  get irr(): number {
    return this.#irr;
  }

  get isr(): number {
    return this.#isr;
  }

  /** Vector of input 0: ICW2 without its low three bits. */
  get vectorBase(): number {
    return this.#icw2 & 0xf8;
  }

  get imr(): number {
    return this.#imr;
  }

  /** Power-on state, as after an ICW1 without the words that should follow. Inputs keep their levels. */
  reset(): void {
    this.elcr = 0;
    this.#icw2 = 0;
    this.#icw3 = 0;
    this.#initialize(0);
    this.#step = "OCW1";
    this.#update();
  }

  /** Drives input IR`level` (0 to 7). */
  setLine(level: number, high: boolean): void {
    const bit = 1 << level;
    if (high) {
      if ((this.#lines & bit) === 0) this.#irr |= bit;
      this.#lines |= bit;
    } else {
      this.#lines &= ~bit;
      this.#irr &= ~bit;
    }
    this.#update();
  }

  snapshot(s: Snapshot): void {
    s.section("8259A");
    this.int = s.flag(this.int);
    this.elcr = s.integer(this.elcr, 0, 0xff);
    this.#lines = s.integer(this.#lines, 0, 0xff);
    this.#irr = s.integer(this.#irr, 0, 0xff);
    this.#isr = s.integer(this.#isr, 0, 0xff);
    this.#imr = s.integer(this.#imr, 0, 0xff);
    this.#icw1 = s.integer(this.#icw1, 0, 0xff);
    this.#icw2 = s.integer(this.#icw2, 0, 0xff);
    this.#icw3 = s.integer(this.#icw3, 0, 0xff);
    this.#icw4 = s.integer(this.#icw4, 0, 0xff);
    this.#step = s.choice(this.#step, INITIALIZATION_STEPS);
    this.#lowestPriority = s.integer(this.#lowestPriority, 0, 7);
    this.#readIsr = s.flag(this.#readIsr);
    this.#poll = s.flag(this.#poll);
    this.#specialMask = s.flag(this.#specialMask);
    this.#rotateInAeoi = s.flag(this.#rotateInAeoi);
  }

  /** A change of `elcr` or LTIM: level triggered inputs that are high request again. */
  refreshLevels(): void {
    this.#irr |= this.#lines & this.#levelMask;
    this.#update();
  }

  /** The two INTA cycles: takes the highest request into service and returns the byte put on the bus. */
  acknowledge(): number {
    const level = this.#pendingLevel();
    if (level < 0) return this.#vectorOf(7);
    const slaveId = (this.#icw1 & ICW1.SNGL) === 0 && (this.#icw3 & (1 << level)) !== 0 ? level : -1;
    this.#takeIntoService(level);
    if (slaveId < 0 || this.slaves.size === 0) return this.#vectorOf(level);
    for (const slave of this.slaves.values()) {
      if (slave.#slaveId === slaveId) return slave.acknowledge();
    }
    return FLOATING_BUS;
  }

  /** Write with A0 = 0: ICW1, OCW2 or OCW3 by bits 4 and 3. */
  writeCommand(value: number): void {
    if ((value & ICW1.INIT) !== 0) this.#initialize(value);
    else if ((value & OCW3.SELECT) !== 0) this.#operationCommand3(value);
    else this.#operationCommand2(value);
    this.#update();
  }

  /** Write with A0 = 1: the initialization word that is due, else OCW1 (the mask). */
  writeData(value: number): void {
    switch (this.#step) {
      case "ICW2":
        this.#icw2 = value;
        this.#step = (this.#icw1 & ICW1.SNGL) === 0 ? "ICW3" : this.#stepAfterIcw3;
        break;
      case "ICW3":
        this.#icw3 = value;
        this.#step = this.#stepAfterIcw3;
        break;
      case "ICW4":
        this.#icw4 = value;
        this.#step = "OCW1";
        break;
      case "OCW1":
        this.#imr = value;
        break;
    }
    this.#update();
  }

  /** Read with A0 = 0: the poll word when one is due, else ISR or IRR as OCW3 selected. */
  readCommand(): number {
    if (this.#poll) return this.#readPoll();
    return this.#readIsr ? this.#isr : this.#irr;
  }

  /** Read with A0 = 1: the poll word when one is due, else IMR. */
  readData(): number {
    return this.#poll ? this.#readPoll() : this.#imr;
  }

  get #levelMask(): number {
    return (this.#icw1 & ICW1.LTIM) !== 0 ? 0xff : this.elcr;
  }

  get #slaveId(): number {
    return this.#icw3 & 7;
  }

  get #stepAfterIcw3(): InitializationStep {
    return (this.#icw1 & ICW1.IC4) !== 0 ? "ICW4" : "OCW1";
  }

  #initialize(icw1: number): void {
    this.#icw1 = icw1;
    this.#icw4 = 0;
    this.#imr = 0;
    this.#isr = 0;
    this.#lowestPriority = 7;
    this.#readIsr = false;
    this.#poll = false;
    this.#specialMask = false;
    this.#rotateInAeoi = false;
    this.#irr = this.#lines & this.#levelMask;
    this.#step = "ICW2";
  }

  #operationCommand2(value: number): void {
    const rotate = (value & OCW2.ROTATE) !== 0;
    const specific = (value & OCW2.SL) !== 0;
    if ((value & OCW2.EOI) === 0) {
      if (!specific) this.#rotateInAeoi = rotate;
      else if (rotate) this.#lowestPriority = value & OCW2.LEVEL;
      return;
    }
    const level = specific ? value & OCW2.LEVEL : this.#highest(this.#unmaskedInService);
    if (level < 0) return;
    this.#isr &= ~(1 << level);
    if (rotate) this.#lowestPriority = level;
  }

  #operationCommand3(value: number): void {
    if ((value & OCW3.ESMM) !== 0) this.#specialMask = (value & OCW3.SMM) !== 0;
    this.#poll = (value & OCW3.POLL) !== 0;
    if (!this.#poll && (value & OCW3.RR) !== 0) this.#readIsr = (value & OCW3.RIS) !== 0;
  }

  #readPoll(): number {
    this.#poll = false;
    const level = this.#pendingLevel();
    if (level < 0) return 0;
    this.#takeIntoService(level);
    return POLL_INTERRUPT | level;
  }

  /** ISR bits that count for priority and for EOI: in special mask mode a masked level is as if not in service. */
  get #unmaskedInService(): number {
    return this.#specialMask ? this.#isr & ~this.#imr : this.#isr;
  }

  /** Priority of a level, 0 (highest) to 7. */
  #priority(level: number): number {
    return (level - this.#lowestPriority - 1) & 7;
  }

  /** Level of highest priority among the bits, -1 when there is none. */
  #highest(bits: number): number {
    if (bits === 0) return -1;
    for (let priority = 0; priority < 8; priority++) {
      const level = (this.#lowestPriority + 1 + priority) & 7;
      if ((bits & (1 << level)) !== 0) return level;
    }
    return -1;
  }

  /** Level that INT stands for: the highest unmasked request that nothing in service holds back; else -1. */
  #pendingLevel(): number {
    const inService = this.#unmaskedInService;
    const request = this.#highest(this.#irr & ~this.#imr);
    if (request < 0) return -1;
    const serving = this.#highest(inService);
    if (serving < 0 || this.#priority(request) < this.#priority(serving)) return request;
    // Special fully nested mode: a slave in service may interrupt again, for one of its own higher levels.
    const fromSlave = (this.#icw4 & ICW4.SFNM) !== 0 && (this.#icw3 & (1 << request)) !== 0;
    return fromSlave && request === serving ? request : -1;
  }

  #takeIntoService(level: number): void {
    const bit = 1 << level;
    this.#irr &= ~bit | (this.#lines & this.#levelMask);
    if ((this.#icw4 & ICW4.AEOI) === 0) this.#isr |= bit;
    else if (this.#rotateInAeoi) this.#lowestPriority = level;
    this.#update();
  }

  /** Second byte of an acknowledge: the vector in 8086 mode, the low byte of the CALL address in MCS-80/85 mode. */
  #vectorOf(level: number): number {
    if ((this.#icw4 & ICW4.UPM) !== 0) return (this.#icw2 & 0xf8) | level;
    return (this.#icw1 & ICW1.ADI) !== 0 ? (this.#icw1 & 0xe0) | (level << 2) : (this.#icw1 & 0xc0) | (level << 3);
  }

  #update(): void {
    const int = this.#pendingLevel() >= 0;
    if (int === this.int) return;
    this.int = int;
    this.onInt(int);
  }
}

/**
 * The two 8259As of a PC/AT, the slave on the master's IR2, and the chip set's edge/level control registers.
 * IRQs are numbered 0 to 15; 2 is the cascade and not a line of its own.
 */
export class I8259APair implements PortDevice {
  readonly master: I8259A;
  readonly slave: I8259A;

  /** @param lines onIntr is called with 1 or 0 when the INTR line to the CPU changes */
  constructor(lines: { onIntr: (level: 0 | 1) => void }) {
    const slave = new I8259A((level) => this.master.setLine(CASCADE_LEVEL, level));
    this.slave = slave;
    this.master = new I8259A((level) => lines.onIntr(level ? 1 : 0), new Map([[CASCADE_LEVEL, slave]]));
  }

  /** Level of the INTR line. */
  get intr(): 0 | 1 {
    return this.master.int ? 1 : 0;
  }

  /** False when the masks hold back every IRQ line, so that nothing but a program can bring an interrupt about. */
  get anyUnmasked(): boolean {
    const cascade = 1 << CASCADE_LEVEL;
    const throughSlave = (this.master.imr & cascade) === 0 && this.slave.imr !== 0xff;
    return throughSlave || (this.master.imr | cascade) !== 0xff;
  }

  connect(ports: PortBus): void {
    ports.register(PIC_MASTER_COMMAND, 2, this, "8259A master");
    ports.register(PIC_SLAVE_COMMAND, 2, this, "8259A slave");
    ports.register(ELCR_MASTER, 2, this, "ELCR");
  }

  reset(): void {
    this.slave.reset();
    this.master.reset();
  }

  snapshot(s: Snapshot): void {
    this.master.snapshot(s);
    this.slave.snapshot(s);
  }

  /**
   * Drives an IRQ line high.
   * @throws RangeError for 2 (the cascade) and for numbers outside 0 to 15
   */
  raise(irq: number): void {
    this.#setLine(irq, true);
  }

  /** Drives an IRQ line low. Throws as `raise` does. */
  lower(irq: number): void {
    this.#setLine(irq, false);
  }

  /** The CPU's acknowledge cycles: the vector of the interrupt, 0 to 255. */
  acknowledge(): number {
    return this.master.acknowledge();
  }

  readPort8(port: number): number {
    switch (port) {
      case PIC_MASTER_COMMAND:
        return this.master.readCommand();
      case PIC_MASTER_DATA:
        return this.master.readData();
      case PIC_SLAVE_COMMAND:
        return this.slave.readCommand();
      case PIC_SLAVE_DATA:
        return this.slave.readData();
      case ELCR_MASTER:
        return this.master.elcr;
      default:
        return this.slave.elcr;
    }
  }

  writePort8(port: number, value: number): void {
    switch (port) {
      case PIC_MASTER_COMMAND:
        this.master.writeCommand(value);
        break;
      case PIC_MASTER_DATA:
        this.master.writeData(value);
        break;
      case PIC_SLAVE_COMMAND:
        this.slave.writeCommand(value);
        break;
      case PIC_SLAVE_DATA:
        this.slave.writeData(value);
        break;
      case ELCR_MASTER:
        this.master.elcr = value & ELCR_MASTER_WRITABLE;
        this.master.refreshLevels();
        break;
      case ELCR_SLAVE:
        this.slave.elcr = value & ELCR_SLAVE_WRITABLE;
        this.slave.refreshLevels();
        break;
    }
  }

  #setLine(irq: number, high: boolean): void {
    if (!Number.isInteger(irq) || irq < 0 || irq > 15 || irq === CASCADE_LEVEL) {
      throw new RangeError(`IRQ ${irq}: expected 0 to 15 but not ${CASCADE_LEVEL}, the cascade (ISA IRQ 2 is IRQ 9)`);
    }
    if (irq < 8) this.master.setLine(irq, high);
    else this.slave.setLine(irq - 8, high);
  }
}
