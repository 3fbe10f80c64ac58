import type { Snapshot } from "../snapshot.ts";
import type { PortBus, PortDevice } from "./ports.ts";

/** Where a PC's firmware reports its progress, and where POST cards listen. */
export const DEFAULT_POST_PORT = 0x80;

/** Each byte written is reported to the host; a read returns the last, as the latch that is at 0x80 on a PC does. */
export class PostPort implements PortDevice {
  #code = 0;

  constructor(readonly lines: { onCode: (code: number) => void }) {}

  /** @throws RangeError when the port does not exist, or another device has it */
  connect(ports: PortBus, port: number = DEFAULT_POST_PORT): void {
    ports.register(port, 1, this, "POST port");
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
