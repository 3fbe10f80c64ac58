/** Decimal adjustments, exhaustively; multiplications and divisions. */
import { FLAG_AF, FLAG_CF } from "../../../../emulator/cpu/state-layout.ts";
import { type Form, isByteForm } from "./form.ts";
import { appendImmediate, appendMemoryOperand, draftFor, operandBytes } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import { undefinedFlags } from "./undefined-flags.ts";
import type { Vector } from "./vectors.ts";

const EAX = 0;
const EDX = 2;

const ADJUSTMENTS: ReadonlySet<number> = new Set([0x27, 0x2f, 0x37, 0x3f]);
const AAM = 0xd4;
const AAD = 0xd5;

export function decimalVectors(form: Form, random: Random): Vector[] | null {
  const { opcode } = form;
  if (!ADJUSTMENTS.has(opcode) && opcode !== AAM && opcode !== AAD) return null;
  // The operand size does not matter: with the other one, a few will do.
  const step = form.operandSize === 32 ? 1 : 37;
  const vectors: Vector[] = [];
  for (let n = 0; n < 256 * 4; n += step) {
    const draft = draftFor(form, random);
    draft.setLow(EAX, (random.bits() & 0xff00) | (n & 0xff), 16);
    draft.undefinedFlags = undefinedFlags(opcode, -1);
    draft.eflags &= ~(FLAG_AF | FLAG_CF);
    if (n & 0x100) draft.eflags |= FLAG_AF;
    if (n & 0x200) draft.eflags |= FLAG_CF;
    draft.opcode(opcode);
    if (!ADJUSTMENTS.has(opcode))
      draft.byte(n < 0x200 ? 10 : random.pick([0, 1, 2, 8, 16, 0x7f, 0x80, 0xff, random.below(256)]));
    vectors.push(draft.finish());
  }
  return vectors;
}

const IMUL: ReadonlySet<number> = new Set([0x69, 0x6b, 0x0faf]);
const MUL_GROUP: ReadonlySet<number> = new Set([0xf6, 0xf7]);
const DIV = 6;
const IDIV = 7;

/**
 * Puts a dividend into the accumulator: a quotient times the divisor and a remainder, so that most quotients fit and
 * some are one off.
 */
function fitDividend(registers: number[], random: Random, divisor: number, bits: 8 | 16 | 32, signed: boolean): void {
  const modulus = 1n << BigInt(bits);
  const wrap = (value: bigint) => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
  const d = wrap(BigInt(divisor));
  if (d === 0n) return;
  const limit = signed ? modulus / 2n : modulus;
  const quotient = random.pick([
    wrap(BigInt(random.value())),
    limit - 1n,
    limit,
    signed ? -limit : 0n,
    signed ? -limit - 1n : 1n,
  ]);
  const magnitude = d < 0n ? -d : d;
  let dividend = quotient * d;
  const remainder = random.oneIn(3) ? magnitude - 1n : BigInt(random.bits() >>> 0) % magnitude;
  dividend += dividend < 0n ? -remainder : remainder;
  const low = Number(BigInt.asUintN(bits, dividend));
  const high = Number(BigInt.asUintN(bits, dividend >> BigInt(bits)));
  if (bits === 8) registers[EAX] = (registers[EAX] & -0x10000) | (high << 8) | low;
  else if (bits === 16) {
    registers[EAX] = (registers[EAX] & -0x10000) | low;
    registers[EDX] = (registers[EDX] & -0x10000) | high;
  } else {
    registers[EAX] = low | 0;
    registers[EDX] = high | 0;
  }
}

function one(form: Form, random: Random): Vector {
  const draft = draftFor(form, random);
  const bits = isByteForm(form) ? 8 : form.operandSize;
  const reg = form.group >= 0 ? form.group : random.below(8);
  const divides = MUL_GROUP.has(form.opcode) && (form.group === DIV || form.group === IDIV);
  draft.undefinedFlags = undefinedFlags(form.opcode, form.group);
  const fits = divides && !random.oneIn(4);
  if (form.isMemory) {
    const divisor = random.value();
    if (fits) fitDividend(draft.registers, random, divisor, bits, form.group === IDIV);
    if (divides) draft.fix(EAX).fix(EDX);
    draft.patchOperand(appendMemoryOperand(draft, form, reg, operandBytes(form)), divisor);
  } else {
    // Not the accumulator's registers: those are the dividend.
    const rm = fits ? random.pick([1, 3, 5, 6, 7]) : random.below(8);
    // In byte forms 5 to 7 are CH, DH and BH.
    const divisor = bits === 8 && rm > 3 ? draft.registers[rm - 4] >> 8 : draft.registers[rm];
    if (fits) fitDividend(draft.registers, random, divisor, bits, form.group === IDIV);
    draft.opcode(form.opcode).modrmRegister(reg, rm);
  }
  appendImmediate(draft, form, random.value());
  return draft.finish();
}

/** After a division error nothing has changed, flags included. */
export function multiplyDivideVectors(form: Form, random: Random): Vector[] | null {
  if (!IMUL.has(form.opcode) && !(MUL_GROUP.has(form.opcode) && form.group >= 4)) return null;
  const count = isByteForm(form) && form.operandSize === 16 ? 24 : 120;
  return Array.from({ length: count }, () => one(form, random));
}
