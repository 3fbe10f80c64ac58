import type { Clock } from "../clock.ts";
import type { Snapshot } from "../snapshot.ts";
import {
  ACTIVE_LOW,
  type ApicMessenger,
  DELIVERY,
  DELIVERY_MASK,
  deliveryMode,
  FIRST_LEGAL_VECTOR,
  LEVEL_ASSERT,
  LEVEL_TRIGGERED,
  LOGICAL_DESTINATION,
  MASKED,
  REMOTE_IRR,
  VECTOR_MASK,
} from "./apic-message.ts";
import { ApicTimer } from "./apic-timer.ts";
import { ApicVectors } from "./apic-vectors.ts";
import {
  APIC_VERSION,
  DESTINATION_SHIFT,
  ERROR,
  ESR,
  isReadOnly,
  LINT0,
  LINT1,
  LVT_REGISTERS,
  LVT_WRITABLE,
  APIC_REGISTER as REGISTER,
  SHORTHAND,
  SHORTHAND_SHIFT,
  SVR,
  SVR_AT_RESET,
  TIMER,
  TIMER_PERIODIC,
} from "./local-apic-registers.ts";

const ID_MASK = 0x0f;
const CLUSTER = 0xf0;
const ICR_WRITABLE =
  VECTOR_MASK | DELIVERY_MASK | LOGICAL_DESTINATION | LEVEL_ASSERT | LEVEL_TRIGGERED | (3 << SHORTHAND_SHIFT);
const CLUSTER_BROADCAST = 0xf0;

/** What a local APIC does to its core. */
export interface LocalApicPins {
  /** Whether an interrupt waits that `acknowledge` would give. */
  onIntr(level: boolean): void;
  onNmi(): void;
  /** INIT: the core is initialised. The local APIC has done so itself already. */
  onInit(): void;
  /** Start-up message: real-mode code at page `vector`. */
  onStartup(vector: number): void;
  /** System management interrupt; there is no system management mode. */
  onSmi(): void;
}

/**
 * The local APIC of one core: that of the P6 family, version 0x14 with five entries in its local vector table (Intel
 * SDM 3A chapter 10). No thermal sensor, no x2APIC, and nothing is counted for the performance entry.
 *
 * - Physical IDs and destinations have four bits.
 * - Messages arrive at once, so the delivery status bits always read 0.
 * - A message that no local APIC accepts is lost, with "send accept error" for its sender.
 */
export class LocalApic {
  readonly #pins: LocalApicPins;
  readonly #bus: ApicMessenger;
  readonly #core: number;
  readonly #timer: ApicTimer;
  readonly #vectors = new ApicVectors();
  readonly #lvt = new Int32Array(LVT_REGISTERS.length);

  /** Physical APIC ID, 0 to 15. */
  id: number;
  /** Rank in arbitration for lowest-priority messages, 0 (wins last) to 15. */
  arbitrationId: number;
  #hardwareEnabled = true;
  #ldr = 0;
  #flat = true;
  #dfr = 0xf;
  #svr = SVR_AT_RESET;
  #esr = 0;
  /** Errors since ESR was last written. */
  #errors = 0;
  #icrLow = 0;
  #icrHigh = 0;
  /** An ExtINT message came, and was not acknowledged yet. */
  #extIntMessage = false;
  /** Levels of the pins LINT0 and LINT1. */
  readonly #lines: [boolean, boolean] = [false, false];
  #intr = false;

  /** @param core number of its core, which also is its ID at power-on */
  constructor(core: number, lines: { clock: Clock; bus: ApicMessenger; pins: LocalApicPins }) {
    this.#core = core;
    this.#bus = lines.bus;
    this.#pins = lines.pins;
    this.#timer = new ApicTimer(lines.clock, () => this.#deliverLocal(TIMER));
    this.id = core;
    this.arbitrationId = core;
    this.#initialize();
  }

  /** Power-on state (SDM 3A 10.4.7.1). Pins keep their levels. */
  reset(): void {
    this.id = this.#core;
    this.#hardwareEnabled = true;
    this.resetArbitrationId();
    this.#initialize();
  }

  /** IA32_APIC_BASE bit 11. Disabled, LINT0 and LINT1 are the core's INTR and NMI, and there is nothing else. */
  get hardwareEnabled(): boolean {
    return this.#hardwareEnabled;
  }
  set hardwareEnabled(enabled: boolean) {
    if (enabled === this.#hardwareEnabled) return;
    this.#hardwareEnabled = enabled;
    // Switched on again, it is as after power-up (SDM 3A 10.4.3).
    this.id = this.#core;
    this.resetArbitrationId();
    this.#initialize();
  }

  /** SVR bit 8. Disabled, it takes no fixed interrupts, and its local vector table is masked. */
  get softwareEnabled(): boolean {
    return this.#hardwareEnabled && (this.#svr & SVR.ENABLE) !== 0;
  }

  /** Level of the interrupt request to the core. */
  get intr(): boolean {
    return this.#intr;
  }

  /**
   * The core takes an interrupt: its vector, which is in service from now on; -1 when it is that of the 8259A, which
   * has to be asked; the spurious vector when there is none.
   */
  acknowledge(): number {
    const vector = this.#vectors.deliverable;
    if (vector >= 0) {
      this.#vectors.take(vector);
      this.#update();
      return vector;
    }
    if (!this.#externalRequest) return this.#svr & VECTOR_MASK;
    this.#extIntMessage = false;
    this.#update();
    return -1;
  }

  /** Drives pin LINT0 or LINT1. */
  setLine(pin: 0 | 1, high: boolean): void {
    if (this.#lines[pin] === high) return;
    this.#lines[pin] = high;
    if (!this.#hardwareEnabled) {
      if (pin === 1 && high) this.#pins.onNmi();
    } else if (this.#isAsserted(pin)) {
      this.#deliverLocal(LINT0 + pin);
    }
    this.#update();
  }

  /**
   * Whether an interrupt could come to the core without any other core's doing: from its timer, or over LINT0.
   * @param lint0Alive whether the level of LINT0 may change
   */
  mayInterrupt(lint0Alive: boolean): boolean {
    if (this.#intr || this.#timer.armed) return true;
    return lint0Alive && (!this.#hardwareEnabled || (this.#lvt[LINT0] & MASKED) === 0);
  }

  /** Whether LINT0 may bring about what even a core with interrupts off takes: an NMI or an INIT. */
  get lint0Unmaskable(): boolean {
    const entry = this.#lvt[LINT0];
    const mode = deliveryMode(entry);
    return this.#hardwareEnabled && (entry & MASKED) === 0 && (mode === DELIVERY.NMI || mode === DELIVERY.INIT);
  }

  // ---- On the bus ----------------------------------------------------------------------------------------------------

  /** Takes a message that is addressed to this APIC. Returns whether it accepted it. */
  receive(message: number): boolean {
    if (!this.#hardwareEnabled) return false;
    const vector = message & VECTOR_MASK;
    switch (deliveryMode(message)) {
      case DELIVERY.FIXED:
      case DELIVERY.LOWEST_PRIORITY:
        return this.#request(vector, (message & LEVEL_TRIGGERED) !== 0);
      case DELIVERY.SMI:
        this.#pins.onSmi();
        return true;
      case DELIVERY.NMI:
        this.#pins.onNmi();
        return true;
      case DELIVERY.INIT:
        this.#initialize();
        this.#pins.onInit();
        return true;
      case DELIVERY.STARTUP:
        this.#pins.onStartup(vector);
        return true;
      case DELIVERY.EXTINT:
        this.#extIntMessage = true;
        this.#update();
        return true;
      default:
        return false;
    }
  }

  /** Whether a logical destination names this APIC (SDM 3A 10.6.2.2). */
  hasLogicalId(destination: number): boolean {
    if (destination === 0xff) return true;
    if (this.#flat) return (destination & this.#ldr) !== 0;
    const cluster = destination & CLUSTER;
    if (cluster !== CLUSTER_BROADCAST && cluster !== (this.#ldr & CLUSTER)) return false;
    return (destination & this.#ldr & 0x0f) !== 0;
  }

  /** How little this APIC wants a lowest-priority interrupt, 0 to 255. */
  get arbitrationPriority(): number {
    return this.#vectors.arbitrationPriority;
  }

  /** Whether the vector of a message is requested or in service here already, and focus checking is on. */
  isFocusOf(message: number): boolean {
    const vector = message & VECTOR_MASK;
    const here = this.#vectors.requested.has(vector) || this.#vectors.inService.has(vector);
    return here && (this.#svr & SVR.FOCUS_DISABLED) === 0;
  }

  /** INIT level de-assert: ranks are by ID again. */
  resetArbitrationId(): void {
    this.arbitrationId = this.id;
  }

  // ---- Registers -----------------------------------------------------------------------------------------------------

  /**
   * Reads from the register page. Registers are 32 bits wide, 16 bytes apart; the bytes between them read as 0.
   * @param offset 0 to 0xFFF, together with `size` within four aligned bytes, else the result is 0
   * @param size bytes: 1, 2 or 4
   */
  read(offset: number, size: number): number {
    const byte = offset & 0xf;
    if (byte + size > 4) return 0;
    return this.#readRegister(offset & ~0xf) >> (8 * byte);
  }

  /** Writes to the register page. Anything but 32 bits, aligned to a register, has no effect. */
  write(offset: number, size: number, value: number): void {
    if (size === 4 && (offset & 0xf) === 0) this.#writeRegister(offset, value | 0);
  }

  #readRegister(offset: number): number {
    if (offset >= REGISTER.ISR && offset < REGISTER.ESR) {
      const { inService, levelTriggered, requested } = this.#vectors;
      const set = offset < REGISTER.TMR ? inService : offset < REGISTER.IRR ? levelTriggered : requested;
      return set.word((offset >>> 4) & 7);
    }
    switch (offset) {
      case REGISTER.ID:
        return this.id << DESTINATION_SHIFT;
      case REGISTER.VERSION:
        return APIC_VERSION;
      case REGISTER.TPR:
        return this.#vectors.taskPriority;
      case REGISTER.APR:
        return this.arbitrationPriority;
      case REGISTER.PPR:
        return this.#vectors.processorPriority;
      case REGISTER.EOI:
      case REGISTER.REMOTE_READ:
        return 0;
      case REGISTER.LDR:
        return this.#ldr << DESTINATION_SHIFT;
      case REGISTER.DFR:
        return (this.#dfr << 28) | 0x0fffffff;
      case REGISTER.SVR:
        return this.#svr;
      case REGISTER.ESR:
        return this.#esr;
      case REGISTER.ICR_LOW:
        return this.#icrLow;
      case REGISTER.ICR_HIGH:
        return this.#icrHigh << DESTINATION_SHIFT;
      case REGISTER.INITIAL_COUNT:
        return this.#timer.initialCount;
      case REGISTER.CURRENT_COUNT:
        return this.#timer.currentCount;
      case REGISTER.DIVIDE:
        return this.#timer.divide;
    }
    const entry = LVT_REGISTERS.indexOf(offset);
    if (entry >= 0) return this.#lvt[entry];
    this.#error(ESR.ILLEGAL_REGISTER);
    return 0;
  }

  #writeRegister(offset: number, value: number): void {
    switch (offset) {
      case REGISTER.ID:
        this.id = (value >>> DESTINATION_SHIFT) & ID_MASK;
        return;
      case REGISTER.TPR:
        this.#vectors.taskPriority = value & 0xff;
        this.#update();
        return;
      case REGISTER.EOI:
        this.#endOfInterrupt();
        return;
      case REGISTER.LDR:
        this.#ldr = value >>> DESTINATION_SHIFT;
        return;
      case REGISTER.DFR:
        this.#dfr = value >>> 28;
        this.#flat = this.#dfr === 0xf;
        return;
      case REGISTER.SVR:
        this.#svr = (value & (SVR.VECTOR | SVR.ENABLE | SVR.FOCUS_DISABLED)) | SVR.VECTOR_ONES;
        if ((this.#svr & SVR.ENABLE) === 0) this.#maskAll();
        return;
      case REGISTER.ESR:
        this.#esr = this.#errors;
        this.#errors = 0;
        return;
      case REGISTER.ICR_LOW:
        this.#icrLow = value & ICR_WRITABLE;
        this.#command(this.#icrLow);
        return;
      case REGISTER.ICR_HIGH:
        this.#icrHigh = value >>> DESTINATION_SHIFT;
        return;
      case REGISTER.INITIAL_COUNT:
        this.#timer.initialCount = value;
        return;
      case REGISTER.DIVIDE:
        this.#timer.divide = value;
        return;
    }
    const entry = LVT_REGISTERS.indexOf(offset);
    if (entry >= 0) this.#writeEntry(entry, value);
    else if (!isReadOnly(offset)) this.#error(ESR.ILLEGAL_REGISTER);
  }

  // ---- Local vector table --------------------------------------------------------------------------------------------

  #writeEntry(entry: number, value: number): void {
    const writable = LVT_WRITABLE[entry];
    let written = (value & writable) | (this.#lvt[entry] & REMOTE_IRR);
    if (!this.softwareEnabled) written |= MASKED;
    if ((written & LEVEL_TRIGGERED) === 0) written &= ~REMOTE_IRR;
    this.#lvt[entry] = written;
    if (entry === TIMER) this.#timer.setMode((written & TIMER_PERIODIC) !== 0, (written & MASKED) === 0);
    // A level triggered pin that is asserted is seen as soon as it is unmasked; an edge while it was masked is not.
    if (entry === LINT0 && this.#isLevelTriggered(LINT0) && this.#isAsserted(0)) this.#deliverLocal(LINT0);
    this.#update();
  }

  #maskAll(): void {
    for (let entry = 0; entry < this.#lvt.length; entry++) this.#lvt[entry] |= MASKED;
    this.#timer.setMode((this.#lvt[TIMER] & TIMER_PERIODIC) !== 0, false);
    this.#update();
  }

  #isAsserted(pin: 0 | 1): boolean {
    return this.#lines[pin] === ((this.#lvt[LINT0 + pin] & ACTIVE_LOW) === 0);
  }

  /** LINT1 is always edge triggered, and so is everything but fixed mode. */
  #isLevelTriggered(entry: number): boolean {
    const value = this.#lvt[entry];
    return entry === LINT0 && (value & LEVEL_TRIGGERED) !== 0 && deliveryMode(value) === DELIVERY.FIXED;
  }

  /** A source of the local vector table became active. */
  #deliverLocal(entry: number): void {
    const value = this.#lvt[entry];
    if ((value & MASKED) !== 0) return;
    const mode = entry === LINT0 || entry === LINT1 ? deliveryMode(value) : DELIVERY.FIXED;
    switch (mode) {
      case DELIVERY.FIXED: {
        const level = this.#isLevelTriggered(entry);
        if (level && (value & REMOTE_IRR) !== 0) return;
        if (this.#request(value & VECTOR_MASK, level) && level) this.#lvt[entry] |= REMOTE_IRR;
        break;
      }
      case DELIVERY.SMI:
      case DELIVERY.NMI:
      case DELIVERY.INIT:
        this.receive(value & DELIVERY_MASK);
        break;
      default:
        // ExtINT is a level, not an event; the other modes do not exist here.
        this.#update();
    }
  }

  // ---- Interrupts ----------------------------------------------------------------------------------------------------

  /** Whether the 8259A has an interrupt for this core. */
  get #externalRequest(): boolean {
    if (this.#extIntMessage) return true;
    if (!this.#hardwareEnabled) return this.#lines[0];
    const entry = this.#lvt[LINT0];
    return (entry & MASKED) === 0 && deliveryMode(entry) === DELIVERY.EXTINT && this.#isAsserted(0);
  }

  #update(): void {
    const intr = this.#vectors.deliverable >= 0 || this.#externalRequest;
    if (intr === this.#intr) return;
    this.#intr = intr;
    this.#pins.onIntr(intr);
  }

  /** A fixed interrupt for this core. Returns whether it was accepted. */
  #request(vector: number, level: boolean): boolean {
    if (!this.softwareEnabled) return false;
    if (vector < FIRST_LEGAL_VECTOR) {
      this.#error(ESR.RECEIVE_ILLEGAL_VECTOR);
      return true;
    }
    this.#vectors.request(vector, level);
    this.#update();
    return true;
  }

  #endOfInterrupt(): void {
    const vector = this.#vectors.finish();
    if (vector < 0) return;
    if (this.#vectors.levelTriggered.has(vector)) {
      const entry = this.#lvt[LINT0];
      if ((entry & REMOTE_IRR) !== 0 && (entry & VECTOR_MASK) === vector) {
        this.#lvt[LINT0] = entry & ~REMOTE_IRR;
        if (this.#isAsserted(0)) this.#deliverLocal(LINT0);
      }
      this.#bus.endOfInterrupt(vector);
    }
    this.#update();
  }

  /** Sends what was written to the ICR (SDM 3A 10.6.1); combinations that it calls invalid are not sent. */
  #command(command: number): void {
    const mode = deliveryMode(command);
    const shorthand = (command >>> SHORTHAND_SHIFT) & 3;
    const levelDeassert = (command & (LEVEL_TRIGGERED | LEVEL_ASSERT)) === LEVEL_TRIGGERED;
    if (mode === DELIVERY.REMOTE_READ || mode === DELIVERY.EXTINT) return;
    if (levelDeassert && mode !== DELIVERY.INIT) return;
    const addressed = mode === DELIVERY.FIXED || mode === DELIVERY.LOWEST_PRIORITY;
    if (addressed && (command & VECTOR_MASK) < FIRST_LEGAL_VECTOR) {
      this.#error(ESR.SEND_ILLEGAL_VECTOR);
      return;
    }
    const toItself = shorthand === SHORTHAND.SELF || (shorthand === SHORTHAND.ALL && !levelDeassert);
    if (toItself && mode !== DELIVERY.FIXED) return;
    // Interrupts between processors are edge triggered whatever the trigger mode says, but for INIT.
    const message = mode === DELIVERY.INIT ? command : command & ~LEVEL_TRIGGERED;
    const self = 1 << this.#core;
    let accepted: boolean;
    if (shorthand === SHORTHAND.SELF) accepted = this.receive(message);
    else if (shorthand === SHORTHAND.ALL) accepted = this.#bus.broadcast(message, 0);
    else if (shorthand === SHORTHAND.OTHERS) accepted = this.#bus.broadcast(message, self);
    else accepted = this.#bus.send(message, this.#icrHigh);
    if (!accepted) this.#error(ESR.SEND_ACCEPT);
  }

  /** Notes an error for ESR, and interrupts when it is a new one. */
  #error(bit: number): void {
    if ((this.#errors & bit) !== 0) return;
    this.#errors |= bit;
    this.#deliverLocal(ERROR);
  }

  /** As INIT leaves it: like power-on, but for the ID and the arbitration ID. */
  #initialize(): void {
    this.#vectors.clear();
    this.#lvt.fill(MASKED);
    this.#timer.reset();
    this.#ldr = 0;
    this.#dfr = 0xf;
    this.#flat = true;
    this.#svr = SVR_AT_RESET;
    this.#esr = 0;
    this.#errors = 0;
    this.#icrLow = 0;
    this.#icrHigh = 0;
    this.#extIntMessage = false;
    this.#update();
  }

  snapshot(s: Snapshot): void {
    s.section(`local APIC ${this.#core}`);
    this.id = s.integer(this.id, 0, ID_MASK);
    this.arbitrationId = s.integer(this.arbitrationId, 0, ID_MASK);
    this.#hardwareEnabled = s.flag(this.#hardwareEnabled);
    this.#ldr = s.integer(this.#ldr, 0, 0xff);
    this.#dfr = s.integer(this.#dfr, 0, 0xf);
    this.#flat = this.#dfr === 0xf;
    this.#svr = s.integer(this.#svr, 0, 0x3ff);
    this.#esr = s.integer(this.#esr, 0, 0xff);
    this.#errors = s.integer(this.#errors, 0, 0xff);
    this.#icrLow = s.integer(this.#icrLow, 0, ICR_WRITABLE);
    this.#icrHigh = s.integer(this.#icrHigh, 0, 0xff);
    this.#extIntMessage = s.flag(this.#extIntMessage);
    this.#lines[0] = s.flag(this.#lines[0]);
    this.#lines[1] = s.flag(this.#lines[1]);
    for (let entry = 0; entry < this.#lvt.length; entry++) {
      this.#lvt[entry] = s.integer(this.#lvt[entry], 0, LVT_WRITABLE[entry] | MASKED | REMOTE_IRR);
    }
    this.#vectors.snapshot(s);
    this.#timer.snapshot(s);
    if (s.restoring) this.#intr = this.#vectors.deliverable >= 0 || this.#externalRequest;
  }
}
