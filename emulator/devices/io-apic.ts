import type { MmioHandler } from "../memory/physical-memory.ts";
import type { Snapshot } from "../snapshot.ts";
import {
  ACTIVE_LOW,
  type ApicMessenger,
  DELIVERY,
  DELIVERY_MASK,
  deliveryMode,
  LEVEL_ASSERT,
  LEVEL_TRIGGERED,
  LOGICAL_DESTINATION,
  MASKED,
  REMOTE_IRR,
  VECTOR_MASK,
} from "./apic-message.ts";

/** Where a PC's first I/O APIC is, a page in size, and its two registers there. */
export const IO_APIC_BASE = 0xfec00000;
export const IO_APIC_BYTES = 0x1000;
export const IO_REGISTER_SELECT = 0x00;
export const IO_WINDOW = 0x10;
/** Both are decoded every 256 bytes of the page. */
const DECODED = 0xff;

/** Registers behind the window. From REDIRECTION on there are two for each pin, the low half first. */
export const IO_APIC_REGISTER = { ID: 0x00, VERSION: 0x01, ARBITRATION: 0x02, REDIRECTION: 0x10 } as const;

export const IO_APIC_PINS = 24;
/** Highest redirection entry in bits 16 to 23, and version 0x11. */
const VERSION = ((IO_APIC_PINS - 1) << 16) | 0x11;
const ID_SHIFT = 24;
const ID_MASK = 0x0f;
const DESTINATION_SHIFT = 24;

const ENTRY_WRITABLE = VECTOR_MASK | DELIVERY_MASK | LOGICAL_DESTINATION | ACTIVE_LOW | LEVEL_TRIGGERED | MASKED;

/**
 * I/O APIC, after Intel's 82093AA data sheet (290566-001, May 1996). Pins are numbered 0 to 23.
 *
 * - Messages arrive at once, so the delivery status bits always read 0.
 * - What happens on a masked pin has no effect: an edge is forgotten; a level counts again when it is unmasked.
 * - An edge that no local APIC accepts is lost; a level is offered again with the next change of its pin or entry.
 */
export class IoApic implements MmioHandler {
  readonly #bus: ApicMessenger;
  readonly #entries = new Int32Array(IO_APIC_PINS);
  readonly #destinations = new Uint8Array(IO_APIC_PINS);
  #id = 0;
  #arbitrationId = 0;
  #select = 0;
  /** Levels of the pins, as bits. */
  #lines = 0;

  constructor(bus: ApicMessenger) {
    this.#bus = bus;
    this.reset();
  }

  /** Power-on state: ID 0, all pins masked. Pins keep their levels. */
  reset(): void {
    this.#entries.fill(MASKED);
    this.#destinations.fill(0);
    this.#id = 0;
    this.#arbitrationId = 0;
    this.#select = 0;
  }

  /** APIC ID, 0 to 15. */
  get id(): number {
    return this.#id;
  }

  /** Writing the ID loads the arbitration ID too. */
  set id(value: number) {
    this.#id = value & ID_MASK;
    this.#arbitrationId = this.#id;
  }

  /** Whether a pin could interrupt somebody. */
  get anyUnmasked(): boolean {
    return this.#entries.some((entry) => (entry & MASKED) === 0);
  }

  /** Whether a pin could bring about what even a core with interrupts off takes: an NMI or an INIT. */
  get anyUnmaskable(): boolean {
    return this.#entries.some((entry) => {
      const mode = deliveryMode(entry);
      return (entry & MASKED) === 0 && (mode === DELIVERY.NMI || mode === DELIVERY.INIT);
    });
  }

  /** The redirection table, by pin: the low doubleword of each entry, and the destination. For debuggers. */
  get redirection(): readonly { readonly entry: number; readonly destination: number }[] {
    return Array.from(this.#entries, (entry, pin) => ({ entry, destination: this.#destinations[pin] }));
  }

  /** Drives an input pin. */
  setPin(pin: number, high: boolean): void {
    const bit = 1 << pin;
    if (((this.#lines & bit) !== 0) === high) return;
    this.#lines ^= bit;
    if (this.#isAsserted(pin)) this.#signal(pin);
  }

  /** A local APIC finished `vector`: level triggered pins with that vector that are still asserted interrupt again. */
  endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < IO_APIC_PINS; pin++) {
      const entry = this.#entries[pin];
      if ((entry & REMOTE_IRR) === 0 || (entry & VECTOR_MASK) !== vector) continue;
      this.#entries[pin] = entry & ~REMOTE_IRR;
      if (this.#isAsserted(pin)) this.#signal(pin);
    }
  }

  read8(physical: number): number {
    return (this.#read(physical & DECODED & ~3) >>> (8 * (physical & 3))) & 0xff;
  }

  read16(physical: number): number {
    return (this.read8(physical + 1) << 8) | this.read8(physical);
  }

  read32(physical: number): number {
    return (physical & 3) === 0
      ? this.#read(physical & DECODED)
      : this.read16(physical) | (this.read16(physical + 2) << 16);
  }

  /** IOREGSEL is 8 bits wide; IOWIN takes only writes of 32 bits, as the data sheet demands. */
  write8(physical: number, value: number): void {
    if ((physical & DECODED) === IO_REGISTER_SELECT) this.#select = value & 0xff;
  }

  write16(physical: number, value: number): void {
    this.write8(physical, value);
  }

  write32(physical: number, value: number): void {
    const offset = physical & DECODED;
    if (offset === IO_WINDOW) this.#writeRegister(value);
    else this.write8(physical, value);
  }

  snapshot(s: Snapshot): void {
    s.section("I/O APIC");
    this.#id = s.integer(this.#id, 0, ID_MASK);
    this.#arbitrationId = s.integer(this.#arbitrationId, 0, ID_MASK);
    this.#select = s.integer(this.#select, 0, 0xff);
    this.#lines = s.integer(this.#lines, 0, (1 << IO_APIC_PINS) - 1);
    for (let pin = 0; pin < IO_APIC_PINS; pin++) {
      this.#entries[pin] = s.integer(this.#entries[pin], 0, ENTRY_WRITABLE | REMOTE_IRR);
    }
    s.bytes(this.#destinations);
  }

  #read(offset: number): number {
    if (offset === IO_REGISTER_SELECT) return this.#select;
    return offset === IO_WINDOW ? this.#readRegister() : 0;
  }

  #readRegister(): number {
    const pin = (this.#select - IO_APIC_REGISTER.REDIRECTION) >> 1;
    if (pin >= 0 && pin < IO_APIC_PINS) {
      return (this.#select & 1) === 0 ? this.#entries[pin] : this.#destinations[pin] << DESTINATION_SHIFT;
    }
    switch (this.#select) {
      case IO_APIC_REGISTER.ID:
        return this.#id << ID_SHIFT;
      case IO_APIC_REGISTER.VERSION:
        return VERSION;
      case IO_APIC_REGISTER.ARBITRATION:
        return this.#arbitrationId << ID_SHIFT;
      default:
        return 0;
    }
  }

  #writeRegister(value: number): void {
    const pin = (this.#select - IO_APIC_REGISTER.REDIRECTION) >> 1;
    if (pin < 0 || pin >= IO_APIC_PINS) {
      if (this.#select === IO_APIC_REGISTER.ID) this.id = value >>> ID_SHIFT;
    } else if ((this.#select & 1) !== 0) {
      this.#destinations[pin] = value >>> DESTINATION_SHIFT;
    } else {
      const entry = (value & ENTRY_WRITABLE) | (this.#entries[pin] & REMOTE_IRR);
      const level = (entry & LEVEL_TRIGGERED) !== 0;
      this.#entries[pin] = level ? entry : entry & ~REMOTE_IRR;
      // Only a level is still there to be seen now.
      if (level && this.#isAsserted(pin)) this.#signal(pin);
    }
  }

  #isAsserted(pin: number): boolean {
    return ((this.#lines & (1 << pin)) !== 0) === ((this.#entries[pin] & ACTIVE_LOW) === 0);
  }

  /** The pin became asserted, or is so, level triggered. */
  #signal(pin: number): void {
    const entry = this.#entries[pin];
    if ((entry & (MASKED | REMOTE_IRR)) !== 0) return;
    const mode = deliveryMode(entry);
    const fixed = mode === DELIVERY.FIXED || mode === DELIVERY.LOWEST_PRIORITY;
    const level = fixed && (entry & LEVEL_TRIGGERED) !== 0;
    if (mode === DELIVERY.STARTUP || mode === DELIVERY.REMOTE_READ) return;
    const fields = VECTOR_MASK | DELIVERY_MASK | LOGICAL_DESTINATION;
    const message = (entry & fields) | LEVEL_ASSERT | (level ? LEVEL_TRIGGERED : 0);
    // Set first: what the message brings about may look at it.
    if (level) this.#entries[pin] = entry | REMOTE_IRR;
    if (!this.#bus.send(message, this.#destinations[pin]) && level) this.#entries[pin] &= ~REMOTE_IRR;
  }
}
