/** How FLAG_AUX follows from flags as flags.ts describes them: one function, for compiled code and for the way out of it. */
import { AUX_CARRIES } from "../flags.ts";
import { Kind } from "./flags.ts";
import * as wasm from "./wasm.ts";
import { I32 } from "./wasm.ts";

/** Pushes the bits that a + b = sum carries out of. All three are locals. */
export function carryVector(code: wasm.Code, a: number, b: number, sum: number): void {
  code.get(a);
  code.get(b);
  code.op(wasm.I32_AND);
  code.get(a);
  code.get(b);
  code.op(wasm.I32_OR);
  code.get(sum);
  code.constant(-1);
  code.op(wasm.I32_XOR);
  code.op(wasm.I32_AND);
  code.op(wasm.I32_OR);
}

/** The function that AUX_FUNCTION is: its body. Parameters: kind, result, first, second. */
export function auxFunction(code: wasm.Code): void {
  const [kind, result, first, second] = [0, 1, 2, 3];
  const cf = code.local(I32);
  const carries = code.local(I32);
  const other = code.local(I32);
  const constant = (operator: number, value: number) => {
    code.constant(value);
    code.op(operator);
  };
  const is = (...kinds: Kind[]) => {
    kinds.forEach((k, i) => {
      code.get(kind);
      constant(wasm.I32_EQ, k);
      if (i > 0) code.op(wasm.I32_OR);
    });
  };
  const answer = () => code.return();
  const when = (kinds: Kind[], body: () => void) => {
    is(...kinds);
    code.if();
    body();
    answer();
    code.end();
  };
  const carriesOf = (a: number, b: number, sum: number) => {
    carryVector(code, a, b, sum);
    code.set(carries);
  };
  const auxOfCarries = (wide: Kind, middle: Kind) => {
    code.get(carries);
    constant(wasm.I32_AND, AUX_CARRIES);
    for (const shift of [16, 24]) {
      code.get(carries);
      constant(wasm.I32_SHL, shift);
      code.get(carries);
      constant(wasm.I32_AND, 8);
      code.op(wasm.I32_OR);
    }
    is(middle);
    code.op(wasm.SELECT);
    is(wide);
    code.op(wasm.SELECT);
  };

  when([Kind.RAW], () => code.get(second));
  code.get(first);
  code.get(second);
  code.op(wasm.I32_LT_U);
  constant(wasm.I32_SHL, 31);
  code.set(cf);
  when([Kind.LOGIC, Kind.PRODUCT], () => code.get(cf));
  when([Kind.SUB32, Kind.SUB16, Kind.SUB8], () => {
    carriesOf(result, second, first);
    auxOfCarries(Kind.SUB32, Kind.SUB16);
  });
  when([Kind.ADD32, Kind.ADD16, Kind.ADD8], () => {
    code.get(result);
    code.get(second);
    code.op(wasm.I32_SUB);
    code.set(other);
    carriesOf(second, other, result);
    auxOfCarries(Kind.ADD32, Kind.ADD16);
  });
  when([Kind.SHL32], () => {
    code.get(result);
    constant(wasm.I32_SHR_U, 31);
    constant(wasm.I32_SHL, 30);
    code.get(cf);
    code.op(wasm.I32_OR);
  });
  when([Kind.SHIFT_RIGHT, Kind.SHR32_BY_1], () => {
    code.get(cf);
    code.get(cf);
    constant(wasm.I32_SHR_U, 1);
    code.get(result);
    constant(wasm.I32_AND, 1 << 30);
    code.constant(0);
    is(Kind.SHR32_BY_1);
    code.op(wasm.SELECT);
    code.op(wasm.I32_XOR);
    code.op(wasm.I32_OR);
  });
  // INC and DEC: bits that carry or borrow are where the result and the operand differ in one way.
  code.get(result);
  constant(wasm.I32_SUB, 1);
  code.get(result);
  constant(wasm.I32_XOR, -1);
  code.op(wasm.I32_AND);
  code.get(result);
  constant(wasm.I32_ADD, 1);
  constant(wasm.I32_XOR, -1);
  code.get(result);
  code.op(wasm.I32_AND);
  is(Kind.INC32, Kind.INC16, Kind.INC8);
  code.op(wasm.SELECT);
  code.set(carries);
  is(Kind.INC32, Kind.DEC32);
  code.if(I32);
  code.get(carries);
  constant(wasm.I32_AND, AUX_CARRIES);
  code.else();
  code.get(carries);
  constant(wasm.I32_SHL, 16);
  code.get(carries);
  constant(wasm.I32_SHL, 24);
  is(Kind.INC16, Kind.DEC16);
  code.op(wasm.SELECT);
  code.get(carries);
  constant(wasm.I32_AND, 8);
  code.op(wasm.I32_OR);
  code.end();
  code.tee(carries);
  // CF is kept, and CF XOR OF flips with it.
  code.get(cf);
  code.op(wasm.I32_XOR);
  constant(wasm.I32_AND, 1 << 31);
  code.set(other);
  code.get(carries);
  code.get(other);
  code.op(wasm.I32_XOR);
  code.get(other);
  constant(wasm.I32_SHR_U, 1);
  code.op(wasm.I32_XOR);
}
