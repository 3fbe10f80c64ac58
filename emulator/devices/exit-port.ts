import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** First of the four ports, where QEMU's isa-debug-exit is put by custom. */
export const EXIT_PORT = 0xf4;
const PORTS = 4;

/**
 * Ends the run: a write of value V, one, two or four bytes wide, to the first port ends it with exit value V,
 * unsigned. Writes to the other three ports alone do nothing; reads return zero.
 */
export class ExitPort implements PortDevice, Device {
  /** @param lines onExit is called with the value, 0 to 2^32 - 1 */
  constructor(readonly lines: { onExit: (value: number) => void }) {}

  connect(ports: PortBus): void {
    ports.register(EXIT_PORT, PORTS, this, "exit port");
  }

  /** It has no state. */
  reset(): void {}

  snapshot(_s: Snapshot): void {}

  readPort8(_port: number): number {
    return 0;
  }

  writePort8(port: number, value: number): void {
    this.#write(port, value);
  }

  writePort16(port: number, value: number): void {
    this.#write(port, value);
  }

  writePort32(port: number, value: number): void {
    this.#write(port, value >>> 0);
  }

  #write(port: number, value: number): void {
    if (port === EXIT_PORT) this.lines.onExit(value);
  }
}
