/** The two-byte opcodes 0F xx (Intel SDM 2D, table A-3), by second byte. What is not listed is an undefined opcode. */
import * as atomic from "./atomic.ts";
import * as bit from "./bit.ts";
import * as branch from "./branch.ts";
import { clts, lmsw, mov_from_cr, mov_to_cr, smsw } from "./control-registers.ts";
import { cpuid } from "./cpuid.ts";
import { mov_from_dr, mov_to_dr } from "./debug-registers.ts";
import { lar, lldt, lsl, ltr, sldt, str, verr, verw } from "./descriptor-instructions.ts";
import { hostcall } from "./hostcall.ts";
import { rdmsr, wrmsr } from "./model-specific-registers.ts";
import * as move from "./move.ts";
import { IMUL_REG16, IMUL_REG32 } from "./muldiv.ts";
import {
  byCl,
  ENDS,
  fixed,
  fromImmediate,
  fromRegister,
  inOpcode,
  memoryOnly,
  modrm,
  type Opcode,
  type OpcodeEntry,
  registerOnly,
  unary,
} from "./opcode.ts";
import { lfs, lgs, lss, pop_sreg, push_sreg } from "./segment-instructions.ts";
import { SHLD16, SHLD32, SHRD16, SHRD32 } from "./shift-forms.ts";
import { FS, GS } from "./state-layout.ts";
import { invd, invlpg, lgdt, lidt, rdtsc, sgdt, sidt, sysenter, sysexit, wbinvd } from "./system-instructions.ts";
import { undefined_opcode, unimplemented } from "./undefined.ts";

const LOCKABLE = { lockable: true };

/** BT only reads, so it alone cannot be locked. */
function bitGroup(n: number): { lockable: boolean } {
  return { lockable: n !== 0 };
}

const ABSENT: Opcode = modrm(unimplemented, ENDS);

/** LFENCE, MFENCE, SFENCE: what they order, store-order.ts sees to. With memory operands these are others. */
const FENCE: Opcode = { ...ABSENT, register16: move.nop, register32: move.nop };

/** By second byte. */
const ENTRIES: [number, OpcodeEntry][] = [
  [0x00, { group: [sldt, str, lldt, ltr, verr, verw].map((handler) => modrm(handler)) }],
  [
    0x01,
    {
      group: [
        memoryOnly(sgdt),
        memoryOnly(sidt),
        memoryOnly(lgdt),
        memoryOnly(lidt),
        modrm(smsw),
        undefined,
        modrm(lmsw, ENDS),
        memoryOnly(invlpg, invlpg, ENDS),
      ],
    },
  ],
  [0x02, modrm(lar)],
  [0x03, modrm(lsl)],
  [0x06, fixed(clts, clts, ENDS)],
  [0x08, fixed(invd)],
  [0x09, fixed(wbinvd)],
  [0x0b, fixed(undefined_opcode, undefined_opcode, ENDS)],
  [0x0d, modrm(move.nop)],
  [0x20, registerOnly(mov_from_cr)],
  [0x21, registerOnly(mov_from_dr)],
  [0x22, registerOnly(mov_to_cr, ENDS)],
  [0x23, registerOnly(mov_to_dr, ENDS)],
  [0x30, fixed(wrmsr, wrmsr, ENDS)],
  [0x31, fixed(rdtsc, rdtsc, ENDS)],
  [0x32, fixed(rdmsr, rdmsr, ENDS)],
  [0x34, fixed(sysenter, sysenter, ENDS)],
  [0x35, fixed(sysexit, sysexit, ENDS)],
  [0x3f, fixed(hostcall, hostcall, { immediate: "u16" })],
  [0x77, fixed(unimplemented, unimplemented, ENDS)],
  [0xa0, fixed(push_sreg, push_sreg, { reg: FS })],
  [0xa1, fixed(pop_sreg, pop_sreg, { reg: FS, endsBlock: true })],
  [0xa2, fixed(cpuid)],
  [0xa3, fromRegister(bit.BT16, bit.BT32)],
  [0xa4, fromImmediate(SHLD16, SHLD32, "u8")],
  [0xa5, byCl(SHLD16, SHLD32)],
  [0xa8, fixed(push_sreg, push_sreg, { reg: GS })],
  [0xa9, fixed(pop_sreg, pop_sreg, { reg: GS, endsBlock: true })],
  [0xaa, fixed(unimplemented, unimplemented, ENDS)],
  [0xab, fromRegister(bit.BTS16, bit.BTS32, LOCKABLE)],
  [0xac, fromImmediate(SHRD16, SHRD32, "u8")],
  [0xad, byCl(SHRD16, SHRD32)],
  [0xae, { group: [...new Array<Opcode>(5).fill(ABSENT), FENCE, FENCE, FENCE] }],
  [0xaf, unary(IMUL_REG16, IMUL_REG32)],
  [0xb0, unary(atomic.CMPXCHG8, atomic.CMPXCHG8, LOCKABLE)],
  [0xb1, unary(atomic.CMPXCHG16, atomic.CMPXCHG32, LOCKABLE)],
  [0xb2, memoryOnly(lss, lss, ENDS)],
  [0xb3, fromRegister(bit.BTR16, bit.BTR32, LOCKABLE)],
  [0xb4, memoryOnly(lfs, lfs, ENDS)],
  [0xb5, memoryOnly(lgs, lgs, ENDS)],
  [0xb6, unary(move.MOVZX8_16, move.MOVZX8_32)],
  [0xb7, unary(move.MOVZX16_16, move.MOVZX16_32)],
  [0xb9, modrm(undefined_opcode, ENDS)],
  [
    0xba,
    {
      group: [
        ...new Array<undefined>(4).fill(undefined),
        ...bit.BIT_GROUP32.map((forms32, n) => fromImmediate(bit.BIT_GROUP16[n], forms32, "u8", bitGroup(n))),
      ],
    },
  ],
  [0xbb, fromRegister(bit.BTC16, bit.BTC32, LOCKABLE)],
  [0xbc, unary(bit.BSF16, bit.BSF32)],
  [0xbd, unary(bit.BSR16, bit.BSR32)],
  [0xbe, unary(move.MOVSX8_16, move.MOVSX8_32)],
  [0xbf, unary(move.MOVSX16_16, move.MOVSX16_32)],
  [0xc0, unary(atomic.XADD8, atomic.XADD8, LOCKABLE)],
  [0xc1, unary(atomic.XADD16, atomic.XADD32, LOCKABLE)],
  [0xc7, { group: [undefined, memoryOnly(atomic.cmpxchg8b, atomic.cmpxchg8b, LOCKABLE)] }],
];

/** MMX and SSE, with the ModRM byte all of these have. */
const ABSENT_RANGES: readonly [first: number, last: number][] = [
  [0x10, 0x17],
  [0x28, 0x2f],
  [0x50, 0x76],
  [0x7e, 0x7f],
  [0xc2, 0xc6],
  [0xd1, 0xfe],
];

function buildMap(): readonly OpcodeEntry[] {
  const map = new Array<OpcodeEntry>(256).fill(undefined);
  for (const [first, last] of ABSENT_RANGES) map.fill(ABSENT, first, last + 1);
  // Hints: long NOP and prefetch.
  map.fill(modrm(move.nop), 0x18, 0x20);
  for (const [opcode, entry] of ENTRIES) map[opcode] = entry;
  for (let code = 0; code < 16; code++) {
    map[0x40 + code] = unary(bit.CMOVCC16, bit.CMOVCC32);
    map[0x80 + code] = fixed(branch.JCC16[code], branch.JCC32[code], { immediate: "iz", endsBlock: true });
    map[0x90 + code] = unary(bit.SETCC);
  }
  for (let register = 0; register < 8; register++) map[0xc8 + register] = inOpcode(bit.bswap16, bit.bswap32);
  return map;
}

export const OPCODE_MAP_0F: readonly OpcodeEntry[] = buildMap();
