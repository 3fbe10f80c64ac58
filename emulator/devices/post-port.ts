import type { Snapshot } from "../snapshot.ts";
import type { Device } from "./device.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** Where a PC's firmware reports its progress, and where POST cards listen. */
export const DEFAULT_POST_PORT = 0x80;

/** Each byte written is reported to the host; a read returns the last, as the latch that is at 0x80 on a PC does. */
export class PostPort implements PortDevice, Device {
  #code = 0;

  /** @param lines the port is DEFAULT_POST_PORT where none is given */
  constructor(readonly lines: { onCode: (code: number) => void; port?: number }) {}

  connect(ports: PortBus): void {
    ports.register(this.lines.port ?? DEFAULT_POST_PORT, 1, this, "POST port");
  }

  reset(): void {
    this.#code = 0;
  }

  snapshot(s: Snapshot): void {
    s.section("POST");
    this.#code = s.integer(this.#code, 0, 0xff);
  }

  readPort8(_port: number): number {
    return this.#code;
  }

  writePort8(_port: number, value: number): void {
    this.#code = value;
    this.lines.onCode(value);
  }
}
