/** Guest memory for those who only look: no faults, no accessed bits, no writes. */
import type { Machine } from "../../emulator/index.ts";
import type { GuestMemory } from "../host/guest-memory.ts";
import { __pa, PAGE_OFFSET } from "../include/asm/page.ts";

export class InspectMemory implements GuestMemory {
  constructor(private readonly machine: Machine) {}

  private bytes(linear: number, length: number): DataView {
    const at = linear >>> 0;
    const bytes = at >= PAGE_OFFSET ? this.machine.readSettled(__pa(at), length) : this.machine.readLinear(at, length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  read8(linear: number): number {
    return this.bytes(linear, 1).getUint8(0);
  }

  read16(linear: number): number {
    return this.bytes(linear, 2).getUint16(0, true);
  }

  read32(linear: number): number {
    return this.bytes(linear, 4).getInt32(0, true);
  }

  write8(): never {
    throw new TypeError("kernel.inspect() only reads; guest memory is changed with machine.writePhysical()");
  }

  write16(): never {
    return this.write8();
  }

  write32(): never {
    return this.write8();
  }
}
