import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { VECTOR_UD } from "./state-layout.ts";

/** 0F 3F imm16: calls the host with the number, from CPL 0 only; #UD when nobody listens. */
export function hostcall(cpu: Core, op: Op): void {
  if (cpu.hostcall === null || cpu.cpl !== 0) cpu.raise(VECTOR_UD);
  cpu.hostcall(cpu, op.imm);
}
