import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { peekStack } from "./stack-writer.ts";
import {
  CONTROL_FLAGS,
  ESP,
  FLAG_AC,
  FLAG_DF,
  FLAG_ID,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  FLAGS_ARITHMETIC,
  STI_SHADOW,
  VECTOR_GP,
} from "./state-layout.ts";

/** CLI: allowed while CPL <= IOPL (in virtual-8086 mode: IOPL 3), else #GP(0). */
export function cli(cpu: Core, _op: Op): void {
  requireIopl(cpu);
  cpu.r[CONTROL_FLAGS] = cpu.r[CONTROL_FLAGS] & ~FLAG_IF;
}

/** STI: as CLI; when it turns interrupts on, the next instruction still runs without one. */
export function sti(cpu: Core, _op: Op): void {
  requireIopl(cpu);
  if ((cpu.r[CONTROL_FLAGS] & FLAG_IF) !== 0) return;
  cpu.setEflags(FLAG_IF, FLAG_IF);
  cpu.interruptShadow = STI_SHADOW;
}

/** PUSHF, PUSHFD: VM and RF read as 0. */
export function pushf(cpu: Core, op: Op): void {
  requireVirtualIopl(cpu);
  const eflags = cpu.getEflags() & ~(FLAG_VM | FLAG_RF);
  if (op.operandSize === 32) cpu.push32(eflags);
  else cpu.push16(eflags & 0xffff);
}

/** POPF, POPFD: IOPL changes at CPL 0 only, IF while CPL <= IOPL, VM never; RF is cleared. */
export function popf(cpu: Core, op: Op): void {
  requireVirtualIopl(cpu);
  const slot = op.operandSize >>> 3;
  const eflags = peekStack(cpu, 0, slot);
  let mask = FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT;
  if (slot === 4) mask |= FLAG_AC | FLAG_ID | FLAG_RF;
  if (cpu.cpl === 0) mask |= FLAG_IOPL;
  if (cpu.cpl <= iopl(cpu)) mask |= FLAG_IF;
  cpu.setStackPointer(cpu.r[ESP] + slot);
  cpu.setEflags(eflags & ~FLAG_RF, mask);
}

/** I/O privilege level, 0 to 3. */
export function iopl(cpu: Core): number {
  return (cpu.r[CONTROL_FLAGS] & FLAG_IOPL) >>> 12;
}

function requireIopl(cpu: Core): void {
  if (cpu.cpl > iopl(cpu)) cpu.raise(VECTOR_GP, 0);
}

/** PUSHF, POPF, INT n and IRET in virtual-8086 mode need IOPL 3; raises #GP(0) without. */
export function requireVirtualIopl(cpu: Core): void {
  if (cpu.v86 && iopl(cpu) !== 3) cpu.raise(VECTOR_GP, 0);
}
