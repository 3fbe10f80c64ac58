/** Finds the kind of an expression's value. */

import ts from "typescript-api";
import { annotated_kind, annotated_result } from "./annotations.ts";
import { constant_value } from "./constants.ts";
import { Environment, Variable } from "./environment.ts";
import { gives_exact } from "./exactness.ts";
import { BOOLEAN, I32, join, type Kind, NOTHING, SMALL, same_kind, scalar_kind, U32, WIDE } from "./kinds.ts";
import type { Meaning } from "./meaning.ts";
import { said_of_recursion } from "./recursion.ts";
import { refuse } from "./refusal.ts";
import { bare, is_wrapper } from "./syntax.ts";

const { SyntaxKind } = ts;
/** Calls that give a number which fits any kind of number, or the kind of their arguments. */
const small_results = new Set(["clz32", "charCodeAt", "indexOf", "read8", "read16"]);
const same_as_arguments = new Set(["min", "max", "abs", "trunc", "floor", "ceil", "round"]);
const assignments: ReadonlySet<ts.SyntaxKind> = new Set([
  SyntaxKind.EqualsToken,
  SyntaxKind.PlusEqualsToken,
  SyntaxKind.MinusEqualsToken,
  SyntaxKind.AsteriskEqualsToken,
  SyntaxKind.SlashEqualsToken,
  SyntaxKind.PercentEqualsToken,
]);

export function is_assignment(kind: ts.SyntaxKind): boolean {
  return kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment;
}

/** Kind of a constant number. */
export function constant_kind(value: number): Kind {
  if (!Number.isInteger(value)) return WIDE;
  if (value >= 0 && value <= 0x7fffffff) return SMALL;
  if (value >= -0x80000000 && value < 0) return I32;
  return value > 0 && value <= 0xffffffff ? U32 : WIDE;
}

export class Inference {
  readonly #known = new Map<Variable, Kind>();
  /** Variables under consideration, outermost first, each with what it is taken for meanwhile. */
  readonly #open = new Map<Variable, Kind>();
  /** The outermost of those that the last conclusions rest on. */
  #rests_on = Number.POSITIVE_INFINITY;
  readonly #constants = new Map<ts.Node, Kind>();

  constructor(private readonly meaning: Meaning) {}

  /** The kind of a variable, from all that is assigned to it. @throws Refusal when no slot could hold it */
  variable(variable: Variable): Kind {
    if (variable.kind !== undefined) return variable.kind;
    const known = this.#known.get(variable);
    if (known !== undefined) return known;
    const taken_for = this.#open.get(variable);
    if (taken_for !== undefined) {
      this.#rests_on = Math.min(this.#rests_on, [...this.#open.keys()].indexOf(variable));
      return taken_for;
    }
    const depth = this.#open.size;
    const outer = this.#rests_on;
    this.#rests_on = Number.POSITIVE_INFINITY;
    let found = SMALL;
    try {
      // A variable whose value depends on itself (`n = n - 1`): until what it is taken for is what comes out.
      for (let assumed: Kind | undefined; assumed === undefined || !same_kind(assumed, found); ) {
        assumed = found;
        this.#open.set(variable, assumed);
        const next = this.#joined_sources(variable);
        found = join(assumed, next) ?? next;
      }
    } finally {
      this.#open.delete(variable);
    }
    if (this.#rests_on >= depth) {
      this.#known.set(variable, found);
      this.#rests_on = outer;
    } else this.#rests_on = Math.min(this.#rests_on, outer);
    return found;
  }

  #joined_sources(variable: Variable): Kind {
    let kind: Kind | undefined;
    let decreases = false;
    for (const source of variable.sources) {
      if ("decreases" in source) {
        decreases = true;
        continue;
      }
      const next = "kind" in source ? source.kind : this.#checked(source.expression, source.env, variable);
      const joined: Kind | undefined = kind === undefined ? next : join(kind, next);
      if (joined === undefined)
        refuse(
          variable.node,
          `${variable.name === undefined ? "a value" : `\`${variable.name}\``} holds values of two kinds; use two variables`,
        );
      kind = joined;
    }
    if (decreases && kind?.kind === "number" && kind.range === "small") return I32;
    return kind ?? NOTHING;
  }

  /** Whether everything that is assigned to a variable is sure to fit its kind, so that stores need no check. */
  is_exact(variable: Variable): boolean {
    return variable.sources.every((source) => {
      if ("decreases" in source) return false;
      return "kind" in source ? source.exact === true : gives_exact(source.expression, source.env, this.meaning);
    });
  }

  #checked(expression: ts.Expression, env: Environment, variable: Variable): Kind {
    const kind = this.kind(expression, env);
    if (kind !== undefined) return kind;
    const called = ts.isYieldExpression(expression) && expression.expression && bare(expression.expression);
    const recursion =
      called && ts.isCallExpression(called) ? said_of_recursion(called.expression, this.meaning) : undefined;
    if (recursion !== undefined) refuse(expression, recursion);
    const type = this.meaning.checker.typeToString(this.meaning.type_of(expression));
    const unnamed = this.meaning.said_of_view(this.meaning.type_of(expression));
    const what = variable.name === undefined ? "this value" : `\`${variable.name}\``;
    const before =
      variable.name === undefined ? "what is called or changed behind it in a statement before this one, " : "";
    refuse(
      variable.name === undefined ? expression : variable.node,
      unnamed !== undefined
        ? `${what} ${unnamed}`
        : `${what} is of type ${type} and would have to live across statements; only numbers, booleans and views of structs can: ` +
            `${before}keep an address, read it where it is used, or move the statements that need it into a plain function`,
    );
  }

  /** The kind of a value; undefined when it cannot be kept in a frame. */
  kind(node: ts.Expression, env: Environment): Kind | undefined {
    const type = this.meaning.type_of(node);
    const bound = ts.isIdentifier(node) ? env.get(this.meaning.symbol_of(node)) : undefined;
    if (bound !== undefined && "argument" in bound) return this.kind(bound.argument, bound.env);
    if (bound instanceof Variable && this.#is_number(type)) return this.variable(bound);
    return this.#by_type(type) ?? (this.#is_number(type) ? this.#number(node, env) : undefined);
  }

  /** The kind of a name by its type alone, where nothing is known of what it is made from. */
  declared(node: ts.Node): Kind | undefined {
    const type = this.meaning.type_of(node);
    return this.#by_type(type) ?? (this.#is_number(type) ? WIDE : undefined);
  }

  /** The kind of a number; a boolean that arithmetic takes for one is 0 or 1. */
  #operand(node: ts.Expression, env: Environment): Kind {
    const kind = this.kind(node, env) ?? WIDE;
    return kind.kind === "boolean" ? SMALL : kind;
  }

  /** The kind that a type alone tells; undefined for numbers, and for what cannot be kept. */
  #by_type(type: ts.Type | undefined): Kind | undefined {
    // Of a type that is not declared, what it is made of is missing.
    if (type === undefined) return undefined;
    const { flags } = type;
    if (flags & ts.TypeFlags.BooleanLike) return BOOLEAN;
    if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never)) return NOTHING;
    const parts = type.isUnion() ? type.types : [type];
    if (parts.every((part) => part.flags & ts.TypeFlags.BooleanLike)) return BOOLEAN;
    if (parts.every((part) => part.isNumberLiteral()))
      return parts.map((part) => constant_kind((part as ts.NumberLiteralType).value)).reduce((a, b) => join(a, b)!);
    const struct = this.meaning.struct_of(type);
    if (struct === undefined) return undefined;
    const nullable = parts.some((part) => (part.flags & ts.TypeFlags.Undefined) !== 0);
    return { kind: "view", struct, nullable };
  }

  #is_number(type: ts.Type | undefined): boolean {
    if (type === undefined) return false;
    const parts = type.isUnion() ? type.types : [type];
    return parts.every((part) => (part.flags & ts.TypeFlags.NumberLike) !== 0);
  }

  #number(node: ts.Expression, env: Environment): Kind {
    if (is_wrapper(node)) return this.kind(node.expression, env) ?? WIDE;
    if (ts.isNumericLiteral(node)) return constant_kind(Number(node.text));
    const constant =
      ts.isBinaryExpression(node) || ts.isPrefixUnaryExpression(node) ? constant_value(node, this.meaning) : undefined;
    if (constant !== undefined) return constant_kind(constant);
    if (ts.isPrefixUnaryExpression(node)) return this.#unary(node, env);
    if (ts.isPostfixUnaryExpression(node)) return this.kind(node.operand, env) ?? WIDE;
    if (ts.isBinaryExpression(node)) return this.#binary(node, env);
    if (ts.isConditionalExpression(node)) return this.#joined([node.whenTrue, node.whenFalse], env);
    if (ts.isIdentifier(node)) return this.#constant(node);
    if (ts.isPropertyAccessExpression(node)) return this.#property(node);
    if (ts.isYieldExpression(node) && node.expression !== undefined) return this.#result(node.expression);
    if (ts.isCallExpression(node)) return this.#call(node, env);
    return WIDE;
  }

  #joined(nodes: readonly ts.Expression[], env: Environment): Kind {
    return nodes.map((node) => this.kind(node, env) ?? WIDE).reduce((a, b) => join(a, b) ?? WIDE, SMALL);
  }

  #unary({ operator, operand }: ts.PrefixUnaryExpression, env: Environment): Kind {
    if (operator === SyntaxKind.TildeToken) return I32;
    const kind = this.#operand(operand, env);
    if (operator === SyntaxKind.MinusMinusToken && kind.kind === "number" && kind.range === "small") return I32;
    if (operator !== SyntaxKind.MinusToken) return kind;
    return kind.kind === "number" && (kind.range === "small" || kind.range === "i32") ? I32 : WIDE;
  }

  #binary({ operatorToken, left, right }: ts.BinaryExpression, env: Environment): Kind {
    const side = (node: ts.Expression) => this.#operand(node, env);
    switch (operatorToken.kind) {
      case SyntaxKind.GreaterThanGreaterThanGreaterThanToken:
      case SyntaxKind.GreaterThanGreaterThanGreaterThanEqualsToken:
        return U32;
      case SyntaxKind.AmpersandToken: {
        const kinds = [side(left), side(right)];
        return kinds.some((kind) => kind.kind === "number" && kind.range === "small") ? SMALL : I32;
      }
      case SyntaxKind.BarToken:
      case SyntaxKind.CaretToken:
      case SyntaxKind.LessThanLessThanToken:
      case SyntaxKind.GreaterThanGreaterThanToken:
      case SyntaxKind.AmpersandEqualsToken:
      case SyntaxKind.BarEqualsToken:
      case SyntaxKind.CaretEqualsToken:
      case SyntaxKind.LessThanLessThanEqualsToken:
      case SyntaxKind.GreaterThanGreaterThanEqualsToken:
        return I32;
      case SyntaxKind.PercentToken:
        return side(left);
      case SyntaxKind.PlusToken:
      case SyntaxKind.AsteriskToken:
        return arithmetic(side(left), side(right));
      case SyntaxKind.MinusToken: {
        const kind = arithmetic(side(left), side(right));
        return kind.kind === "number" && kind.range === "small"
          ? I32
          : kind.kind === "number" && kind.range === "u32"
            ? WIDE
            : kind;
      }
      case SyntaxKind.SlashToken:
        return arithmetic(side(left), side(right));
      case SyntaxKind.CommaToken:
        return side(right);
      case SyntaxKind.AmpersandAmpersandToken:
      case SyntaxKind.BarBarToken:
      case SyntaxKind.QuestionQuestionToken:
      case SyntaxKind.AmpersandAmpersandEqualsToken:
      case SyntaxKind.BarBarEqualsToken:
      case SyntaxKind.QuestionQuestionEqualsToken:
        return this.#joined([left, right], env);
      default:
        if (operatorToken.kind === SyntaxKind.EqualsToken) return side(right);
        return assignments.has(operatorToken.kind)
          ? arithmetic_update(side(left), side(right), operatorToken.kind)
          : WIDE;
    }
  }

  /** A constant of a module, by its initializer; a variable of an inner function, by its annotation. */
  #constant(node: ts.Identifier): Kind {
    const declaration = this.meaning.symbol_of(node)?.valueDeclaration;
    if (declaration === undefined) return WIDE;
    const known = this.#constants.get(declaration);
    if (known !== undefined) return known;
    this.#constants.set(declaration, WIDE);
    let kind: Kind = WIDE;
    if (ts.isVariableDeclaration(declaration) || ts.isParameter(declaration)) {
      kind = annotated_kind(declaration.type) ?? WIDE;
      const { initializer } = declaration;
      const is_constant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
      if (declaration.type === undefined && initializer !== undefined && is_constant) {
        const value = constant_value(initializer, this.meaning);
        kind =
          value === undefined
            ? (this.kind(initializer, new Environment(declaration.getSourceFile())) ?? WIDE)
            : constant_kind(value);
      }
    }
    this.#constants.set(declaration, kind);
    return kind;
  }

  #property(node: ts.PropertyAccessExpression): Kind {
    const { name, expression } = node;
    if (name.text === "address") return this.#address_of(expression);
    if (name.text === "length" || name.text === "size") return SMALL;
    if (name.text === "value") {
      const scalar = this.meaning.scalar_name(this.meaning.variable_type(expression));
      if (scalar !== undefined) return scalar_kind(scalar);
    }
    const fields = this.meaning.fields_of(this.meaning.type_of(expression));
    const scalar = fields && this.meaning.scalar_name(this.meaning.property(fields, name.text));
    return scalar === undefined ? WIDE : scalar_kind(scalar);
  }

  #address_of(place: ts.Expression): Kind {
    const struct = this.meaning.struct_of(this.meaning.type_of(place));
    return struct === undefined ? U32 : { kind: "number", range: "u32", pointer: struct.name };
  }

  #call(node: ts.CallExpression, env: Environment): Kind {
    const { expression } = node;
    if (ts.isPropertyAccessExpression(expression)) {
      const method = expression.name.text;
      if (small_results.has(method)) return SMALL;
      if (method === "read32" || method === "imul") return I32;
      if (method === "address_of") return U32;
      if (same_as_arguments.has(method)) return this.#joined(node.arguments, env);
      if (method === "offset") return SMALL;
      if (method === "get") {
        const scalar = this.meaning.scalar_name(this.meaning.element_type(expression.expression));
        return scalar === undefined ? WIDE : scalar_kind(scalar);
      }
    }
    const signature = this.meaning.checker.getResolvedSignature(node);
    return annotated_kind(signature?.declaration?.type as ts.TypeNode | undefined) ?? WIDE;
  }

  /** What `yield*` gives. */
  #result(call: ts.Expression): Kind {
    if (!ts.isCallExpression(call)) return WIDE;
    return this.call_result(call) ?? WIDE;
  }

  /** The kind of a guest call's result that is a number. */
  call_result(call: ts.CallExpression): Kind | undefined {
    if (this.meaning.host_function(call.expression) === "call_pointer") {
      const scalar = this.meaning.scalar_name(this.meaning.type_of(call.arguments[1]));
      return scalar === undefined ? undefined : scalar_kind(scalar);
    }
    const kernel = this.meaning.kernel_function_result(call.expression);
    if (kernel !== undefined) {
      const scalar = this.meaning.scalar_name(kernel.result);
      return scalar === undefined ? undefined : scalar_kind(scalar);
    }
    const helper = this.meaning.generator_of(call.expression);
    return helper && this.result_of(helper);
  }

  /** The kind of a name in a destructuring pattern: a field of a view, an element. */
  binding(element: ts.BindingElement): Kind | undefined {
    const type = this.meaning.type_of(element);
    const pattern = this.meaning.type_of(element.parent);
    const fields = this.meaning.fields_of(pattern);
    const name = (element.propertyName ?? element.name).getText();
    const scalar = fields && this.meaning.scalar_name(this.meaning.property(fields, name));
    if (scalar !== undefined) return scalar_kind(scalar);
    if (fields !== undefined && name === "address") return U32;
    return this.#by_type(type) ?? (this.#is_number(type) ? WIDE : undefined);
  }

  /** The kind that a generator function returns: by its annotation (`Steps<i32>`), else by its type. */
  result_of(helper: ts.FunctionDeclaration): Kind | undefined {
    const annotated = annotated_kind(annotated_result(helper.type));
    if (annotated !== undefined) return annotated;
    const { checker } = this.meaning;
    const signature = checker.getSignatureFromDeclaration(helper)!;
    const result = checker.getTypeArguments(checker.getReturnTypeOfSignature(signature) as ts.TypeReference)[1] as
      | ts.Type
      | undefined;
    return this.#by_type(result) ?? (this.#is_number(result) ? WIDE : undefined);
  }

  /** The kind of a parameter of a generator function; undefined when it cannot be passed on the guest stack. */
  parameter(parameter: ts.ParameterDeclaration): Kind | undefined {
    const annotated = annotated_kind(parameter.type);
    if (annotated !== undefined) return annotated;
    const type = this.meaning.type_of(parameter);
    return this.#by_type(type) ?? (this.#is_number(this.meaning.checker.getNonNullableType(type)) ? WIDE : undefined);
  }
}

/** Kind of what `a += b` and the like give. */
function arithmetic_update(a: Kind, b: Kind, operator: ts.SyntaxKind): Kind {
  const kind = arithmetic(a, b);
  return operator === SyntaxKind.MinusEqualsToken && kind.kind === "number" && kind.range === "small" ? I32 : kind;
}

/** Kind of a sum or product. The value is checked when it is stored. */
function arithmetic(a: Kind, b: Kind): Kind {
  const kind = join(a, b);
  return kind?.kind === "number" ? { kind: "number", range: kind.range } : WIDE;
}
