/** Opcodes that do nothing but fault, and those of parts this processor does not have. */
import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { CS, SEG_BASE, VECTOR_GP, VECTOR_UD } from "./state-layout.ts";

/** No such instruction, UD2, or a LOCK prefix where none is allowed. */
export function undefined_opcode(cpu: Core): void {
  cpu.raise(VECTOR_UD);
}

/** More than 15 bytes. */
export function instruction_too_long(cpu: Core): void {
  cpu.raise(VECTOR_GP, 0);
}

/** Exists on some processor of the family, not on this one: tells `onUnimplemented`, then #UD. */
export function unimplemented(cpu: Core, op: Op): void {
  if (cpu.onUnimplemented !== null) {
    // EIP is the offset after the instruction: it ends its block.
    const start = (cpu.r[SEG_BASE + CS] + cpu.eip - op.length) | 0;
    cpu.onUnimplemented(
      cpu,
      Uint8Array.from({ length: op.length }, (_, i) => cpu.readCodeByte((start + i) | 0)),
    );
  }
  cpu.raise(VECTOR_UD);
}
