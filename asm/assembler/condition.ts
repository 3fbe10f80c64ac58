/** The condition of `#if`: a constant expression of C in 64 bits, signed or unsigned (ISO C99 6.6, 6.10.1). */
import { BINARY_OPERATORS } from "../c-operators.ts";
import type { Cursor } from "./cursor.ts";

interface Value {
  /** As its type has it: from -2^63, or from 0. */
  readonly number: bigint;
  readonly isUnsigned: boolean;
}

/** What an operator must not be followed by: the beginning of another one. */
const LONGER: Readonly<Record<string, RegExp>> = { "|": /^\|/, "&": /^&/, "<": /^</, ">": /^>/ };
const CONSTANT = /(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uU]?(?:ll|LL|[lL])?|(?:ll|LL|[lL])[uU])(?![\w.])/y;
const MAX_DEPTH = 200;

const truth = (condition: boolean): Value => ({ number: condition ? 1n : 0n, isUnsigned: false });

function typed(number: bigint, isUnsigned: boolean): Value {
  return { number: isUnsigned ? BigInt.asUintN(64, number) : BigInt.asIntN(64, number), isUnsigned };
}

/** What the names in a condition mean. */
export interface ConditionNames {
  isDefined(name: string): boolean;
  /** The number that a name which is no macro stands for. */
  valueOf(name: string): number;
}

/**
 * Whether the condition at the cursor, its macros replaced, is true. It is read to its end.
 * @throws StatementError if it is no constant expression
 */
export function evaluateCondition(cursor: Cursor, names: ConditionNames): boolean {
  const value = new Condition(cursor, names).ternary(true);
  cursor.expectEnd();
  return value.number !== 0n;
}

class Condition {
  private depth = 0;

  constructor(
    private readonly cursor: Cursor,
    private readonly names: ConditionNames,
  ) {}

  /** `isLive`: the value counts; elsewhere a division by zero is no error. */
  ternary(isLive: boolean): Value {
    const { cursor } = this;
    if (++this.depth > MAX_DEPTH) throw cursor.error(`the condition is nested more than ${MAX_DEPTH} deep`);
    const condition = this.binary(0, isLive);
    let result = condition;
    if (cursor.take("?")) {
      const isTrue = condition.number !== 0n;
      const first = this.ternary(isLive && isTrue);
      cursor.expect(":", "between the two values of '?'");
      const second = this.ternary(isLive && !isTrue);
      result = typed((isTrue ? first : second).number, first.isUnsigned || second.isUnsigned);
    }
    this.depth--;
    return result;
  }

  private binary(level: number, isLive: boolean): Value {
    if (level === BINARY_OPERATORS.length) return this.unary(isLive);
    const { cursor } = this;
    let left = this.binary(level + 1, isLive);
    for (;;) {
      const operator = this.takeOperator(BINARY_OPERATORS[level]);
      if (operator === undefined) return left;
      const at = cursor.at - operator.length;
      const isDecided = (operator === "&&" && left.number === 0n) || (operator === "||" && left.number !== 0n);
      const right = this.binary(level + 1, isLive && !isDecided);
      if ((operator === "/" || operator === "%") && right.number === 0n) {
        if (isLive) throw cursor.error("division by zero", at);
        left = truth(false);
      } else {
        left = apply(operator, left, right);
      }
    }
  }

  private takeOperator(operators: readonly string[]): string | undefined {
    const { cursor } = this;
    cursor.skipSpace();
    const found = operators.find(
      (operator) =>
        cursor.text.startsWith(operator, cursor.at) &&
        LONGER[operator]?.test(cursor.text.charAt(cursor.at + operator.length)) !== true,
    );
    if (found !== undefined) cursor.at += found.length;
    return found;
  }

  private unary(isLive: boolean): Value {
    const { cursor } = this;
    const operator = cursor.peek();
    if (operator !== "-" && operator !== "+" && operator !== "!" && operator !== "~") return this.primary(isLive);
    if (++this.depth > MAX_DEPTH) throw cursor.error(`the condition is nested more than ${MAX_DEPTH} deep`);
    cursor.at++;
    const operand = this.unary(isLive);
    this.depth--;
    if (operator === "!") return truth(operand.number === 0n);
    if (operator === "+") return operand;
    return typed(operator === "-" ? -operand.number : ~operand.number, operand.isUnsigned);
  }

  private primary(isLive: boolean): Value {
    const { cursor, names } = this;
    if (cursor.take("(")) {
      const inner = this.ternary(isLive);
      cursor.expect(")", "to close the parenthesis");
      return inner;
    }
    if (cursor.nextIsDigit()) return this.constant();
    if (cursor.peek() === "'") return typed(BigInt(cursor.takeCharacter()), false);
    const name = cursor.takeName();
    if (name === "") throw cursor.error(`expected an expression, found ${cursor.describeNext()}`);
    if (name !== "defined") return typed(BigInt(names.valueOf(name)), false);
    const isEnclosed = cursor.take("(");
    const operand = cursor.takeName();
    if (operand === "") throw cursor.error(`expected a name after 'defined', found ${cursor.describeNext()}`);
    if (isEnclosed) cursor.expect(")", "after the name");
    return truth(names.isDefined(operand));
  }

  private constant(): Value {
    const { cursor } = this;
    CONSTANT.lastIndex = cursor.at;
    const match = CONSTANT.exec(cursor.text);
    if (match === null)
      throw cursor.error(`expected an integer such as 10, 0x1f, 017 or 10UL, found ${cursor.describeNext()}`);
    const [whole, digits, suffix] = match;
    const isOctal = /^0[0-9]/.test(digits);
    if (isOctal && /[89]/.test(digits)) {
      throw cursor.error(`'${digits}' is octal because of its leading 0, and has no digits 8 and 9`);
    }
    const number = BigInt(isOctal ? `0o${digits}` : digits);
    if (number >= 1n << 64n) throw cursor.error(`${digits} does not fit in 64 bits`);
    cursor.at += whole.length;
    return typed(number, /u/i.test(suffix) || number >= 1n << 63n);
  }
}

function apply(operator: string, left: Value, right: Value): Value {
  const isUnsigned = left.isUnsigned || right.isUnsigned;
  const a = typed(left.number, isUnsigned).number;
  const b = typed(right.number, isUnsigned).number;
  switch (operator) {
    case "||":
      return truth(a !== 0n || b !== 0n);
    case "&&":
      return truth(a !== 0n && b !== 0n);
    case "|":
      return typed(a | b, isUnsigned);
    case "^":
      return typed(a ^ b, isUnsigned);
    case "&":
      return typed(a & b, isUnsigned);
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<":
      return truth(a < b);
    case "<=":
      return truth(a <= b);
    case ">":
      return truth(a > b);
    case ">=":
      return truth(a >= b);
    case "<<":
      return shift(left, right.number);
    case ">>":
      return shift(left, -right.number);
    case "+":
      return typed(a + b, isUnsigned);
    case "-":
      return typed(a - b, isUnsigned);
    case "*":
      return typed(a * b, isUnsigned);
    case "/":
      return typed(a / b, isUnsigned);
    default:
      return typed(a % b, isUnsigned);
  }
}

/** To the left, or by a negative count to the right; by 64 and more, nothing but the sign is left. */
function shift({ number, isUnsigned }: Value, count: bigint): Value {
  if (count > 63n) return typed(0n, isUnsigned);
  return typed(count >= 0n ? number << count : number >> (count < -63n ? 63n : -count), isUnsigned);
}
