import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** A write of anything clears the interrupt request of the numeric coprocessor. */
export const CLEAR_BUSY_PORT = 0xf0;

/**
 * How a PC/AT reports x87 exceptions when CR0.NE is clear (Intel SDM 1, appendix D.2.1.2): FERR# going active latches
 * IRQ 13; a write to port 0xF0 clears the latch and, while FERR# is still active, asserts IGNNE#, so that the handler
 * can use the x87. The processor's own logic takes IGNNE# back when FERR# goes away.
 */
export class NumericError implements PortDevice, Device {
  #ferr = false;
  #requested = false;

  constructor(readonly lines: { onIrq13: (level: boolean) => void; onIgnne: () => void }) {}

  connect(ports: PortBus): void {
    ports.register(CLEAR_BUSY_PORT, 1, this, "numeric error logic");
  }

  reset(): void {
    this.#ferr = false;
    this.#request(false);
  }

  /** Level of the FERR# pin, true when asserted. */
  driveFerr(asserted: boolean): void {
    if (asserted && !this.#ferr) this.#request(true);
    this.#ferr = asserted;
  }

  snapshot(s: Snapshot): void {
    s.section("numeric error logic");
    this.#ferr = s.flag(this.#ferr);
    this.#requested = s.flag(this.#requested);
  }

  readPort8(_port: number): number {
    return 0xff;
  }

  writePort8(_port: number, _value: number): void {
    this.#request(false);
    if (this.#ferr) this.lines.onIgnne();
  }

  #request(level: boolean): void {
    if (level === this.#requested) return;
    this.#requested = level;
    this.lines.onIrq13(level);
  }
}
