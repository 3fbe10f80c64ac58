import type { Snapshot } from "../snapshot.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/**
 * Power management control registers (ACPI PM1a_CNT) of the emulators that kernels switch off without looking for them:
 * QEMU, Bochs and QEMU before 2.0, VirtualBox.
 */
const CONTROL_PORTS = [0x604, 0xb004, 0x4004] as const;
const SLEEP_ENABLE = 0x2000;
/** Bochs' and old QEMU's own way: the word, a byte at a time. */
export const SHUTDOWN_PORT = 0x8900;
const SHUTDOWN = "Shutdown";

/** Switches the machine off: by a word with SLP_EN (bit 13) to a control register, or the word "Shutdown" to port 0x8900. */
export class PowerOff {
  /** Letters of SHUTDOWN that have come. */
  #letters = 0;

  constructor(readonly lines: { onPowerOff: () => void }) {}

  connect(ports: PortBus): void {
    const control: PortDevice = {
      readPort8: () => 0,
      writePort8: () => {},
      writePort16: (port, value) => this.#control(port, value),
      writePort32: (port, value) => this.#control(port, value),
    };
    for (const port of CONTROL_PORTS) ports.register(port, 2, control, "power management control");
    const shutdown: PortDevice = { readPort8: () => 0xff, writePort8: (_port, value) => this.#letter(value) };
    ports.register(SHUTDOWN_PORT, 1, shutdown, "shutdown");
  }

  reset(): void {
    this.#letters = 0;
  }

  snapshot(s: Snapshot): void {
    s.section("power");
    this.#letters = s.integer(this.#letters, 0, SHUTDOWN.length - 1);
  }

  #control(port: number, value: number): void {
    if ((port & 1) === 0 && (value & SLEEP_ENABLE) !== 0) this.lines.onPowerOff();
  }

  #letter(value: number): void {
    const letter = String.fromCharCode(value);
    if (letter !== SHUTDOWN[this.#letters]) this.#letters = letter === SHUTDOWN[0] ? 1 : 0;
    else if (++this.#letters === SHUTDOWN.length) {
      this.#letters = 0;
      this.lines.onPowerOff();
    }
  }
}
