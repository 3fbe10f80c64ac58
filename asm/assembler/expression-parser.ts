/** Expressions with GNU as's operators and precedence (GNU as manual, "Expressions"). */
import Long from "long";
import {
  type BinaryOperator,
  type Expression,
  SYMBOL_OPERATORS,
  type SymbolOperator,
  type UnaryOperator,
} from "../expression.ts";
import { isNamePart } from "./characters.ts";
import type { Cursor } from "./cursor.ts";
import { applyBinary, applyUnary, longOf, numberExpression } from "./wide-arithmetic.ts";

/** What names in expressions stand for. */
export interface Names {
  /** The symbol `name`, or the value that it has at this point of the source. */
  reference(name: string, cursor: Cursor, at: number): Expression;
  /** The numeric label written as `1b` or `1f`. */
  numericLabel(label: string, forward: boolean, cursor: Cursor, at: number): Expression;
  /** The location counter. */
  here(cursor: Cursor, at: number): Expression;
}

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  "||": 1,
  "&&": 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "+": 4,
  "-": 4,
  "|": 5,
  "&": 5,
  "^": 5,
  "!": 5,
  "*": 6,
  "/": 6,
  "%": 6,
  "<<": 6,
  ">>": 6,
};

/** Deeper nesting or longer chains of unresolved symbols than this are refused: they would exhaust the host's stack. */
const MAX_DEPTH = 200;
const MAX_TERMS = 1000;

const AT_SIGN = 0x40;
const LOCAL_LABEL = /([0-9]+)([bf])(?![0-9A-Za-z_.$])/y;

export class ExpressionParser {
  private depth = 0;
  private terms = 0;

  constructor(private readonly names: Names) {}

  /** Parses the expression at the cursor and leaves the cursor after it. */
  parse(cursor: Cursor): Expression {
    this.depth = 0;
    this.terms = 0;
    const at = cursor.at;
    const whole = this.parseBinary(cursor, 1);
    if (cursor.text.charCodeAt(cursor.at) !== AT_SIGN) return whole;
    // `symbol+4@GOTOFF` means what `symbol@GOTOFF+4` does.
    const name = cursor.text.slice(at, cursor.at);
    if (whole.kind !== "binary" || whole.operator !== "+") return this.withOperator(whole, name, cursor, at);
    const { left, right } = whole;
    return left.kind === "symbol"
      ? { ...whole, left: this.withOperator(left, name, cursor, at) }
      : { ...whole, right: this.withOperator(right, name, cursor, at) };
  }

  private parseBinary(cursor: Cursor, minimum: number): Expression {
    let left = this.parseUnary(cursor);
    for (;;) {
      const at = cursor.at;
      const operator = takeOperator(cursor);
      if (operator === undefined) return left;
      const precedence = PRECEDENCE[operator];
      if (precedence < minimum) {
        cursor.at = at;
        return left;
      }
      const operatorAt = cursor.at - operator.length;
      const right = this.parseBinary(cursor, precedence + 1);
      if (left.kind === "number" && right.kind === "number") {
        const value = applyBinary(operator, longOf(left), longOf(right));
        if (value === undefined) throw cursor.error("division by zero", operatorAt);
        left = numberExpression(value);
      } else {
        if (++this.terms > MAX_TERMS) throw cursor.error(`the expression has more than ${MAX_TERMS} terms`, operatorAt);
        left = { kind: "binary", operator, left, right };
      }
    }
  }

  private parseUnary(cursor: Cursor): Expression {
    const next = cursor.peek();
    if (next === "-" || next === "~" || next === "!" || next === "+") {
      cursor.at++;
      const operand = this.nested(cursor, () => this.parseUnary(cursor));
      return unary(next, operand);
    }
    return this.parsePrimary(cursor, next);
  }

  private parsePrimary(cursor: Cursor, next: string): Expression {
    const at = cursor.at;
    if (next === "(" || next === "[") {
      cursor.at++;
      const inner = this.nested(cursor, () => this.parseBinary(cursor, 1));
      cursor.expect(next === "(" ? ")" : "]", "to close the parenthesis");
      return inner;
    }
    if (cursor.nextIsDigit()) {
      LOCAL_LABEL.lastIndex = at;
      const label = LOCAL_LABEL.exec(cursor.text);
      if (label !== null) {
        cursor.at = LOCAL_LABEL.lastIndex;
        const reference = this.names.numericLabel(label[1], label[2] === "f", cursor, at);
        return this.withOperator(reference, label[0], cursor, at);
      }
      return cursor.takeNumber();
    }
    if (next === "'") return { kind: "number", value: cursor.takeCharacter() };
    if (next === "." && !isNamePart(cursor.text.charCodeAt(at + 1))) {
      cursor.at++;
      return this.names.here(cursor, at);
    }
    const name = next === "$" ? "" : next === '"' ? cursor.expectName("a symbol") : cursor.takeName();
    if (name !== "") {
      const reference = this.names.reference(name, cursor, at);
      return this.withOperator(reference, name, cursor, at);
    }
    if (next === "%") throw cursor.error(`expected a number or symbol, found the register ${cursor.describeNext()}`);
    if (next === "$")
      throw cursor.error("expected a number or symbol; '$' marks the immediate operands of instructions");
    throw cursor.error(`expected an expression, found ${cursor.describeNext()}`);
  }

  /** Takes the `@OPERATOR` at the cursor, which may stand behind a symbol. */
  private withOperator(reference: Expression, name: string, cursor: Cursor, at: number): Expression {
    if (cursor.text.charCodeAt(cursor.at) !== AT_SIGN) return reference;
    const via = takeSymbolOperator(cursor);
    if (reference.kind !== "symbol") throw cursor.error(`'${name}' is a constant; @${via} needs a symbol`, at);
    // GNU as mentions the table with all but these.
    if (via !== "PLT" && via !== "SIZE") this.names.reference("_GLOBAL_OFFSET_TABLE_", cursor, at);
    return { ...reference, via };
  }

  private nested(cursor: Cursor, parse: () => Expression): Expression {
    if (++this.depth > MAX_DEPTH) throw cursor.error(`the expression is nested more than ${MAX_DEPTH} deep`);
    const inner = parse();
    this.depth--;
    return inner;
  }
}

function takeSymbolOperator(cursor: Cursor): SymbolOperator {
  const start = cursor.at++;
  const word = cursor.takeName();
  const found = SYMBOL_OPERATORS.find((operator) => operator === word.toUpperCase());
  if (found !== undefined) return found;
  const known = SYMBOL_OPERATORS.map((operator) => `@${operator}`).join(", ");
  throw cursor.error(`unknown operator '@${word}'; known are ${known}`, start);
}

function unary(operator: UnaryOperator, operand: Expression): Expression {
  return operand.kind === "number"
    ? numberExpression(applyUnary(operator, longOf(operand)))
    : { kind: "unary", operator, operand };
}

/** Takes the operator at the cursor, if there is one. `<>` is another way to write `!=`, and `!!` to write `^`. */
function takeOperator(cursor: Cursor): BinaryOperator | undefined {
  const first = cursor.peek();
  const second = cursor.text.charAt(cursor.at + 1);
  switch (first) {
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
    case "^":
      cursor.at++;
      return first;
    case "&":
    case "|": {
      const operator: BinaryOperator = second !== first ? first : first === "&" ? "&&" : "||";
      cursor.at += operator.length;
      return operator;
    }
    case "!":
      cursor.at += second === "=" || second === "!" ? 2 : 1;
      return second === "=" ? "!=" : second === "!" ? "^" : "!";
    case "=":
      if (second !== "=") return undefined;
      cursor.at += 2;
      return "==";
    case "<":
    case ">": {
      if (first === "<" && second === ">") {
        cursor.at += 2;
        return "!=";
      }
      const operator: BinaryOperator =
        second === "=" ? `${first}=` : second !== first ? first : first === "<" ? "<<" : ">>";
      cursor.at += operator.length;
      return operator;
    }
    default:
      return undefined;
  }
}

/** A number node for a JavaScript integer. */
export function integer(value: number): Expression {
  return numberExpression(Long.fromNumber(value));
}
