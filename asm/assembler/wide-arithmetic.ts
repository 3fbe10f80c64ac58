/** 64-bit constants: GNU as computes in 64 bits also when it assembles for the i386. */
import Long from "long";
import type { BinaryOperator, Expression, UnaryOperator } from "../expression.ts";

type NumberExpression = Extract<Expression, { kind: "number" }>;

/** A constant as an expression. `wide` is a value already at hand that equals it modulo 2^64. */
export function numberExpression(value: Long, wide: Long = value): NumberExpression {
  const rounded = wide.toNumber();
  return Number.isSafeInteger(rounded)
    ? { kind: "number", value: rounded }
    : { kind: "number", value: rounded, wide: value };
}

/** The signed 64-bit value of a number node. */
export function longOf(expression: NumberExpression): Long {
  return expression.wide ?? Long.fromNumber(expression.value);
}

const truth = (condition: boolean): Long => (condition ? Long.NEG_ONE : Long.ZERO);
const flag = (condition: boolean): Long => (condition ? Long.ONE : Long.ZERO);

/** Shifts of 64 and more leave nothing, as in GNU as (they would wrap around in Long). */
function shift(a: Long, count: Long, left: boolean): Long {
  if (count.isNegative() || count.greaterThan(63)) return Long.ZERO;
  return left ? a.shiftLeft(count.toInt()) : a.shiftRightUnsigned(count.toInt());
}

const BINARY: Readonly<Record<BinaryOperator, (a: Long, b: Long) => Long | undefined>> = {
  "+": (a, b) => a.add(b),
  "-": (a, b) => a.subtract(b),
  "*": (a, b) => a.multiply(b),
  "/": (a, b) => (b.isZero() ? undefined : a.divide(b)),
  "%": (a, b) => (b.isZero() ? undefined : a.modulo(b)),
  "<<": (a, b) => shift(a, b, true),
  ">>": (a, b) => shift(a, b, false),
  "&": (a, b) => a.and(b),
  "|": (a, b) => a.or(b),
  "^": (a, b) => a.xor(b),
  "!": (a, b) => a.or(b.not()),
  "==": (a, b) => truth(a.equals(b)),
  "!=": (a, b) => truth(a.notEquals(b)),
  "<": (a, b) => truth(a.lessThan(b)),
  "<=": (a, b) => truth(a.lessThanOrEqual(b)),
  ">": (a, b) => truth(a.greaterThan(b)),
  ">=": (a, b) => truth(a.greaterThanOrEqual(b)),
  "&&": (a, b) => flag(!a.isZero() && !b.isZero()),
  "||": (a, b) => flag(!a.isZero() || !b.isZero()),
};

/** The value of `a operator b`, undefined for a division by zero (GNU as manual, "Infix Operators"). */
export function applyBinary(operator: BinaryOperator, a: Long, b: Long): Long | undefined {
  return BINARY[operator](a, b);
}

/** The value of `operator a` (GNU as manual, "Prefix Operators"). */
export function applyUnary(operator: UnaryOperator, a: Long): Long {
  switch (operator) {
    case "-":
      return a.negate();
    case "~":
      return a.not();
    case "!":
      return flag(a.isZero());
    case "+":
      return a;
  }
}
