import type { Core } from "./core.ts";
import { TYPE_32 } from "./descriptors.ts";
import { iopl } from "./flag-instructions.ts";
import { TR, VECTOR_GP } from "./state-layout.ts";
import { TSS32_IO_MAP } from "./tss.ts";

/**
 * Raises #GP(0) unless the running code may access `size` bytes (1, 2, 4) of ports from `port` on: always in real mode
 * and while CPL <= IOPL outside virtual-8086 mode; else when the bits of all the ports are clear in the I/O permission
 * bitmap of a 386 TSS (SDM vol. 1, 19.5.2).
 */
export function checkIoPermission(cpu: Core, port: number, size: number): void {
  if (!cpu.v86 && cpu.cpl <= iopl(cpu)) return;
  const limit = cpu.segLimit(TR) >>> 0;
  if (!cpu.segValid(TR) || (cpu.segAccess(TR) & TYPE_32) === 0 || limit < TSS32_IO_MAP + 1) cpu.raise(VECTOR_GP, 0);
  const base = cpu.segBase(TR);
  const offset = cpu.systemRead16(base + TSS32_IO_MAP) + (port >>> 3);
  // Two bytes are read whatever the size, so that an access may straddle bytes; both must lie within the limit.
  if (offset + 1 > limit) cpu.raise(VECTOR_GP, 0);
  const bits = cpu.systemRead16(base + offset) >>> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0) cpu.raise(VECTOR_GP, 0);
}
