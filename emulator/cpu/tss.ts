import type { Core } from "./core.ts";
import { TYPE_32 } from "./descriptors.ts";
import { TR, VECTOR_TS } from "./state-layout.ts";

/**
 * Task state segments (Intel SDM vol. 3, figures 7-2 and 7-10): where the fields of the two formats lie, and the
 * stacks of the inner levels. All numbers are byte offsets.
 */
export interface TssLayout {
  /** Bytes of a general register or pointer field: 2 or 4. Selector fields lie as far apart. */
  readonly slot: 2 | 4;
  /** Smallest limit with which a task switch may use the segment. */
  readonly minimumLimit: number;
  readonly stacks: number;
  readonly eip: number;
  readonly eflags: number;
  /** EAX, followed by the other seven general registers in the order of their encoding. */
  readonly registers: number;
  /** ES, followed by CS, SS, DS and in a 386 TSS FS and GS. */
  readonly segments: number;
  readonly segmentCount: 4 | 6;
  readonly ldt: number;
}

const TSS16: TssLayout = {
  slot: 2,
  minimumLimit: 0x2b,
  stacks: 2,
  eip: 0x0e,
  eflags: 0x10,
  registers: 0x12,
  segments: 0x22,
  segmentCount: 4,
  ldt: 0x2a,
};

const TSS32: TssLayout = {
  slot: 4,
  minimumLimit: 0x67,
  stacks: 4,
  eip: 0x20,
  eflags: 0x24,
  registers: 0x28,
  segments: 0x48,
  segmentCount: 6,
  ldt: 0x60,
};

/** ESP0 of a 386 TSS; SS0 follows it. */
export const TSS32_STACKS = TSS32.stacks;

/** Fields that a 386 TSS alone has. */
export const TSS32_CR3 = 0x1c;
/** Bit 0: raise #DB when this task is switched to. */
export const TSS32_TRAP = 0x64;
/** Offset of the I/O permission bitmap, 16 bits. */
export const TSS32_IO_MAP = 0x66;

/** The layout of a TSS with this access. */
export function tssLayout(access: number): TssLayout {
  return (access & TYPE_32) !== 0 ? TSS32 : TSS16;
}

/** SS of privilege level 0, 1 or 2 in the current TSS; raises #TS with the TSS's selector when it lies beyond the limit. */
export function innerStackSelector(cpu: Core, level: number): number {
  const layout = tssLayout(cpu.segAccess(TR));
  const offset = layout.stacks + level * 2 * layout.slot + layout.slot;
  if (!cpu.segValid(TR) || offset + 1 > cpu.segLimit(TR) >>> 0) cpu.raise(VECTOR_TS, cpu.segSelector(TR) & 0xfffc);
  return cpu.systemRead16(cpu.segBase(TR) + offset);
}

/** ESP of privilege level 0, 1 or 2 in the current TSS; `innerStackSelector` comes first and checks the limit. */
export function innerStackPointer(cpu: Core, level: number): number {
  const layout = tssLayout(cpu.segAccess(TR));
  const linear = cpu.segBase(TR) + layout.stacks + level * 2 * layout.slot;
  return layout.slot === 4 ? cpu.systemRead32(linear) : cpu.systemRead16(linear);
}
