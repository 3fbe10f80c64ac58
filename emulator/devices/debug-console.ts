import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** Port of the Bochs and QEMU debug console. */
export const DEBUG_CONSOLE_PORT = 0xe9;

/** Each byte written is output at once; a read returns the port's number, by which a guest finds that it is there. */
export class DebugConsole implements PortDevice, Device {
  constructor(readonly lines: { onOutput: (byte: number) => void }) {}

  connect(ports: PortBus): void {
    ports.register(DEBUG_CONSOLE_PORT, 1, this, "debug console");
  }

  /** It has no state. */
  reset(): void {}

  snapshot(_s: Snapshot): void {}

  readPort8(_port: number): number {
    return DEBUG_CONSOLE_PORT;
  }

  writePort8(_port: number, value: number): void {
    this.lines.onOutput(value);
  }
}
