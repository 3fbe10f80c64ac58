/** C's arithmetic on types of an ILP32 machine (C11, 6.3.1 and 6.5). */
import { type CType, plainType } from "../../../asm/dwarf/reader/index.ts";
import { DOUBLE, INT, LONG, UNSIGNED, UNSIGNED_LONG } from "./types.ts";
import { isSigned, type Scalar, wrap } from "./value.ts";

export const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", ">", "<=", ">="]);
const SHIFTS: ReadonlySet<string> = new Set(["<<", ">>"]);

/** The type that an operand has in arithmetic: int at least. Pointers count as unsigned. */
export function promoted(type: CType): CType {
  const plain = plainType(type);
  if (plain.kind === "float") return DOUBLE;
  if (plain.kind !== "integer" && plain.kind !== "enum") return UNSIGNED;
  if (plain.size === 8) return isSigned(plain) ? LONG : UNSIGNED_LONG;
  return plain.size < 4 || isSigned(plain) ? INT : UNSIGNED;
}

function common(a: CType, b: CType): CType {
  for (const type of [DOUBLE, UNSIGNED_LONG, LONG, UNSIGNED]) if (a === type || b === type) return type;
  return INT;
}

/** What a binary operator comes to; undefined for a division by zero, null for an operator that floats do not have. */
export function calculate(
  operator: string,
  a: Scalar,
  first: CType,
  b: Scalar,
  second: CType,
): { readonly type: CType; readonly scalar: Scalar } | undefined | null {
  const left = promoted(first);
  const right = promoted(second);
  const type = SHIFTS.has(operator) ? left : common(left, right);
  const x = wrap(a, type);
  const y = SHIFTS.has(operator) ? b : wrap(b, type);
  if (COMPARISONS.has(operator)) return { type: INT, scalar: compare(operator, x, y) ? 1 : 0 };
  const scalar =
    type === DOUBLE
      ? ofFloats(operator, Number(x), Number(y))
      : type.size === 8
        ? wide(operator, BigInt(x), BigInt(y))
        : narrow(operator, Number(x), Number(y), type === INT);
  return scalar === undefined || scalar === null ? scalar : { type, scalar: wrap(scalar, type) };
}

function compare(operator: string, a: Scalar, b: Scalar): boolean {
  switch (operator) {
    case "==":
      // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint may be equal
      return a == b;
    case "!=":
      // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint may be equal
      return a != b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    default:
      return a >= b;
  }
}

function ofFloats(operator: string, a: number, b: number): number | null {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    default:
      return null;
  }
}

function narrow(operator: string, a: number, b: number, signed: boolean): number | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return Math.imul(a, b);
    case "/":
      return b === 0 ? undefined : Math.trunc(a / b);
    case "%":
      return b === 0 ? undefined : a % b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "<<":
      return a << b;
    default:
      return signed ? a >> b : a >>> b;
  }
}

function wide(operator: string, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? undefined : a / b;
    case "%":
      return b === 0n ? undefined : a % b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "<<":
      return a << (b & 63n);
    default:
      return a >> (b & 63n);
  }
}
