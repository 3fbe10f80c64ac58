/**
 * Stack instructions (Intel SDM 2: PUSH, POP, PUSHA, POPA, ENTER, LEAVE). ESP changes only when nothing can fault any
 * more; memory below the stack pointer may have been written by then.
 */
import type { Core } from "./core.ts";
import type { UnaryForms } from "./forms.ts";
import type { Op } from "./op.ts";
import { EBP, EDI, ESP, SS } from "./state-layout.ts";

/** Register or memory operand; PUSH ESP pushes the value from before. */
export const PUSH16: UnaryForms = {
  r: (cpu, op) => cpu.push16(cpu.r16[op.rm << 1]),
  m: (cpu, op) => cpu.push16(cpu.load16(op)),
};

export const PUSH32: UnaryForms = {
  r: (cpu, op) => cpu.push32(cpu.r[op.rm]),
  m: (cpu, op) => cpu.push32(cpu.load32(op)),
};

export function push_imm16(cpu: Core, op: Op): void {
  cpu.push16(op.imm);
}

export function push_imm32(cpu: Core, op: Op): void {
  cpu.push32(op.imm);
}

/** POP to memory computes its address with the stack pointer already incremented. */
export const POP16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.rm << 1] = cpu.pop16();
  },
  m(cpu, op) {
    const value = cpu.peek16(0);
    cpu.writeSegment16(op.seg, offsetAfterPop(cpu, op, 2), value);
    cpu.moveStackPointer(2);
  },
};

export const POP32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.rm] = cpu.pop32();
  },
  m(cpu, op) {
    const value = cpu.peek32(0);
    cpu.writeSegment32(op.seg, offsetAfterPop(cpu, op, 4), value);
    cpu.moveStackPointer(4);
  },
};

function offsetAfterPop(cpu: Core, op: Op, size: number): number {
  const esp = cpu.r[ESP];
  cpu.moveStackPointer(size);
  const offset = cpu.offsetOf(op);
  cpu.r[ESP] = esp;
  return offset;
}

/** Writes a word `distance` bytes from the stack pointer, which stays. */
function poke16(cpu: Core, distance: number, value: number): void {
  cpu.writeSegment16(SS, (cpu.r[ESP] + distance) & cpu.stackMask, value);
}

function poke32(cpu: Core, distance: number, value: number): void {
  cpu.writeSegment32(SS, (cpu.r[ESP] + distance) & cpu.stackMask, value);
}

export function pusha16(cpu: Core): void {
  for (let n = 0; n <= EDI; n++) poke16(cpu, -2 * (n + 1), cpu.r16[n << 1]);
  cpu.moveStackPointer(-16);
}

export function pusha32(cpu: Core): void {
  for (let n = 0; n <= EDI; n++) poke32(cpu, -4 * (n + 1), cpu.r[n]);
  cpu.moveStackPointer(-32);
}

/** What POPA has read so far; registers change only when all of it is there. */
const popped = new Int32Array(8);

/** The saved SP is dropped. */
export function popa16(cpu: Core): void {
  for (let n = EDI; n >= 0; n--) popped[n] = cpu.peek16(2 * (EDI - n));
  for (let n = 0; n <= EDI; n++) if (n !== ESP) cpu.r16[n << 1] = popped[n];
  cpu.moveStackPointer(16);
}

export function popa32(cpu: Core): void {
  for (let n = EDI; n >= 0; n--) popped[n] = cpu.peek32(4 * (EDI - n));
  for (let n = 0; n <= EDI; n++) if (n !== ESP) cpu.r[n] = popped[n];
  cpu.moveStackPointer(32);
}

/**
 * ENTER size, level: `op.imm` bytes of locals, `op.imm2` frames of enclosing procedures to copy. The frame must be
 * writable down to its last word.
 */
export function enter16(cpu: Core, op: Op): void {
  const level = op.imm2 & 31;
  const frame = cpu.r[ESP] - 2;
  poke16(cpu, -2, cpu.r16[EBP << 1]);
  for (let n = 1; n < level; n++) {
    poke16(cpu, -2 * (n + 1), cpu.readSegment16(SS, (cpu.r[EBP] - 2 * n) & cpu.stackMask));
  }
  if (level > 0) poke16(cpu, -2 * (level + 1), frame);
  const distance = -2 * (level + 1) - op.imm;
  cpu.probeWrite(cpu.segmentAddress(SS, (cpu.r[ESP] + distance) & cpu.stackMask, 2, true), 2);
  cpu.r16[EBP << 1] = frame;
  cpu.moveStackPointer(distance);
}

export function enter32(cpu: Core, op: Op): void {
  const level = op.imm2 & 31;
  const frame = (cpu.r[ESP] & ~cpu.stackMask) | ((cpu.r[ESP] - 4) & cpu.stackMask);
  poke32(cpu, -4, cpu.r[EBP]);
  for (let n = 1; n < level; n++) {
    poke32(cpu, -4 * (n + 1), cpu.readSegment32(SS, (cpu.r[EBP] - 4 * n) & cpu.stackMask));
  }
  if (level > 0) poke32(cpu, -4 * (level + 1), frame);
  const distance = -4 * (level + 1) - op.imm;
  cpu.probeWrite(cpu.segmentAddress(SS, (cpu.r[ESP] + distance) & cpu.stackMask, 4, true), 4);
  cpu.r[EBP] = frame;
  cpu.moveStackPointer(distance);
}

export function leave16(cpu: Core): void {
  const frame = cpu.r[EBP];
  const saved = cpu.readSegment16(SS, frame & cpu.stackMask);
  cpu.setStackPointer(frame + 2);
  cpu.r16[EBP << 1] = saved;
}

export function leave32(cpu: Core): void {
  const frame = cpu.r[EBP];
  const saved = cpu.readSegment32(SS, frame & cpu.stackMask);
  cpu.setStackPointer(frame + 4);
  cpu.r[EBP] = saved;
}
