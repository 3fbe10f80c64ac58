import type { Snapshot } from "../snapshot.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** Reset control register of Intel's PIIX and its successors. */
export const RESET_CONTROL = 0xcf9;

const BIT = { SYSTEM_RESET: 0x02, RESET_CPU: 0x04 } as const;

/**
 * Port 0xCF9 (Intel 290550, "82371SB PIIX3", "Reset Control Register"): bit 2 resets the machine when it goes from 0 to 1;
 * bit 1 says whether devices are reset with the CPUs, which they are here in either case.
 */
export class ResetControl implements PortDevice {
  #value = 0;

  constructor(readonly lines: { onReset: () => void }) {}

  connect(ports: PortBus): void {
    ports.register(RESET_CONTROL, 1, this, "reset control");
  }

  reset(): void {
    this.#value = 0;
  }

  snapshot(s: Snapshot): void {
    s.section("reset control");
    this.#value = s.integer(this.#value, 0, BIT.SYSTEM_RESET | BIT.RESET_CPU);
  }

  readPort8(_port: number): number {
    return this.#value;
  }

  writePort8(_port: number, value: number): void {
    const rising = value & ~this.#value;
    this.#value = value & (BIT.SYSTEM_RESET | BIT.RESET_CPU);
    if ((rising & BIT.RESET_CPU) !== 0) this.lines.onReset();
  }
}
