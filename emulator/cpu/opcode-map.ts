/** The one-byte opcodes (Intel SDM 2D, table A-2), by first byte. Prefixes and 0F are the decoder's. */
import { BINARY8, DEC8, INC8, NEG8, NOT8, TEST8 } from "./alu8.ts";
import { BINARY16, DEC16, INC16, NEG16, NOT16, TEST16 } from "./alu16.ts";
import { BINARY32, DEC32, INC32, NEG32, NOT32, TEST32 } from "./alu32.ts";
import { aaa, aad, aam, aas, daa, das } from "./bcd.ts";
import { bound16, bound32 } from "./bound.ts";
import * as branch from "./branch.ts";
import { arpl } from "./descriptor-instructions.ts";
import * as far from "./far-transfers.ts";
import { cli, popf, pushf, sti } from "./flag-instructions.ts";
import { int_imm, int1, int3, into } from "./interrupt-instructions.ts";
import * as io from "./io.ts";
import { iret } from "./iret.ts";
import * as move from "./move.ts";
import * as muldiv from "./muldiv.ts";
import {
  accumulator,
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
  type OpcodeGroup,
  toRegister,
  unary,
} from "./opcode.ts";
import { lds, les, mov_rm_sreg, mov_sreg_rm, pop_sreg, push_sreg } from "./segment-instructions.ts";
import { SHIFTS8, SHIFTS16, SHIFTS32 } from "./shift-forms.ts";
import * as stack from "./stack.ts";
import { CS, DS, ES, SS } from "./state-layout.ts";
import { clc, cld, cmc, lahf, sahf, salc, stc, std } from "./status-flags.ts";
import * as string from "./string.ts";
import { hlt, pause } from "./system-instructions.ts";
import { fwait } from "./x87/control.ts";

const LOCKABLE = { lockable: true };
const REPEATS = { repeats: true };
const CMP = 7;

/** 80 to 83: ADD OR ADC SBB AND SUB XOR CMP with an immediate. */
function immediateGroup8(): OpcodeGroup {
  return { group: BINARY8.map((forms, n) => fromImmediate(forms, forms, "i8", { lockable: n !== CMP })) };
}

function immediateGroup(immediate: "i8" | "iz"): OpcodeGroup {
  return {
    group: BINARY32.map((forms32, n) => fromImmediate(BINARY16[n], forms32, immediate, { lockable: n !== CMP })),
  };
}

function shiftGroup8(immediate: "u8" | "one" | "cl"): OpcodeGroup {
  return {
    group: SHIFTS8.map((forms) => (immediate === "cl" ? byCl(forms) : fromImmediate(forms, forms, immediate))),
  };
}

function shiftGroup(immediate: "u8" | "one" | "cl"): OpcodeGroup {
  return {
    group: SHIFTS32.map((forms32, n) =>
      immediate === "cl" ? byCl(SHIFTS16[n], forms32) : fromImmediate(SHIFTS16[n], forms32, immediate),
    ),
  };
}

/** F6, F7. */
const UNARY_GROUP8: OpcodeGroup = {
  group: [
    fromImmediate(TEST8, TEST8, "i8"),
    fromImmediate(TEST8, TEST8, "i8"),
    unary(NOT8, NOT8, LOCKABLE),
    unary(NEG8, NEG8, LOCKABLE),
    unary(muldiv.MUL8),
    unary(muldiv.IMUL8),
    unary(muldiv.DIV8),
    unary(muldiv.IDIV8),
  ],
};

const UNARY_GROUP: OpcodeGroup = {
  group: [
    fromImmediate(TEST16, TEST32, "iz"),
    fromImmediate(TEST16, TEST32, "iz"),
    unary(NOT16, NOT32, LOCKABLE),
    unary(NEG16, NEG32, LOCKABLE),
    unary(muldiv.MUL16, muldiv.MUL32),
    unary(muldiv.IMUL16, muldiv.IMUL32),
    unary(muldiv.DIV16, muldiv.DIV32),
    unary(muldiv.IDIV16, muldiv.IDIV32),
  ],
};

/** FE, FF. */
const INC_DEC_GROUP8: OpcodeGroup = { group: [unary(INC8, INC8, LOCKABLE), unary(DEC8, DEC8, LOCKABLE)] };

const INC_DEC_BRANCH_GROUP: OpcodeGroup = {
  group: [
    unary(INC16, INC32, LOCKABLE),
    unary(DEC16, DEC32, LOCKABLE),
    unary(branch.CALL16, branch.CALL32, ENDS),
    memoryOnly(far.call_far_mem, far.call_far_mem, ENDS),
    unary(branch.JMP16, branch.JMP32, ENDS),
    memoryOnly(far.jmp_far_mem, far.jmp_far_mem, ENDS),
    unary(stack.PUSH16, stack.PUSH32),
  ],
};

const MOV_IMMEDIATE8: OpcodeGroup = { group: [fromImmediate(move.MOV8, move.MOV8, "i8")] };
const MOV_IMMEDIATE: OpcodeGroup = { group: [fromImmediate(move.MOV16, move.MOV32, "iz")] };
const POP_GROUP: OpcodeGroup = { group: [unary(stack.POP16, stack.POP32)] };

const JUMP = { immediate: "i8", endsBlock: true } as const;
const JUMP_NEAR = { immediate: "iz", endsBlock: true } as const;
const JUMP_FAR = { immediate: "far", endsBlock: true } as const;
const PORT = { immediate: "u8", endsBlock: true } as const;
const PORT_STRING = { endsBlock: true, repeats: true };

function pushSegment(reg: number): Opcode {
  return fixed(push_sreg, push_sreg, { reg });
}

function popSegment(reg: number): Opcode {
  return fixed(pop_sreg, pop_sreg, { reg, endsBlock: true });
}

function eight(opcode: Opcode): Opcode[] {
  return new Array<Opcode>(8).fill(opcode);
}

/** 00 to 3F: each row of eight is one operation in six forms, then two other opcodes. */
function arithmeticRow(n: number, sixth: OpcodeEntry, seventh: OpcodeEntry): OpcodeEntry[] {
  const options = { lockable: n !== CMP };
  return [
    fromRegister(BINARY8[n], BINARY8[n], options),
    fromRegister(BINARY16[n], BINARY32[n], options),
    toRegister(BINARY8[n]),
    toRegister(BINARY16[n], BINARY32[n]),
    accumulator(BINARY8[n], BINARY8[n], "i8"),
    accumulator(BINARY16[n], BINARY32[n], "iz"),
    sixth,
    seventh,
  ];
}

/** NOP, and what it is with the prefix F3. */
export const NOP = 0x90;
export const PAUSE = fixed(pause);

export const OPCODE_MAP: readonly OpcodeEntry[] = [
  /* 00 */ ...arithmeticRow(0, pushSegment(ES), popSegment(ES)),
  /* 08 */ ...arithmeticRow(1, pushSegment(CS), undefined),
  /* 10 */ ...arithmeticRow(2, pushSegment(SS), popSegment(SS)),
  /* 18 */ ...arithmeticRow(3, pushSegment(DS), popSegment(DS)),
  /* 20 */ ...arithmeticRow(4, undefined, fixed(daa)),
  /* 28 */ ...arithmeticRow(5, undefined, fixed(das)),
  /* 30 */ ...arithmeticRow(6, undefined, fixed(aaa)),
  /* 38 */ ...arithmeticRow(7, undefined, fixed(aas)),
  /* 40 */ ...eight(inOpcode(INC16.r, INC32.r)),
  /* 48 */ ...eight(inOpcode(DEC16.r, DEC32.r)),
  /* 50 */ ...eight(inOpcode(stack.PUSH16.r, stack.PUSH32.r)),
  /* 58 */ ...eight(inOpcode(stack.POP16.r, stack.POP32.r)),
  /* 60 */ fixed(stack.pusha16, stack.pusha32),
  /* 61 */ fixed(stack.popa16, stack.popa32),
  /* 62 */ memoryOnly(bound16, bound32),
  /* 63 */ modrm(arpl),
  /* 64 to 67: prefixes */ undefined,
  undefined,
  undefined,
  undefined,
  /* 68 */ fixed(stack.push_imm16, stack.push_imm32, { immediate: "iz" }),
  /* 69 */ unary(muldiv.IMUL_IMM16, muldiv.IMUL_IMM32, { immediate: "iz" }),
  /* 6A */ fixed(stack.push_imm16, stack.push_imm32, { immediate: "i8" }),
  /* 6B */ unary(muldiv.IMUL_IMM16, muldiv.IMUL_IMM32, { immediate: "i8" }),
  /* 6C */ fixed(io.ins8, io.ins8, PORT_STRING),
  /* 6D */ fixed(io.ins16, io.ins32, PORT_STRING),
  /* 6E */ fixed(io.outs8, io.outs8, PORT_STRING),
  /* 6F */ fixed(io.outs16, io.outs32, PORT_STRING),
  /* 70 */ ...branch.JCC32.map((jcc32, code) => fixed(branch.JCC16[code], jcc32, JUMP)),
  /* 80 */ immediateGroup8(),
  /* 81 */ immediateGroup("iz"),
  /* 82 */ immediateGroup8(),
  /* 83 */ immediateGroup("i8"),
  /* 84 */ fromRegister(TEST8),
  /* 85 */ fromRegister(TEST16, TEST32),
  /* 86 */ unary(move.XCHG8, move.XCHG8, LOCKABLE),
  /* 87 */ unary(move.XCHG16, move.XCHG32, LOCKABLE),
  /* 88 */ fromRegister(move.MOV8),
  /* 89 */ fromRegister(move.MOV16, move.MOV32),
  /* 8A */ toRegister(move.MOV8),
  /* 8B */ toRegister(move.MOV16, move.MOV32),
  /* 8C */ modrm(mov_rm_sreg),
  /* 8D */ memoryOnly(move.lea16, move.lea32),
  /* 8E */ modrm(mov_sreg_rm, ENDS),
  /* 8F */ POP_GROUP,
  /* 90 */ fixed(move.nop),
  /* 91 */ ...eight(inOpcode(move.xchg_accumulator16, move.xchg_accumulator32)).slice(1),
  /* 98 */ fixed(move.cbw, move.cwde),
  /* 99 */ fixed(move.cwd, move.cdq),
  /* 9A */ fixed(far.call_far_imm, far.call_far_imm, JUMP_FAR),
  /* 9B */ fixed(fwait),
  /* 9C */ fixed(pushf),
  /* 9D */ fixed(popf, popf, ENDS),
  /* 9E */ fixed(sahf),
  /* 9F */ fixed(lahf),
  /* A0 */ fixed(move.MOV8.rm, move.MOV8.rm, { immediate: "moffs" }),
  /* A1 */ fixed(move.MOV16.rm, move.MOV32.rm, { immediate: "moffs" }),
  /* A2 */ fixed(move.MOV8.mr, move.MOV8.mr, { immediate: "moffs" }),
  /* A3 */ fixed(move.MOV16.mr, move.MOV32.mr, { immediate: "moffs" }),
  /* A4 */ fixed(string.movs8, string.movs8, REPEATS),
  /* A5 */ fixed(string.movs16, string.movs32, REPEATS),
  /* A6 */ fixed(string.cmps8, string.cmps8, REPEATS),
  /* A7 */ fixed(string.cmps16, string.cmps32, REPEATS),
  /* A8 */ accumulator(TEST8, TEST8, "i8"),
  /* A9 */ accumulator(TEST16, TEST32, "iz"),
  /* AA */ fixed(string.stos8, string.stos8, REPEATS),
  /* AB */ fixed(string.stos16, string.stos32, REPEATS),
  /* AC */ fixed(string.lods8, string.lods8, REPEATS),
  /* AD */ fixed(string.lods16, string.lods32, REPEATS),
  /* AE */ fixed(string.scas8, string.scas8, REPEATS),
  /* AF */ fixed(string.scas16, string.scas32, REPEATS),
  /* B0 */ ...eight(inOpcode(move.MOV8.ri, move.MOV8.ri, { immediate: "i8" })),
  /* B8 */ ...eight(inOpcode(move.MOV16.ri, move.MOV32.ri, { immediate: "iz" })),
  /* C0 */ shiftGroup8("u8"),
  /* C1 */ shiftGroup("u8"),
  /* C2 */ fixed(branch.ret16, branch.ret32, { immediate: "u16", endsBlock: true }),
  /* C3 */ fixed(branch.ret16, branch.ret32, ENDS),
  /* C4 */ memoryOnly(les, les, ENDS),
  /* C5 */ memoryOnly(lds, lds, ENDS),
  /* C6 */ MOV_IMMEDIATE8,
  /* C7 */ MOV_IMMEDIATE,
  /* C8 */ fixed(stack.enter16, stack.enter32, { immediate: "u16u8" }),
  /* C9 */ fixed(stack.leave16, stack.leave32),
  /* CA */ fixed(far.ret_far_imm, far.ret_far_imm, { immediate: "u16", endsBlock: true }),
  /* CB */ fixed(far.ret_far, far.ret_far, ENDS),
  /* CC */ fixed(int3, int3, ENDS),
  /* CD */ fixed(int_imm, int_imm, PORT),
  /* CE */ fixed(into, into, ENDS),
  /* CF */ fixed(iret, iret, ENDS),
  /* D0 */ shiftGroup8("one"),
  /* D1 */ shiftGroup("one"),
  /* D2 */ shiftGroup8("cl"),
  /* D3 */ shiftGroup("cl"),
  /* D4 */ fixed(aam, aam, { immediate: "u8" }),
  /* D5 */ fixed(aad, aad, { immediate: "u8" }),
  /* D6 */ fixed(salc),
  /* D7 */ fixed(move.xlat),
  /* D8 to DF: x87, see x87/opcode-map-x87.ts */ ...new Array<undefined>(8).fill(undefined),
  /* E0 */ fixed(branch.loopne, branch.loopne, JUMP),
  /* E1 */ fixed(branch.loope, branch.loope, JUMP),
  /* E2 */ fixed(branch.loop, branch.loop, JUMP),
  /* E3 */ fixed(branch.jecxz, branch.jecxz, JUMP),
  /* E4 */ fixed(io.in_imm8, io.in_imm8, PORT),
  /* E5 */ fixed(io.in_imm16, io.in_imm32, PORT),
  /* E6 */ fixed(io.out_imm8, io.out_imm8, PORT),
  /* E7 */ fixed(io.out_imm16, io.out_imm32, PORT),
  /* E8 */ fixed(branch.call_rel16, branch.call_rel32, JUMP_NEAR),
  /* E9 */ fixed(branch.jmp_rel16, branch.jmp_rel32, JUMP_NEAR),
  /* EA */ fixed(far.jmp_far_imm, far.jmp_far_imm, JUMP_FAR),
  /* EB */ fixed(branch.jmp_rel16, branch.jmp_rel32, JUMP),
  /* EC */ fixed(io.in_dx8, io.in_dx8, ENDS),
  /* ED */ fixed(io.in_dx16, io.in_dx32, ENDS),
  /* EE */ fixed(io.out_dx8, io.out_dx8, ENDS),
  /* EF */ fixed(io.out_dx16, io.out_dx32, ENDS),
  /* F0: prefix */ undefined,
  /* F1 */ fixed(int1, int1, ENDS),
  /* F2, F3: prefixes */ undefined,
  undefined,
  /* F4 */ fixed(hlt, hlt, ENDS),
  /* F5 */ fixed(cmc),
  /* F6 */ UNARY_GROUP8,
  /* F7 */ UNARY_GROUP,
  /* F8 */ fixed(clc),
  /* F9 */ fixed(stc),
  /* FA */ fixed(cli, cli, ENDS),
  /* FB */ fixed(sti, sti, ENDS),
  /* FC */ fixed(cld),
  /* FD */ fixed(std),
  /* FE */ INC_DEC_GROUP8,
  /* FF */ INC_DEC_BRANCH_GROUP,
];
