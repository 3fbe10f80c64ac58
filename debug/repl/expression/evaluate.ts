/** Evaluates expressions against the guest's registers and memory, with C's rules for types of 32 bits. */
import { ExpressionError } from "./errors.ts";
import { parseExpression } from "./parser.ts";
import type { Argument, Node, TypeName } from "./syntax.ts";
import { arrayOf, type CType, INT, LONG, pointerTo, type TypeNames, UNSIGNED } from "./types.ts";
import { plain, type Value, wrap } from "./value.ts";

/** What the names of an expression stand for. */
export interface Environment {
  readonly types: TypeNames;
  /** Bytes at a linear address. @throws MemoryError when they cannot be read */
  readonly read: (linear: number, length: number) => Uint8Array;
  /** The value of a name without `$`: a symbol, a variable of the kernel, a register, a constant. */
  readonly name: (name: string) => Value | undefined;
  /** The value of `$name`. */
  readonly variable: (name: string) => Value | undefined;
  /** Functions that take one number: `task(PID)`. */
  readonly functions: Readonly<Record<string, (argument: number) => Value>>;
  /** Names that somebody who wrote this one may have meant. */
  readonly near: (name: string) => readonly string[];
}

/** @throws ExpressionError when the text is no expression, or its parts do not fit; and MemoryError */
export function evaluate(text: string, environment: Environment): Value {
  return compile(text, environment)(environment);
}

/**
 * Parses once, to evaluate often.
 * @throws ExpressionError when the text is no expression, or a name in it is unknown
 */
export function compile(text: string, environment: Environment): (environment: Environment) => Value {
  const tree = parseExpression(text, (name) => environment.types.has(name));
  for (const node of namesIn(tree)) {
    const known = node.kind === "name" ? environment.name : environment.variable;
    if (!isKnown(() => known(node.name))) new Evaluator(text, environment).value(node);
  }
  return (later) => new Evaluator(text, later).value(tree);
}

/** A name whose value cannot be had now, such as `current` before there are tasks, is known too. */
function isKnown(look: () => Value | undefined): boolean {
  try {
    return look() !== undefined;
  } catch {
    return true;
  }
}

function* namesIn(node: Node): Generator<Node & { kind: "name" | "variable" }> {
  switch (node.kind) {
    case "name":
    case "variable":
      yield node;
      break;
    case "unary":
    case "cast":
      yield* namesIn(node.operand);
      break;
    case "binary":
      yield* namesIn(node.left);
      yield* namesIn(node.right);
      break;
    case "conditional":
      for (const part of [node.condition, node.then, node.otherwise]) yield* namesIn(part);
      break;
    case "member":
      yield* namesIn(node.object);
      break;
    case "index":
      yield* namesIn(node.object);
      yield* namesIn(node.index);
      break;
    case "sizeof":
      if (node.operand !== undefined) yield* namesIn(node.operand);
      break;
    case "call":
      // The member that container_of() takes is no name of its own.
      for (const argument of node.args.slice(0, 1)) if ("node" in argument) yield* namesIn(argument.node);
      break;
  }
}

/** The number that an integer or a pointer has; what an array or a function stands for is its address. */
export function numberOf(value: Value, environment: Environment): number | undefined {
  const { type, address, number } = value;
  if (number !== undefined) return number;
  if (address === undefined) return undefined;
  switch (type.kind) {
    case "integer":
    case "pointer":
      return readInteger(environment.read(address, type.size), type);
    case "array":
    case "chars":
    case "code":
      return address;
    case "untyped":
      return readInteger(environment.read(address, 4), INT);
    case "struct":
      return undefined;
  }
}

function readInteger(bytes: Uint8Array, type: CType): number {
  let number = 0;
  for (let i = bytes.length - 1; i >= 0; i--) number = number * 256 + bytes[i]!;
  return wrap(number, type);
}

class Evaluator {
  constructor(
    readonly text: string,
    readonly environment: Environment,
  ) {}

  value(node: Node): Value {
    switch (node.kind) {
      case "number":
        return plain(node.value);
      case "name":
        return this.environment.name(node.name) ?? this.#unknown("name", node.name, node.column);
      case "variable":
        return this.environment.variable(node.name) ?? this.#unknown("register", `$${node.name}`, node.column);
      case "unary":
        return this.#unary(node);
      case "binary":
        return this.#binary(node);
      case "conditional":
        return this.value(this.#number(node.condition) !== 0 ? node.then : node.otherwise);
      case "member":
        return this.#member(node);
      case "index":
        return this.#index(node);
      case "cast":
        return this.#cast(node);
      case "sizeof": {
        const type = node.type === undefined ? this.value(node.operand!).type : this.#type(node.type);
        return { type: UNSIGNED, number: type.size };
      }
      case "call":
        return this.#call(node);
    }
  }

  #fail(message: string, column: number): never {
    throw new ExpressionError(message, this.text, column);
  }

  #unknown(what: string, name: string, column: number): never {
    const near = this.environment.near(name.replace(/^\$/, ""));
    const hint = near.length === 0 ? "" : `; did you mean ${near.join(", ")}?`;
    this.#fail(what === "register" ? `no register or variable ${name}${hint}` : `no symbol ${name}${hint}`, column);
  }

  #number(node: Node): number {
    return this.#numberOf(this.value(node), node.column);
  }

  #numberOf(value: Value, column: number): number {
    return (
      numberOf(value, this.environment) ??
      this.#fail(`a number is expected; this is a ${describe(value.type)}: name one of its members`, column)
    );
  }

  #type({ name, stars, length, column }: TypeName): CType {
    const { types } = this.environment;
    const base = types.find(name);
    if (base === undefined && !(stars > 0 && types.has(name))) {
      const hint = this.environment.near(name);
      this.#fail(`no type ${name}${hint.length > 0 ? `; did you mean ${hint.join(", ")}?` : ""}`, column);
    }
    let type: CType = base ?? UNSIGNED;
    for (let i = 0; i < stars; i++) type = pointerTo(i === 0 ? name : type.name);
    return length === undefined ? type : arrayOf(type, length);
  }

  #pointed(type: CType, column: number): CType {
    if (type.kind === "array") return type.element;
    if (type.kind !== "pointer") return this.#fail(`a pointer is expected; this is a ${describe(type)}`, column);
    const to = this.environment.types.find(type.to);
    return to ?? this.#fail(`what a ${type.name} points to is not known here; cast it first`, column);
  }

  #unary(node: Node & { kind: "unary" }): Value {
    const { operator, operand, column } = node;
    if (operator === "&") {
      const { type, address } = this.value(operand);
      if (address === undefined) return this.#fail("only what lies in memory has an address", operand.column);
      return { type: type.kind === "code" ? UNSIGNED : pointerTo(type.name), number: address };
    }
    if (operator === "*") {
      const pointer = this.value(operand);
      const address = this.#numberOf(pointer, operand.column) >>> 0;
      // A number points to a word, as in gdb.
      const isNumber = pointer.type.kind !== "pointer" && pointer.type.kind !== "array";
      return { type: isNumber ? UNSIGNED : this.#pointed(pointer.type, column), address };
    }
    const value = this.value(operand);
    const number = this.#numberOf(value, operand.column);
    if (operator === "!") return plain(number === 0 ? 1 : 0);
    const type = promoted(value.type);
    return { type, number: wrap(operator === "-" ? -number : operator === "~" ? ~number : number, type) };
  }

  #binary(node: Node & { kind: "binary" }): Value {
    const { operator, left, right } = node;
    if (operator === "&&") return plain(this.#number(left) !== 0 && this.#number(right) !== 0 ? 1 : 0);
    if (operator === "||") return plain(this.#number(left) !== 0 || this.#number(right) !== 0 ? 1 : 0);
    const first = this.value(left);
    const second = this.value(right);
    const a = this.#numberOf(first, left.column);
    const b = this.#numberOf(second, right.column);
    const pointer =
      operator === "+" || operator === "-" ? this.#pointerArithmetic(operator, first, a, second, b) : null;
    if (pointer !== null) return pointer;
    const type = common(promoted(first.type), promoted(second.type));
    const number = calculate(operator, wrap(a, type), wrap(b, type), type);
    if (number === undefined) return this.#fail("division by zero", node.column);
    return COMPARISONS.has(operator) ? plain(number) : { type, number: wrap(number, type) };
  }

  /** `pointer + n`, `pointer - n`, `pointer - pointer`, in elements; null for anything else. */
  #pointerArithmetic(operator: string, first: Value, a: number, second: Value, b: number): Value | null {
    const isPointer = ({ type }: Value) => type.kind === "pointer" || type.kind === "array";
    if (!isPointer(first)) return null;
    const element = first.type.kind === "array" ? first.type.element : this.#elementOf(first.type);
    if (isPointer(second)) return operator === "-" ? plain(Math.trunc((a - b) / element.size)) : null;
    const number = (operator === "+" ? a + b * element.size : a - b * element.size) >>> 0;
    return { type: first.type.kind === "array" ? pointerTo(element.name) : first.type, number };
  }

  /** What arithmetic on a pointer counts in; bytes when what it points to is not known. */
  #elementOf(type: CType): { readonly name: string; readonly size: number } {
    const found = type.kind === "pointer" ? this.environment.types.find(type.to) : undefined;
    return found ?? { name: "char", size: 1 };
  }

  #member(node: Node & { kind: "member" }): Value {
    const { object, field, column } = node;
    let value = this.value(object);
    if (value.type.kind === "pointer") {
      const address = this.#numberOf(value, object.column) >>> 0;
      if (address === 0) return this.#fail(`this pointer is null; there is no ${field} behind it`, object.column);
      value = { type: this.#pointed(value.type, object.column), address };
    }
    const { type, address } = value;
    if (type.kind !== "struct" || address === undefined) {
      return this.#fail(`a struct is expected before .${field}; this is a ${describe(type)}`, object.column);
    }
    const { struct } = type;
    const member = Object.hasOwn(struct.fields, field) ? struct.fields[field] : undefined;
    if (member === undefined) {
      return this.#fail(
        `struct ${type.name} has no member ${field}; it has ${listOf(Object.keys(struct.fields))}`,
        column,
      );
    }
    return { type: this.environment.types.ofKernel(member), address: (address + struct.offset(field)) >>> 0 };
  }

  #index(node: Node & { kind: "index" }): Value {
    const array = this.value(node.object);
    const index = this.#number(node.index);
    const { type } = array;
    if (type.kind === "chars") return { type: this.environment.types.find("char")!, address: array.address! + index };
    if (type.kind === "array" && (index < 0 || index >= type.length)) {
      return this.#fail(`index ${index} is outside of ${type.name}: 0 to ${type.length - 1}`, node.index.column);
    }
    const element = this.#pointed(type, node.object.column);
    const start = this.#numberOf(array, node.object.column);
    return { type: element, address: (start + index * element.size) >>> 0 };
  }

  #cast(node: Node & { kind: "cast" }): Value {
    const type = this.#type(node.type);
    const value = this.value(node.operand);
    if (type.kind === "integer" || type.kind === "pointer") {
      return { type, number: wrap(this.#numberOf(value, node.operand.column), type) };
    }
    if (value.address === undefined) {
      return this.#fail(`a number is no ${type.name}; write *(${type.name} *) to see memory as one`, node.column);
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
    if (struct.kind !== "struct" || member === undefined || !("node" in member)) return usage();
    const path = pathOf(member.node);
    if (path === undefined) return usage();
    let offset: number;
    try {
      offset = struct.struct.offset(path);
    } catch {
      return this.#fail(`struct ${struct.name} has no member ${path}`, member.node.column);
    }
    return { type: pointerTo(struct.name), number: (this.#number(pointer.node) - offset) >>> 0 };
  }
}

/** `thread.esp` as it is written. */
function pathOf(node: Node): string | undefined {
  if (node.kind === "name") return node.name;
  if (node.kind !== "member") return undefined;
  const object = pathOf(node.object);
  return object === undefined ? undefined : `${object}.${node.field}`;
}

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", ">", "<=", ">="]);

/** Undefined for a division by zero. */
function calculate(operator: string, a: number, b: number, type: CType): number | undefined {
  const wide = type === LONG;
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return wide ? a * b : Math.imul(a, b);
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
      return wide ? a * 2 ** b : a << b;
    case ">>":
      return wide ? Math.floor(a / 2 ** b) : type.kind === "integer" && type.signed ? a >> b : a >>> b;
    case "==":
      return a === b ? 1 : 0;
    case "!=":
      return a !== b ? 1 : 0;
    case "<":
      return a < b ? 1 : 0;
    case ">":
      return a > b ? 1 : 0;
    case "<=":
      return a <= b ? 1 : 0;
    default:
      return a >= b ? 1 : 0;
  }
}

/** The integer promotions; pointers count as unsigned. */
function promoted(type: CType): CType {
  if (type.kind !== "integer") return UNSIGNED;
  if (type.size === 8) return LONG;
  return type.size < 4 || type.signed ? INT : UNSIGNED;
}

function common(a: CType, b: CType): CType {
  if (a === LONG || b === LONG) return LONG;
  return a === INT && b === INT ? INT : UNSIGNED;
}

function describe(type: CType): string {
  return type.kind === "struct" ? `struct ${type.name}` : type.kind === "code" ? "function" : type.name;
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown}, … (ptype shows all)` : shown;
}
