import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { EIP, EIP_REPLACED, VECTOR_UD } from "./state-layout.ts";

/**
 * 0F 3F imm16: calls the host with the number, from CPL 0 only; #UD when nobody listens. The host finds EIP behind the
 * instruction and may change it. The block goes on unless it did, or something waits to be attended to.
 */
export function hostcall(cpu: Core, op: Op): void {
  if (cpu.hostcall === null || cpu.cpl !== 0) cpu.raise(VECTOR_UD);
  const { r } = cpu;
  const behindBlock = r[EIP]!;
  const behind = (cpu.runStart + op.offset + op.length) | 0;
  r[EIP] = behind;
  cpu.hostcall(cpu, op.imm);
  if (r[EIP] === behind && cpu.attention === 0) r[EIP] = behindBlock;
  else cpu.runStop = EIP_REPLACED;
}
