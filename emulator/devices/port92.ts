import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** System control port A of the PS/2 and its successors. */
export const PORT_92 = 0x92;

const BIT = { FAST_RESET: 0x01, A20: 0x02 } as const;

/**
 * Port 0x92 (IBM PS/2 Hardware Interface Technical Reference, "System Control Port A"): bit 1 gates address line
 * A20, and bit 0 resets the CPUs when it goes from 0 to 1. A20 is enabled at power-on, as firmware leaves it.
 */
export class Port92 implements PortDevice, Device {
  #value: number = BIT.A20;

  constructor(readonly lines: { onA20: (enabled: boolean) => void; onReset: () => void }) {}

  connect(ports: PortBus): void {
    ports.register(PORT_92, 1, this, "system control port A");
  }

  reset(): void {
    this.#value = BIT.A20;
    this.lines.onA20(true);
  }

  snapshot(s: Snapshot): void {
    s.section("port 0x92");
    this.#value = s.integer(this.#value, 0, BIT.A20 | BIT.FAST_RESET);
  }

  readPort8(_port: number): number {
    return this.#value;
  }

  writePort8(_port: number, value: number): void {
    const rising = value & ~this.#value;
    this.#value = value & (BIT.A20 | BIT.FAST_RESET);
    this.lines.onA20((value & BIT.A20) !== 0);
    if ((rising & BIT.FAST_RESET) !== 0) this.lines.onReset();
  }
}
