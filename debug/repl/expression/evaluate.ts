/** Evaluates expressions against the guest's registers and memory, with C's rules for types of 32 bits. */

import {
  arrayOf,
  type CType,
  findMember,
  memberNames,
  type PlainType,
  plainType,
  pointerTo,
  typeName,
} from "../../../asm/dwarf/reader/index.ts";
import { didYouMean } from "../../../asm/index.ts";
import { calculate, promoted } from "./arithmetic.ts";
import type { Environment } from "./environment.ts";
import { ExpressionError } from "./errors.ts";
import { parseExpression } from "./parser.ts";
import { elementOf, memberOf, scalarOf } from "./reading.ts";
import type { Argument, Node, TypeName } from "./syntax.ts";
import { CHAR, UNSIGNED } from "./types.ts";
import { plain, type Scalar, type Value, wrap } from "./value.ts";

/** @throws ExpressionError when the text is no expression, or its parts do not fit; and MemoryError */
export function evaluate(text: string, environment: Environment): Value {
  const tree = parseExpression(text, (name) => environment.types.has(name));
  return evaluateTree(text, tree, environment);
}

/**
 * The value of an expression that has been parsed.
 * @param text what it was parsed from
 * @throws ExpressionError when its parts do not fit; and MemoryError
 */
export function evaluateTree(text: string, tree: Node, environment: Environment): Value {
  return new Evaluator(text, environment).value(tree);
}

class Evaluator {
  constructor(
    readonly text: string,
    readonly environment: Environment,
  ) {}

  value(node: Node): Value {
    switch (node.kind) {
      case "number":
        return node.type === undefined ? plain(node.value) : { type: node.type, scalar: node.value };
      case "name":
        return this.environment.name(node.name) ?? this.#unknown("name", node.name, node.column);
      case "variable":
        return this.environment.variable(node.name) ?? this.#unknown("register", `$${node.name}`, node.column);
      case "unary":
        return this.#unary(node);
      case "binary":
        return this.#binary(node);
      case "assignment":
        return this.#assignment(node);
      case "conditional":
        return this.value(this.#isTrue(node.condition) ? node.then : node.otherwise);
      case "member":
        return this.#member(node);
      case "index":
        return this.#index(node);
      case "cast":
        return this.#cast(node);
      case "sizeof": {
        const type = node.type === undefined ? this.value(node.operand!).type : this.#type(node.type);
        return { type: UNSIGNED, scalar: type.size };
      }
      case "call":
        return this.#call(node);
    }
  }

  #fail(message: string, column: number): never {
    throw new ExpressionError(message, this.text, column);
  }

  #unknown(what: string, name: string, column: number): never {
    if (/^\$\d+$/.test(name)) this.#fail(`nothing has been printed as ${name} yet`, column);
    const near = this.environment.near(name.replace(/^\$/, ""));
    const hint = didYouMean(near, ", ");
    this.#fail(what === "register" ? `no register or variable ${name}${hint}` : `no symbol ${name}${hint}`, column);
  }

  #scalar(node: Node): Scalar {
    return this.#scalarOf(this.value(node), node.column);
  }

  #number(node: Node): number {
    return Number(this.#scalar(node));
  }

  #isTrue(node: Node): boolean {
    return this.#number(node) !== 0;
  }

  #scalarOf(value: Value, column: number): Scalar {
    if (value.absent !== undefined) return this.#fail(`the value is ${value.absent}`, column);
    return (
      scalarOf(value, this.environment) ??
      this.#fail(`a number is expected; this is a ${describe(value.type)}: name one of its members`, column)
    );
  }

  #type({ name, stars, lengths, column }: TypeName): CType {
    const { types } = this.environment;
    const base = types.find(name);
    if (base === undefined) return this.#fail(types.unknown(name), column);
    let type: CType = base;
    for (let i = 0; i < stars; i++) type = pointerTo(type);
    return lengths.reduceRight<CType>((element, length) => arrayOf(element, length), type);
  }

  /** What a pointer points to, or an array is made of. */
  #pointed(type: CType, column: number): CType {
    const it = plainType(type);
    if (it.kind === "array") return it.element;
    if (it.kind !== "pointer") return this.#fail(`a pointer is expected; this is a ${describe(type)}`, column);
    const to = plainType(it.to);
    if (to.kind === "void" || (to.kind === "struct" && to.isIncomplete)) {
      return this.#fail(`what a ${typeName(type)} points to is not known here; cast it first`, column);
    }
    return it.to;
  }

  #unary(node: Node & { kind: "unary" }): Value {
    const { operator, operand, column } = node;
    const value = this.value(operand);
    if (operator === "&") {
      const { type, address, bits } = value;
      if (address === undefined || bits !== undefined) {
        return this.#fail("only what lies in memory has an address", operand.column);
      }
      return { type: type.kind === "code" ? UNSIGNED : pointerTo(type), scalar: address };
    }
    if (operator === "*") {
      const address = Number(this.#scalarOf(value, operand.column)) >>> 0;
      const it = plainType(value.type);
      if (it.kind === "function") return value;
      // A number points to a word, as in gdb.
      const isNumber = it.kind !== "pointer" && it.kind !== "array";
      return { type: isNumber ? UNSIGNED : this.#pointed(value.type, column), address };
    }
    const scalar = this.#scalarOf(value, operand.column);
    if (operator === "!") return plain(Number(scalar) === 0 ? 1 : 0);
    const type = promoted(value.type);
    if (operator === "+") return { type, scalar: wrap(scalar, type) };
    if (operator === "-") return { type, scalar: wrap(-scalar, type) };
    return { type, scalar: wrap(~BigInt(wrap(scalar, promoted(value.type))), type) };
  }

  #binary(node: Node & { kind: "binary" }): Value {
    const { operator, left, right } = node;
    if (operator === "&&") return plain(this.#isTrue(left) && this.#isTrue(right) ? 1 : 0);
    if (operator === "||") return plain(this.#isTrue(left) || this.#isTrue(right) ? 1 : 0);
    const first = this.value(left);
    const second = this.value(right);
    if (operator === "@") return this.#repeated(first, this.#scalarOf(second, right.column), node);
    const a = this.#scalarOf(first, left.column);
    const b = this.#scalarOf(second, right.column);
    const pointer =
      operator === "+" || operator === "-"
        ? this.#pointerArithmetic(operator, first.type, Number(a), second.type, Number(b))
        : null;
    if (pointer !== null) return pointer;
    const result = calculate(operator, a, first.type, b, second.type);
    if (result === undefined) return this.#fail("division by zero", node.column);
    if (result === null) return this.#fail(`${operator} is for integers`, node.column);
    return result;
  }

  /** `first@count`: what lies there as an array. */
  #repeated({ type, address }: Value, count: Scalar, node: Node & { kind: "binary" }): Value {
    if (address === undefined) return this.#fail("only what lies in memory can be repeated with @", node.column);
    if (count < 1) return this.#fail("a number of elements, 1 or more, is expected", node.right.column);
    return { type: arrayOf(type, Number(count)), address };
  }

  /** `pointer + n`, `n + pointer`, `pointer - n`, `pointer - pointer`, in elements; null for anything else. */
  #pointerArithmetic(operator: string, first: CType, a: number, second: CType, b: number): Value | null {
    const element = targetOf(first);
    const other = targetOf(second);
    if (element === undefined) {
      return other === undefined || operator === "-" ? null : this.#pointerArithmetic("+", second, b, first, a);
    }
    const size = sizeInArithmetic(element);
    if (other !== undefined) return operator === "-" ? plain(Math.trunc((a - b) / size)) : null;
    const scalar = (operator === "+" ? a + b * size : a - b * size) >>> 0;
    return { type: plainType(first).kind === "array" ? pointerTo(element) : first, scalar };
  }

  #assignment(node: Node & { kind: "assignment" }): Value {
    if (node.left.kind === "variable" && node.operator === "") {
      const { name } = node.left;
      if (this.environment.variable(name)?.register === undefined && /^[A-Za-z_]/.test(name)) {
        const value = this.value(node.right);
        this.environment.keep(name, value);
        return value;
      }
    }
    const target = this.value(node.left);
    const { operator } = node;
    const right = this.value(node.right);
    let scalar = this.#scalarOf(right, node.right.column);
    if (operator !== "") {
      const left = this.#scalarOf(target, node.left.column);
      const pointer = this.#pointerArithmetic(operator, target.type, Number(left), right.type, Number(scalar));
      const result = pointer ?? calculate(operator, left, target.type, scalar, right.type);
      if (result === undefined) return this.#fail("division by zero", node.column);
      scalar = result?.scalar ?? this.#fail(`${operator}= is for integers`, node.column);
    }
    const shown = this.text.slice(node.left.column, node.column).trim();
    if (target.register === undefined && target.address === undefined) {
      return this.#fail(`${shown} cannot be set: a register, or what lies in memory, can`, node.left.column);
    }
    const kind = plainType(target.type).kind;
    if (kind === "struct" || kind === "array" || kind === "code" || kind === "function" || kind === "void") {
      return this.#fail(`${shown} cannot be set: it is a ${describe(target.type)}`, node.left.column);
    }
    this.environment.assign(target, wrap(scalar, target.type));
    return this.value(node.left);
  }

  #member(node: Node & { kind: "member" }): Value {
    const { object, field, column } = node;
    let value = this.value(object);
    if (plainType(value.type).kind === "pointer") {
      const address = Number(this.#scalarOf(value, object.column)) >>> 0;
      if (address === 0) return this.#fail(`this pointer is null; there is no ${field} behind it`, object.column);
      value = { type: this.#pointed(value.type, object.column), address };
    }
    const struct = plainType(value.type);
    if (value.absent !== undefined) return this.#fail(`the value is ${value.absent}`, object.column);
    if (struct.kind !== "struct") {
      return this.#fail(`a struct is expected before .${field}; this is a ${describe(value.type)}`, object.column);
    }
    const member = findMember(struct, field);
    if (member === undefined) {
      const has = listOf(memberNames(struct));
      return this.#fail(`${typeName(struct)} has no member ${field}; it has ${has}`, column);
    }
    return memberOf(value, member);
  }

  #index(node: Node & { kind: "index" }): Value {
    const array = this.value(node.object);
    const index = this.#number(node.index);
    const type = plainType(array.type);
    if (type.kind !== "array") {
      const element = this.#pointed(array.type, node.object.column);
      const start = Number(this.#scalarOf(array, node.object.column));
      return { type: element, address: (start + index * element.size) >>> 0 };
    }
    // Flexible arrays are declared with any of these lengths.
    const isFlexible = type.length === undefined || type.length < 2;
    if (index < 0 || (!isFlexible && index >= type.length)) {
      return this.#fail(
        `index ${index} is outside of ${typeName(array.type)}: 0 to ${(type.length ?? 1) - 1}`,
        node.index.column,
      );
    }
    return elementOf(array, type.element, index);
  }

  #cast(node: Node & { kind: "cast" }): Value {
    const type = this.#type(node.type);
    const value = this.value(node.operand);
    const { kind } = plainType(type);
    if (kind === "integer" || kind === "pointer" || kind === "enum" || kind === "float") {
      return { type, scalar: wrap(this.#scalarOf(value, node.operand.column), type) };
    }
    if (value.address === undefined) {
      const name = typeName(type);
      return this.#fail(`a number is no ${name}; write *(${name} *) to see memory as one`, node.column);
    }
    return { type, address: value.address };
  }

  #call(node: Node & { kind: "call" }): Value {
    if (node.name === "container_of") return this.#containerOf(node);
    const routine = Object.hasOwn(this.environment.functions, node.name)
      ? this.environment.functions[node.name]
      : undefined;
    if (routine === undefined) {
      const known = [...Object.keys(this.environment.functions), "container_of"].join(", ");
      return this.#fail(`guest functions cannot be called; the functions of expressions are ${known}`, node.column);
    }
    const [argument, ...others] = node.args;
    if (argument === undefined || !("node" in argument) || others.length > 0) {
      return this.#fail(`${node.name}() takes one number`, node.column);
    }
    try {
      return routine(this.#number(argument.node));
    } catch (error) {
      if (error instanceof RangeError) return this.#fail(error.message, node.column);
      throw error;
    }
  }

  /** `container_of(pointer, type, member)`. */
  #containerOf(node: Node & { kind: "call" }): Value {
    const usage = () => this.#fail("container_of(POINTER, STRUCT, MEMBER) is expected", node.column);
    const [pointer, type, member] = node.args as readonly (Argument | undefined)[];
    if (pointer === undefined || !("node" in pointer) || type === undefined || !("type" in type)) return usage();
    const struct = this.#type(type.type);
    if (plainType(struct).kind !== "struct" || member === undefined || !("node" in member)) return usage();
    let offset = 0;
    let within: PlainType = plainType(struct);
    for (const name of pathOf(member.node) ?? usage()) {
      const found = within.kind === "struct" ? findMember(within, name) : undefined;
      if (found === undefined) return this.#fail(`${typeName(within)} has no member ${name}`, member.node.column);
      offset += found.offset;
      within = plainType(found.type);
    }
    return { type: pointerTo(struct), scalar: (this.#number(pointer.node) - offset) >>> 0 };
  }
}

/** What a pointer points to, or an array is made of; undefined for other types. */
function targetOf(type: CType): CType | undefined {
  const it = plainType(type);
  return it.kind === "pointer" ? it.to : it.kind === "array" ? it.element : undefined;
}

/** What arithmetic on a pointer counts in; bytes when what it points to is not known. */
function sizeInArithmetic(type: CType): number {
  return type.size === 0 ? CHAR.size : type.size;
}

/** `thread.esp` as it is written. */
function pathOf(node: Node): string[] | undefined {
  if (node.kind === "name") return [node.name];
  if (node.kind !== "member") return undefined;
  const object = pathOf(node.object);
  return object === undefined ? undefined : [...object, node.field];
}

function describe(type: CType): string {
  const { kind } = plainType(type);
  return kind === "code" || kind === "function" ? "function" : typeName(type);
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown}, … (ptype shows all)` : shown;
}
