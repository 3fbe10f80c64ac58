/** The value of an expression: a constant, or a symbol plus a constant, or a difference of symbols. */
import Long from "long";
import type { Expression, SymbolOperator } from "../expression.ts";
import { type AssemblerSymbol, displayName, type Location, type Symbols } from "./symbols.ts";
import { applyBinary, applyUnary, longOf } from "./wide-arithmetic.ts";

/** `add - subtract + constant`. */
export interface Value {
  readonly constant: Long;
  readonly add: AssemblerSymbol | undefined;
  readonly subtract: AssemblerSymbol | undefined;
  /** What of `add` is meant, if it is not its address. */
  readonly via?: SymbolOperator;
}

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** A symbol may be defined through at most this many others that were not known at the time. */
const MAX_ALIAS_DEPTH = 200;

/** What a symbol assigned an expression stands for, at one revision of symbols and addresses. */
interface AliasValue {
  readonly revision: number;
  readonly value: Value | undefined;
  readonly reason: string;
}

export class Evaluator {
  /** True once the fragments have addresses: differences within a section are then constants. */
  hasAddresses = false;
  /** Why the last evaluation gave no value. */
  reason = "";
  private aliasDepth = 0;
  private addressRevision = 0;
  private readonly aliasValues = new Map<AssemblerSymbol, AliasValue>();

  constructor(private readonly symbols: Symbols) {}

  /** To be called whenever fragments have moved. */
  addressesChanged(): void {
    this.addressRevision++;
  }

  /** The value, or undefined if the symbols in the expression combine to nothing that an object file can express. */
  evaluate(expression: Expression): Value | undefined {
    switch (expression.kind) {
      case "number":
        return { constant: longOf(expression), add: undefined, subtract: undefined };
      case "symbol":
        return expression.via === undefined
          ? this.symbolValue(expression.name)
          : {
              constant: Long.ZERO,
              add: this.symbols.byKey(expression.name)!,
              subtract: undefined,
              via: expression.via,
            };
      case "unary": {
        const operand = this.evaluate(expression.operand);
        if (operand === undefined) return undefined;
        const { constant, add, subtract } = operand;
        if (expression.operator === "+") return operand;
        if (operand.via !== undefined) return this.fail(`'${expression.operator}' can't be applied to @${operand.via}`);
        if (expression.operator === "-") return { constant: constant.negate(), add: subtract, subtract: add };
        if (add === undefined && subtract === undefined) {
          return { constant: applyUnary(expression.operator, constant), add, subtract };
        }
        return this.fail(`'${expression.operator}' needs an absolute operand, not ${describe(operand)}`);
      }
      case "binary":
        return this.binaryValue(expression);
    }
  }

  /** The value if it is absolute, else undefined. */
  constant(expression: Expression): Long | undefined {
    if (expression.kind === "number") return longOf(expression);
    const value = this.evaluate(expression);
    if (value === undefined) return undefined;
    if (value.add !== undefined || value.subtract !== undefined) return this.fail(`it depends on ${describe(value)}`);
    return value.constant;
  }

  /** Where a symbol lies, undefined if it lies in no section. */
  locate(symbol: AssemblerSymbol): Location | undefined {
    const { definition } = symbol;
    if (definition?.kind === "label" || definition?.kind === "place") {
      return definition.location.section.isAbsolute ? undefined : definition.location;
    }
    if (definition?.kind !== "value") return undefined;
    const value = this.aliasValue(symbol, definition.expression);
    if (value?.add === undefined || value.subtract !== undefined) return undefined;
    const base = this.locate(value.add);
    return base && { ...base, offset: base.offset + value.constant.toInt() };
  }

  private symbolValue(key: string): Value | undefined {
    const symbol = this.symbols.byKey(key)!;
    const { definition } = symbol;
    const offset = absoluteOffset(symbol);
    if (offset !== undefined) return { constant: Long.fromNumber(offset), add: undefined, subtract: undefined };
    if (definition?.kind !== "value") return { constant: Long.ZERO, add: symbol, subtract: undefined };
    const value = this.aliasValue(symbol, definition.expression);
    if (symbol.isWeakReference) return value;
    // A name for a place is a symbol of its own, with its own binding.
    if (value?.add !== undefined && value.subtract === undefined && this.locate(value.add) !== undefined) {
      return { constant: Long.ZERO, add: symbol, subtract: undefined };
    }
    return value;
  }

  private aliasValue(symbol: AssemblerSymbol, expression: Expression): Value | undefined {
    const revision = this.symbols.revision + this.addressRevision;
    const known = this.aliasValues.get(symbol);
    if (known?.revision === revision) {
      this.reason = known.reason;
      return known.value;
    }
    if (this.aliasDepth >= MAX_ALIAS_DEPTH) {
      return this.fail(
        `'${displayName(symbol.name)}' is defined by itself, or through more than ${MAX_ALIAS_DEPTH} others`,
      );
    }
    this.aliasDepth++;
    const value = this.evaluate(expression);
    this.aliasDepth--;
    this.aliasValues.set(symbol, { revision, value, reason: this.reason });
    return value;
  }

  private binaryValue(expression: Extract<Expression, { kind: "binary" }>): Value | undefined {
    const left = this.evaluate(expression.left);
    const right = left && this.evaluate(expression.right);
    if (left === undefined || right === undefined) return undefined;
    const { operator } = expression;
    if (operator === "+") return this.sum(left, right);
    if (right.via !== undefined) {
      return this.fail(`'${operator}' can't be applied to @${right.via}`);
    }
    const negated = { constant: right.constant.negate(), add: right.subtract, subtract: right.add };
    if (operator === "-") return this.sum(left, negated);
    if (isAbsolute(left) && isAbsolute(right)) {
      const constant = applyBinary(operator, left.constant, right.constant);
      return constant === undefined ? this.fail("division by zero") : { ...left, constant };
    }
    if (COMPARISONS.has(operator)) {
      const difference = this.sum(left, negated);
      if (difference !== undefined && isAbsolute(difference)) {
        return { ...difference, constant: applyBinary(operator, difference.constant, Long.ZERO)! };
      }
    }
    const culprit = isAbsolute(left) ? right : left;
    return this.fail(`'${operator}' needs absolute operands, not ${describe(culprit)}`);
  }

  /** Adds two values; pairs of symbols whose distance is known turn into constants. */
  private sum(a: Value, b: Value): Value | undefined {
    let constant = a.constant.add(b.constant);
    const adds = a.add === undefined ? [b.add] : [a.add, b.add];
    const subtracts = a.subtract === undefined ? [b.subtract] : [a.subtract, b.subtract];
    for (let i = 0; i < adds.length; i++) {
      const add = adds[i];
      if (add === undefined) continue;
      for (let j = 0; j < subtracts.length; j++) {
        const subtract = subtracts[j];
        if (subtract === undefined) continue;
        const distance = this.distance(add, subtract);
        if (distance === undefined) continue;
        constant = constant.add(Long.fromNumber(distance));
        adds[i] = undefined;
        subtracts[j] = undefined;
        break;
      }
    }
    const add = adds[0] ?? adds[1];
    const subtract = subtracts[0] ?? subtracts[1];
    if ((adds[0] && adds[1]) || (subtracts[0] && subtracts[1])) {
      return this.fail(
        `it combines ${describe(a)} and ${describe(b)}; at most one symbol can be added and one subtracted`,
      );
    }
    const via = a.via ?? b.via;
    return via === undefined ? { constant, add, subtract } : { constant, add, subtract, via };
  }

  /** Bytes from `b` to `a` if that is known. */
  private distance(a: AssemblerSymbol, b: AssemblerSymbol): number | undefined {
    if (a === b) return 0;
    const from = this.locate(b);
    if (from === undefined) return undefined;
    const to = this.locate(a);
    if (to === undefined || to.section !== from.section) return undefined;
    if (to.fragment === from.fragment) return to.offset - from.offset;
    return this.hasAddresses ? addressOf(to) - addressOf(from) : undefined;
  }

  private fail(reason: string): undefined {
    this.reason = reason;
    return undefined;
  }
}

/** What a label of a `.struct` stands for; undefined for other symbols. */
export function absoluteOffset({ definition }: AssemblerSymbol): number | undefined {
  if (definition?.kind !== "label" && definition?.kind !== "place") return undefined;
  return definition.location.section.isAbsolute ? addressOf(definition.location) : undefined;
}

/** Bytes from the start of the section; final after layout. */
export function addressOf(location: Location): number {
  return location.fragment.address + location.offset;
}

function isAbsolute(value: Value): boolean {
  return value.add === undefined && value.subtract === undefined;
}

function describe(value: Value): string {
  const parts: string[] = [];
  if (value.add !== undefined) parts.push(describeSymbol(value.add));
  if (value.subtract !== undefined) parts.push(`minus ${describeSymbol(value.subtract)}`);
  return parts.join(" ") || "a constant";
}

/** A symbol for messages: what kind of thing it is, and its name. */
export function describeSymbol(symbol: AssemblerSymbol): string {
  const name = displayName(symbol.name);
  if (symbol.definition === undefined) return `the undefined symbol '${name}'`;
  return name === "." ? "the location counter '.'" : `the symbol '${name}'`;
}
