/** The x87 opcodes D8 to DF (Intel SDM 2D, tables ), as data. What is not listed is an undefined opcode. */
import type { Handler } from "../op.ts";
import type { EscapeOpcode } from "../opcode.ts";
import { unimplemented } from "../undefined.ts";
import * as arithmetic from "./arithmetic.ts";
import * as compare from "./compare.ts";
import * as control from "./control.ts";
import * as environment from "./environment.ts";
import * as data from "./load-store.ts";
import * as transcendental from "./transcendental.ts";

type Entry = Handler | null;

/** The same handler for ST(0) to ST(7). */
type RegisterRow = Entry | readonly Entry[];

function eight(entry: Entry): readonly Entry[] {
  return new Array<Entry>(8).fill(entry);
}

/**
 * @param memory handlers of the memory forms, by ModRM.reg
 * @param registers those of the register forms, by ModRM.reg: one for all values of ModRM.rm, or a list by these
 */
function escapeOpcode(memory: readonly Entry[], registers: readonly RegisterRow[]): EscapeOpcode {
  return {
    memory,
    registers: registers.flatMap((row) => (row === null || typeof row === "function" ? eight(row) : row)),
  };
}

const { arithmetic_m16i, arithmetic_m32, arithmetic_m32i, arithmetic_m64 } = arithmetic;
const { arithmetic_st0_sti, arithmetic_sti_st0, arithmetic_sti_st0_pop } = arithmetic;

/** Memory forms of the arithmetic opcodes: FADD FMUL FCOM FCOMP FSUB FSUBR FDIV FDIVR. */
function arithmeticForms(operation: Handler, comparison: Handler): readonly Handler[] {
  return [operation, operation, comparison, comparison, operation, operation, operation, operation];
}

/** FISTTP of SSE3. */
const fisttp = unimplemented;

/** Register row with a handler for one value of ModRM.rm. */
function only(rm: number, handler: Handler): readonly Entry[] {
  return eight(null).with(rm, handler);
}

const D8 = escapeOpcode(
  arithmeticForms(arithmetic_m32, compare.fcom_m32),
  arithmeticForms(arithmetic_st0_sti, compare.fcom).with(3, compare.fcomp),
);

const D9 = escapeOpcode(
  [
    data.fld_m32,
    null,
    data.fst_m32,
    data.fstp_m32,
    environment.fldenv,
    control.fldcw,
    environment.fnstenv,
    control.fnstcw,
  ],
  [
    data.fld_sti,
    data.fxch,
    only(0, control.fnop),
    data.fstpnce,
    [arithmetic.fchs, arithmetic.fabs, null, null, compare.ftst, compare.fxam, null, null],
    eight(data.fld_constant).with(7, null),
    [
      transcendental.f2xm1,
      transcendental.fyl2x,
      transcendental.fptan,
      transcendental.fpatan,
      arithmetic.fxtract,
      arithmetic.fprem1,
      control.fdecstp,
      control.fincstp,
    ],
    [
      arithmetic.fprem,
      transcendental.fyl2xp1,
      arithmetic.fsqrt,
      transcendental.fsincos,
      arithmetic.frndint,
      arithmetic.fscale,
      transcendental.fsin,
      transcendental.fcos,
    ],
  ],
);

const DA = escapeOpcode(arithmeticForms(arithmetic_m32i, compare.ficom_m32), [
  data.fcmov,
  data.fcmov,
  data.fcmov,
  data.fcmov,
  null,
  only(1, compare.fucompp),
  null,
  null,
]);

const DB = escapeOpcode(
  [data.fild_m32, fisttp, data.fist_m32, data.fistp_m32, null, data.fld_m80, null, data.fstp_m80],
  [
    data.fcmovn,
    data.fcmovn,
    data.fcmovn,
    data.fcmovn,
    [control.ignored, control.ignored, control.fnclex, control.fninit, control.ignored, null, null, null],
    compare.fucomi,
    compare.fcomi,
    null,
  ],
);

const DC = escapeOpcode(
  arithmeticForms(arithmetic_m64, compare.fcom_m64),
  arithmeticForms(arithmetic_sti_st0, compare.fcom).with(3, compare.fcomp),
);

const DD = escapeOpcode(
  [data.fld_m64, fisttp, data.fst_m64, data.fstp_m64, environment.frstor, null, environment.fnsave, control.fnstsw_m16],
  [data.ffree, data.fxch, data.fst_sti, data.fstp_sti, compare.fucom, compare.fucomp, null, null],
);

const DE = escapeOpcode(arithmeticForms(arithmetic_m16i, compare.ficom_m16), [
  arithmetic_sti_st0_pop,
  arithmetic_sti_st0_pop,
  compare.fcomp,
  only(1, compare.fcompp),
  arithmetic_sti_st0_pop,
  arithmetic_sti_st0_pop,
  arithmetic_sti_st0_pop,
  arithmetic_sti_st0_pop,
]);

const DF = escapeOpcode(
  [data.fild_m16, fisttp, data.fist_m16, data.fistp_m16, data.fbld, data.fild_m64, data.fbstp, data.fistp_m64],
  [
    data.ffreep,
    data.fxch,
    data.fstp_sti,
    data.fstp_sti,
    only(0, control.fnstsw_ax),
    compare.fucomip,
    compare.fcomip,
    null,
  ],
);

/** By the low three bits of the first byte. */
export const X87_OPCODES: readonly EscapeOpcode[] = [D8, D9, DA, DB, DC, DD, DE, DF];
