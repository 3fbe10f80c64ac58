import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** I/O addresses: the register number, and the register. */
export const IMCR_SELECT = 0x22;
export const IMCR_DATA = 0x23;
/** Number of the interrupt mode configuration register. */
export const IMCR = 0x70;

/**
 * The interrupt mode configuration register (Intel MultiProcessor Specification 1.4, 3.6.2.1). Bit 0 clear is PIC
 * mode, as at power-on: INTR of the 8259A and NMI go to the bootstrap processor past its local APIC. Set, they go to
 * LINT0 and LINT1 of the local APICs.
 */
export class Imcr implements PortDevice, Device {
  #select = 0;
  #value = 0;

  /** @param lines onChange is called after bit 0 changed */
  constructor(readonly lines: { onChange: () => void }) {}

  connect(ports: PortBus): void {
    ports.register(IMCR_SELECT, 2, this, "IMCR");
  }

  reset(): void {
    this.#select = 0;
    this.#write(0);
  }

  /** Whether the 8259A goes through the local APIC. */
  get throughApic(): boolean {
    return (this.#value & 1) !== 0;
  }

  readPort8(port: number): number {
    if (port === IMCR_SELECT) return this.#select;
    return this.#select === IMCR ? this.#value : 0xff;
  }

  writePort8(port: number, value: number): void {
    if (port === IMCR_SELECT) this.#select = value;
    else if (this.#select === IMCR) this.#write(value & 1);
  }

  snapshot(s: Snapshot): void {
    s.section("IMCR");
    this.#select = s.integer(this.#select, 0, 0xff);
    this.#value = s.integer(this.#value, 0, 1);
  }

  #write(value: number): void {
    if (value === this.#value) return;
    this.#value = value;
    this.lines.onChange();
  }
}
