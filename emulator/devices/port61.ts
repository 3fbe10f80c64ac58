import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { I8254 } from "./i8254.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** System control port B of a PC/AT: timer 2 gate, speaker, refresh toggle. */
export const PORT_61 = 0x61;

const BIT = { GATE2: 0x01, SPEAKER: 0x02, PARITY_CHECK_OFF: 0x04, CHANNEL_CHECK_OFF: 0x08 } as const;
const WRITABLE = BIT.GATE2 | BIT.SPEAKER | BIT.PARITY_CHECK_OFF | BIT.CHANNEL_CHECK_OFF;
const REFRESH_TOGGLE = 0x10;
const OUT2 = 0x20;

/**
 * Port 0x61 (IBM PC/AT Technical Reference, "System Board I/O"): bits 0 to 3 read back as written; bit 4 changes with
 * every memory refresh (each 15 µs), which delay loops of the time count; bit 5 is OUT2 of the 8254. No memory or
 * channel errors are ever reported in bits 6 and 7.
 */
export class Port61 implements PortDevice, Device {
  #written = 0;

  constructor(readonly pit: I8254) {}

  connect(ports: PortBus): void {
    ports.register(PORT_61, 1, this, "system control port B");
  }

  reset(): void {
    this.writePort8(PORT_61, 0);
  }

  snapshot(s: Snapshot): void {
    s.section("port 0x61");
    this.#written = s.integer(this.#written, 0, WRITABLE);
  }

  /** True when the speaker's cone follows OUT2. */
  get speakerEnabled(): boolean {
    return (this.#written & BIT.SPEAKER) !== 0;
  }

  readPort8(_port: number): number {
    return this.#written | (this.pit.refreshToggle ? REFRESH_TOGGLE : 0) | (this.pit.output(2) ? OUT2 : 0);
  }

  writePort8(_port: number, value: number): void {
    this.#written = value & WRITABLE;
    this.pit.setGate2((value & BIT.GATE2) !== 0);
  }
}
