import type { Core } from "./core.ts";
import { descriptorAccess, descriptorBase, descriptorLimit, withinLimit } from "./descriptors.ts";
import { ACCESS_BIG, ESP, SS, VECTOR_SS } from "./state-layout.ts";

/**
 * Pushes a whole frame on a stack before any register changes, so that a fault half-way leaves the CPU as it was. Use:
 * `useCurrent` or `useInner`, `reserve`, `push` for each value, then `commit` once SS holds the stack's segment.
 *
 * One instance serves all far transfers: a frame is built and committed within one instruction.
 */
class StackWriter {
  #base = 0;
  #limit = 0;
  #access = 0;
  #esp = 0;
  /** Bytes in each slot: 2 or 4. */
  #slot = 4;
  #system = false;

  /** Continue on the stack that SS:ESP points to, with slots of `slot` bytes. */
  useCurrent(cpu: Core, slot: number): void {
    this.#base = cpu.segBase(SS);
    this.#limit = cpu.segLimit(SS);
    this.#access = cpu.segAccess(SS);
    this.#esp = cpu.r[ESP];
    this.#slot = slot;
    this.#system = false;
  }

  /** Start on the stack of a more privileged level: the descriptor at linear address `descriptor`, top at `esp`. */
  useInner(cpu: Core, descriptor: number, esp: number, slot: number): void {
    const low = cpu.systemRead32(descriptor);
    const high = cpu.systemRead32(descriptor + 4);
    this.#base = descriptorBase(low, high);
    this.#limit = descriptorLimit(low, high);
    this.#access = descriptorAccess(high);
    this.#esp = esp;
    this.#slot = slot;
    this.#system = true;
  }

  /** Raises #SS with `errorCode` unless `count` slots fit under the top of the stack. */
  reserve(cpu: Core, count: number, errorCode: number): void {
    const mask = (this.#access & ACCESS_BIG) !== 0 ? -1 : 0xffff;
    for (let i = 1; i <= count; i++) {
      const offset = (this.#esp - i * this.#slot) & mask;
      if (!withinLimit(offset, this.#slot, this.#limit, this.#access)) cpu.raise(VECTOR_SS, errorCode);
    }
  }

  /** Writes one slot (the low bits of `value`); may raise #PF. */
  push(cpu: Core, value: number): void {
    const mask = (this.#access & ACCESS_BIG) !== 0 ? -1 : 0xffff;
    const esp = this.#esp - this.#slot;
    const linear = (this.#base + (esp & mask)) | 0;
    if (this.#slot === 4) {
      if (this.#system) cpu.systemWrite32(linear, value);
      else cpu.write32(linear, value);
    } else if (this.#system) cpu.systemWrite16(linear, value & 0xffff);
    else cpu.write16(linear, value & 0xffff);
    this.#esp = esp | 0;
  }

  /** Takes the frame's end as the stack pointer: ESP, or SP alone when SS is a 16-bit segment. */
  commit(cpu: Core): void {
    cpu.setStackPointer(this.#esp);
  }
}

export const stackWriter = new StackWriter();

/** Reads slot `index`, counted from `skip` bytes above the stack pointer, without popping it. */
export function peekStack(cpu: Core, index: number, slot: number, skip = 0): number {
  const distance = skip + index * slot;
  return slot === 4 ? cpu.peek32(distance) : cpu.peek16(distance);
}
