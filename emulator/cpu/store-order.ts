/**
 * Which instructions drain the store buffer (Intel SDM 3A 8.1.2, 8.2.2, 8.3):
 * LOCK and XCHG with memory, MFENCE, serializing instructions, HLT. Where there is no store buffer, nobody asks here. I/O,
 * device memory and deliveries of interrupts drain it where they are made; LFENCE and SFENCE order nothing that a FIFO of
 * stores does not.
 */
import type { Op } from "./op.ts";

/** By opcode, with a bit for each value of ModRM.reg. */
const SERIALIZING: ReadonlyMap<number, number> = new Map([
  // IRET, HLT.
  [0xcf, 0xff],
  [0xf4, 0xff],
  // LLDT, LTR; LGDT, LIDT, INVLPG.
  [0x0f00, 0x0c],
  [0x0f01, 0x8c],
  // INVD, WBINVD; MOV to CRn, DRn; WRMSR; CPUID.
  [0x0f08, 0xff],
  [0x0f09, 0xff],
  [0x0f22, 0xff],
  [0x0f23, 0xff],
  [0x0f30, 0xff],
  [0x0fa2, 0xff],
]);

const XCHG8 = 0x86;
const XCHG = 0x87;
const FENCES = 0x0fae;
const MFENCE = 6;

function drains(op: Op): boolean {
  if (op.lock || (op.isMemory && (op.opcode === XCHG8 || op.opcode === XCHG))) return true;
  if (op.opcode === FENCES) return op.reg === MFENCE && !op.isMemory;
  return ((SERIALIZING.get(op.opcode) ?? 0) & (1 << op.reg)) !== 0;
}

/**
 * Has an instruction drain the store buffer of the core that executes it, if it is one of those that do. When it is done is
 * soon enough: no other core runs meanwhile, and what it reads itself is forwarded.
 */
export function drainAfter(op: Op): void {
  if (!drains(op)) return;
  const { execute } = op;
  op.frequent = -1;
  op.execute = (cpu, self) => {
    execute(cpu, self);
    cpu.drainStores();
  };
}
