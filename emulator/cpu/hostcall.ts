import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { CS, EIP, EIP_REPLACED, SEG_LIMIT, VECTOR_UD } from "./state-layout.ts";

/** Bytes of the instruction without prefixes. */
const LENGTH = 4;

/**
 * 0F 3F imm16: calls the host with the number, from CPL 0 only; #UD when nobody listens. The host finds EIP behind the
 * instruction and may change it. The block goes on unless EIP leaves it, or something waits to be attended to.
 * @returns index in the block of the instruction that counts as executed: the one before the next
 */
export function hostcall(cpu: Core, op: Op): number {
  if (cpu.hostcall === null || cpu.cpl !== 0) cpu.raise(VECTOR_UD);
  const { r } = cpu;
  const index = cpu.runIndex;
  const behindBlock = r[EIP];
  const behind = (cpu.runStart + op.offset + op.length) | 0;
  r[EIP] = behind;
  cpu.hostcall(cpu, op.imm);
  const eip = r[EIP];
  if (cpu.attention === 0) {
    if (eip === behind) {
      r[EIP] = behindBlock;
      return index;
    }
    // A branch between hostcalls. What the block was limited to but by the budget would be lost.
    const { ops } = cpu.runBlock;
    const next = index + 1 + ((eip - behind) >> 2);
    const within = next >= 0 && next < ops.length && ops[next].offset === ((eip - cpu.runStart) | 0);
    if (within && op.length === LENGTH && cpu.runStop > index && r[SEG_LIMIT + CS] === -1) {
      r[EIP] = behindBlock;
      // What was retired before the block, had all before `next` been in it.
      cpu.retired += index + 1 - next;
      const left = cpu.budget - cpu.retired;
      cpu.runStop = Math.min(left, ops.length);
      return next - 1;
    }
  }
  cpu.runStop = EIP_REPLACED;
  return index;
}
