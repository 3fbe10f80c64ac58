/** Guest memory for those who only look: no faults, no accessed bits, no writes. */
import type { Machine } from "../../emulator/index.ts";
import type { GuestMemory } from "../host/guest-memory.ts";
import { PAGE_OFFSET } from "../include/asm/page.ts";
import { kernel_physical } from "./kernel-physical.ts";

export class InspectMemory implements GuestMemory {
  constructor(private readonly machine: Machine) {}

  /** @throws RangeError where nothing is mapped */
  private bytes(linear: number, length: number): DataView {
    const at = linear >>> 0;
    const bytes = at >= PAGE_OFFSET ? this.kernel_bytes(at, length) : this.machine.readLinear(at, length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  private kernel_bytes(at: number, length: number): Uint8Array {
    const { machine } = this;
    const physical = kernel_physical(at, machine.memory.ramSize, machine.cores[0].cr3, (address) => {
      const bytes = machine.readSettled(address, 4);
      return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
    });
    if (physical < 0) throw new RangeError(`0x${at.toString(16)} is not mapped`);
    return machine.readSettled(physical, length);
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
