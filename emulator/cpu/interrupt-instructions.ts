import type { Core } from "./core.ts";
import { requireVirtualIopl } from "./flag-instructions.ts";
import { getOf } from "./flags.ts";
import { deliverInterrupt, EXCEPTION, SOFTWARE } from "./interrupts.ts";
import type { Op } from "./op.ts";
import { VECTOR_BP, VECTOR_DB, VECTOR_OF } from "./state-layout.ts";

/** INT n. In virtual-8086 mode it needs IOPL 3. */
export function int_imm(cpu: Core, op: Op): void {
  requireVirtualIopl(cpu);
  softwareInterrupt(cpu, op.imm & 0xff, SOFTWARE, -1);
}

/** INT3: #BP; unlike INT 3 it does not depend on IOPL. */
export function int3(cpu: Core, _op: Op): void {
  softwareInterrupt(cpu, VECTOR_BP, SOFTWARE, -1);
}

/** INT1 (ICEBP): #DB whatever the gate's DPL. */
export function int1(cpu: Core, _op: Op): void {
  softwareInterrupt(cpu, VECTOR_DB, EXCEPTION, -1);
}

/** INTO: #OF if OF is set. */
export function into(cpu: Core, _op: Op): void {
  if (getOf(cpu) !== 0) softwareInterrupt(cpu, VECTOR_OF, SOFTWARE, -1);
}

function softwareInterrupt(cpu: Core, vector: number, kind: number, errorCode: number): void {
  deliverInterrupt(cpu, vector, kind, errorCode);
  cpu.leaveSingleStep();
}
