/**
 * Refuses what of JavaScript hosted code has no use for: what is different on every host or in every run, what has a
 * memory of its own, and what may go on for ever within one statement.
 */
import ts from "typescript-api";
import { constant_value } from "./constants.ts";
import {
  allowed_globals,
  allowed_members,
  changing_members,
  instead_of_global,
  instead_of_member,
  LONGEST_TEXT,
  lengthening,
  list_changing,
  namespaces,
} from "./host-names.ts";
import { made_here, module_variable, said_of_core } from "./host-state.ts";
import { is_global, is_of_library, library_member } from "./library.ts";
import type { Meaning } from "./meaning.ts";
import { on_host } from "./refusal.ts";
import { bare, enclosing_function, is_function_literal, is_value_name } from "./syntax.ts";

const { SyntaxKind } = ts;
/** Values that are no functions and no objects. */
const plain_values: ReadonlySet<string> = new Set(["undefined", "NaN", "Infinity"]);
/** Names by which a value gets at more than is its own. */
const reflective: ReadonlySet<string> = new Set(["constructor", "prototype", "__proto__", "caller", "callee"]);
/** Operators that ask an object for a number or a text. */
const converting: ReadonlySet<ts.SyntaxKind> = new Set([
  ...[SyntaxKind.PlusToken, SyntaxKind.PlusEqualsToken, SyntaxKind.LessThanToken, SyntaxKind.GreaterThanToken],
  ...[SyntaxKind.LessThanEqualsToken, SyntaxKind.GreaterThanEqualsToken],
  ...[SyntaxKind.EqualsEqualsToken, SyntaxKind.ExclamationEqualsToken],
]);

export interface Said {
  readonly node: ts.Node;
  readonly why: string;
}

export class HostUse {
  constructor(private readonly meaning: Meaning) {}

  /**
   * What is said of a node of a function.
   * @param root the function whose call the node is part of
   * @param stepping the function itself, if its statements are steps
   */
  said(node: ts.Node, root: ts.Node, stepping: ts.Node | undefined): Said | undefined {
    if (ts.isIdentifier(node)) return say(node, this.#global(node));
    const core = said_of_core(node, this.meaning);
    if (core !== undefined) return { node, why: core };
    if (ts.isPropertyAccessExpression(node)) return this.#member_of(node, node.expression, node.name, root);
    if (ts.isElementAccessExpression(node)) {
      const key = bare(node.argumentExpression);
      return ts.isStringLiteralLike(key) ? this.#member_of(node, node.expression, key, root) : undefined;
    }
    if (ts.isObjectBindingPattern(node)) return this.#pattern(node);
    if (ts.isCallExpression(node)) return this.#call(node);
    return say(node, this.#syntax(node, stepping));
  }

  #syntax(node: ts.Node, stepping: ts.Node | undefined): string | undefined {
    if (ts.isRegularExpressionLiteral(node))
      return "a regular expression in hosted code, where some would never end; compare characters: `startsWith`, `includes`, `charCodeAt`";
    if (ts.isBigIntLiteral(node)) return `\`${node.getText()}\` in hosted code; ${instead_of_global("BigInt")}`;
    if (ts.isTaggedTemplateExpression(node)) return "a tagged template in hosted code; call a function with the values";
    if (ts.isMetaProperty(node)) return `\`${node.getText()}\` in hosted code, which has nothing but the guest`;
    if (node.kind === SyntaxKind.ThisKeyword) return "`this` has no meaning in hosted code; pass a view or an address";
    if (ts.isGetAccessor(node) || ts.isSetAccessor(node))
      return "a property that runs code in hosted code; call a function";
    if (ts.isThrowStatement(node) && !ts.isNewExpression(bare(node.expression)))
      return 'what is thrown is written as `new Error("…")`: its text becomes that of the oops';
    if (ts.isAwaitExpression(node))
      return "`await` in hosted code: there is no event loop to wait in; sleep on a wait queue";
    if (is_async(node)) return "`async` in hosted code: there is no event loop to wait in; sleep on a wait queue";
    if (ts.isPrefixUnaryExpression(node) && this.#is_object(node.operand))
      return node.operator === SyntaxKind.ExclamationToken ? undefined : is_no_number(node.operand);
    if (ts.isNewExpression(node)) return this.#made(node);
    if (ts.isSpreadElement(node)) return this.#spread(node);
    if (ts.isArrayBindingPattern(node)) return this.#taken_apart(this.#source_of(node));
    if (ts.isForOfStatement(node) && (stepping === undefined || enclosing_function(node) !== stepping))
      return this.#is_loopable(node.expression)
        ? undefined
        : "this loop would run an iterator of the host's; loop over a list, or over a `function*` that yields";
    if (ts.isBinaryExpression(node)) return this.#operation(node);
    if (ts.isTemplateSpan(node) && this.#is_object(node.expression))
      return `\`${node.expression.getText()}\` is an object: a text is made of numbers and texts`;
    return undefined;
  }

  /** A name of the host's. */
  #global(node: ts.Identifier): string | undefined {
    if (!is_value_name(node)) return undefined;
    const { text } = node;
    const symbol = this.meaning.symbol_of(node);
    const declaration = symbol?.declarations?.[0];
    if (text === "globalThis") return "`globalThis` is the host's; hosted code has nothing but the guest";
    if (text === "arguments" && declaration === undefined) return "`arguments` in hosted code; name the parameters";
    if (declaration === undefined ? instead_of_global(text) === undefined : !is_global(declaration)) return undefined;
    if (plain_values.has(text)) return undefined;
    if (!allowed_globals.has(text))
      return `\`${text}\` in hosted code: ${instead_of_global(text) ?? "it is the host's; hosted code has nothing but the guest"}`;
    const { parent } = node;
    const is_asked = (ts.isPropertyAccessExpression(parent) || is_named_element(parent)) && parent.expression === node;
    const is_called = (ts.isCallExpression(parent) || ts.isNewExpression(parent)) && parent.expression === node;
    const is_compared =
      ts.isBinaryExpression(parent) &&
      parent.operatorToken.kind === SyntaxKind.InstanceOfKeyword &&
      parent.right === node;
    if (is_asked || is_compared || (is_called && !namespaces.has(text))) return undefined;
    return `\`${text}\` as a value in hosted code; write ${namespaces.has(text) ? `\`${text}.…\`` : `\`${text}(…)\``} where it is used`;
  }

  #member_of(
    node: ts.Expression,
    object: ts.Expression,
    name: ts.Node & { readonly text: string },
    root: ts.Node,
  ): Said | undefined {
    // Of what is refused for itself.
    if (ts.isIdentifier(object) && this.#global(object) !== undefined) return undefined;
    if (list_changing.has(name.text) && made_here(object, root, this.meaning) === "list") return undefined;
    return this.#member(node, object, name, this.meaning.checker.getSymbolAtLocation(name));
  }

  #member(
    node: ts.Node,
    object: ts.Expression | undefined,
    name: ts.Node & { readonly text: string },
    symbol: ts.Symbol | undefined,
  ): Said | undefined {
    const declaration = symbol?.declarations?.[0];
    if (declaration === undefined || !is_of_library(declaration)) {
      if (!reflective.has(name.text)) return undefined;
      if (object !== undefined && this.meaning.fields_of(this.meaning.type_of(object)) !== undefined) return undefined;
      return { node: name, why: `\`${name.text}\` in hosted code: ${instead_of_global("Reflect")}` };
    }
    const owner = (declaration.parent as { readonly name?: ts.Identifier }).name?.text ?? "";
    if (allowed_members[owner.replace(/^(Range|Type)Error$/, "Error")]?.has(name.text)) return undefined;
    if (object !== undefined && changing_members.has(name.text)) {
      const variable = module_variable(object, this.meaning);
      if (variable !== undefined) return { node, why: on_host(variable.text) };
    }
    const full = owner === "Math" || owner.endsWith("Constructor") ? `${owner.replace(/Constructor$/, "")}.` : "";
    return { node: name, why: `\`${full}${name.text}\` in hosted code: ${instead_of_member(owner, name.text)}` };
  }

  #pattern(node: ts.ObjectBindingPattern): Said | undefined {
    const type = this.meaning.type_of(node);
    for (const element of node.elements) {
      const name = element.propertyName ?? element.name;
      if (!ts.isIdentifier(name) && !ts.isStringLiteral(name)) continue;
      const said = this.#member(element, undefined, name, this.meaning.checker.getPropertyOfType(type, name.text));
      if (said !== undefined) return said;
    }
    return undefined;
  }

  #call(node: ts.CallExpression): Said | undefined {
    if (node.expression.kind === SyntaxKind.ImportKeyword)
      return { node, why: "`import()` in hosted code; import at the top of the module" };
    const callee = bare(node.expression);
    if (ts.isIdentifier(callee) && /^(String|Number)$/.test(callee.text)) return this.#converted(node);
    const named = this.#named_function(node);
    if (named !== undefined) return { node: named, why: `write the function out: \`(x) => ${named.getText()}(x)\`` };
    if (!ts.isPropertyAccessExpression(callee)) return undefined;
    const declaration = this.meaning.checker.getSymbolAtLocation(callee.name)?.declarations?.[0];
    if (declaration === undefined || !is_of_library(declaration)) return undefined;
    const method = callee.name.text;
    if (method === "stringify") return this.#converted(node);
    if (method === "join" && this.#has_objects(callee.expression))
      return { node: callee.name, why: "`join` of objects: a text is made of numbers and texts" };
    const length = said_of_length(node, this.meaning);
    return length === undefined ? undefined : { node: node.arguments[0] ?? node, why: length };
  }

  /** An argument that is a function of the host, and not written out, which is where its calls are counted. */
  #named_function(node: ts.CallExpression): ts.Expression | undefined {
    if (ts.isYieldExpression(node.parent) || this.meaning.generator_of(node.expression) !== undefined) return undefined;
    return node.arguments.find(
      (argument) =>
        !is_function_literal(argument) &&
        !this.#is_parameter(argument) &&
        this.meaning.type_of(argument).getCallSignatures().length > 0 &&
        this.meaning.kernel_function_result(argument) === undefined,
    );
  }

  #is_parameter(node: ts.Expression): boolean {
    const declaration = ts.isIdentifier(node) ? this.meaning.symbol_of(node)?.valueDeclaration : undefined;
    return declaration !== undefined && ts.isParameter(declaration);
  }

  /** `String(x)`, `JSON.stringify(x)`: of an object, they run what it says. */
  #converted(node: ts.CallExpression): Said | undefined {
    const object = node.arguments.find((argument) => this.#is_object(argument));
    return object && { node: object, why: `\`${object.getText()}\` is an object: a text is made of numbers and texts` };
  }

  #made(node: ts.NewExpression): string | undefined {
    if (!ts.isIdentifier(node.expression)) return "what is made here cannot be seen; name its class";
    const declaration = this.meaning.symbol_of(node.expression)?.valueDeclaration;
    // Names of the host are refused for themselves.
    if (declaration === undefined) return undefined;
    if (is_global(declaration)) {
      const { text } = node.expression;
      return allowed_globals.has(text) && !text.endsWith("Error")
        ? `\`new ${text}\` in hosted code; call it`
        : undefined;
    }
    if (ts.isClassDeclaration(declaration) && is_plain_error(declaration)) return undefined;
    return `\`new ${node.expression.text}\` in hosted code: an object with state on the host; use a struct and functions`;
  }

  #spread(node: ts.SpreadElement): string | undefined {
    const { parent } = node;
    if (!ts.isCallExpression(parent))
      return "`...` in a list: lists of hosted code do not grow; write the elements out";
    if (ts.isYieldExpression(parent.parent)) return undefined;
    const callee = bare(parent.expression);
    const is_math = ts.isPropertyAccessExpression(callee) && ts.isIdentifier(callee.expression);
    if (!is_math || (callee.expression as ts.Identifier).text !== "Math")
      return "`...` in a call in hosted code; write the arguments out";
    return this.#is_list(node.expression) ? undefined : "`...` of what is no list in hosted code";
  }

  #source_of(node: ts.ArrayBindingPattern): ts.Node {
    const { parent } = node;
    return ts.isVariableDeclaration(parent) && parent.initializer !== undefined ? parent.initializer : node;
  }

  #taken_apart(source: ts.Node): string | undefined {
    return this.#is_list(source)
      ? undefined
      : "a pattern in `[…]` would run an iterator of the host's; take a list apart";
  }

  #is_loopable(node: ts.Expression): boolean {
    if (this.#is_list(node) || this.meaning.type_of(node).flags & ts.TypeFlags.StringLike) return true;
    const { checker } = this.meaning;
    if (checker.getTypeAtLocation(node).flags & ts.TypeFlags.StringLike) return true;
    return ts.isCallExpression(node) && this.meaning.generator_of(node.expression) !== undefined;
  }

  #is_list(node: ts.Node): boolean {
    return is_list_type(this.meaning.type_of(node), this.meaning);
  }

  #has_objects(list: ts.Expression): boolean {
    const element = this.meaning.type_of(list).getNumberIndexType();
    return element !== undefined && is_object(element);
  }

  #operation({ operatorToken: { kind }, left, right }: ts.BinaryExpression): string | undefined {
    if (kind === SyntaxKind.EqualsToken && ts.isArrayLiteralExpression(left)) return this.#taken_apart(right);
    if (!converting.has(kind)) return undefined;
    const sides = [left, right].filter((side) => this.#is_object(side));
    // `x != undefined` compares, and asks for nothing.
    const is_equality = kind === SyntaxKind.EqualsEqualsToken || kind === SyntaxKind.ExclamationEqualsToken;
    if (sides.length === 0 || (is_equality && [left, right].some((side) => this.#is_nothing(side)))) return undefined;
    return is_no_number(sides[0]);
  }

  #is_object(node: ts.Expression): boolean {
    return is_object(this.meaning.type_of(node));
  }

  #is_nothing(node: ts.Expression): boolean {
    return (this.meaning.type_of(node).flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)) !== 0;
  }
}

/** What is said of a call that makes a text as long as it is told. */
export function said_of_length(call: ts.CallExpression, meaning: Meaning): string | undefined {
  const callee = bare(call.expression);
  if (!ts.isPropertyAccessExpression(callee) || !lengthening.has(callee.name.text)) return undefined;
  if (library_member(callee.name, meaning) === undefined) return undefined;
  const length = call.arguments[0] && constant_value(call.arguments[0], meaning);
  if (length !== undefined && length <= LONGEST_TEXT) return undefined;
  const most = LONGEST_TEXT.toLocaleString("en-US");
  return `\`${callee.name.text}\` in hosted code takes a constant of at most ${most}; make longer texts in a loop`;
}

/** Whether a type is a list: iterating over it runs nobody's code, and ends. */
export function is_list_type(type: ts.Type, { checker }: Meaning): boolean {
  const parts = type.isUnion() ? type.types : [type];
  return parts.every(
    (part) => checker.isArrayType(part) || checker.isTupleType(part) || /^U?[Ii]nt\d+Array$/.test(part.symbol?.name),
  );
}

/** Whether a function goes on after the statement that has called it. */
export function is_async(node: ts.Node): boolean {
  return (
    ts.isFunctionLike(node) &&
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some(({ kind }) => kind === SyntaxKind.AsyncKeyword) ?? false)
  );
}

function is_no_number(node: ts.Node): string {
  return `\`${node.getText()}\` is an object: arithmetic takes numbers; an address is \`.address\``;
}

function say(node: ts.Node, why: string | undefined): Said | undefined {
  return why === undefined ? undefined : { node, why };
}

function is_named_element(node: ts.Node): node is ts.ElementAccessExpression {
  return ts.isElementAccessExpression(node) && ts.isStringLiteralLike(bare(node.argumentExpression));
}

function is_object(type: ts.Type): boolean {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some(({ flags }) => (flags & (ts.TypeFlags.Object | ts.TypeFlags.NonPrimitive)) !== 0);
}

/** A class of errors that adds nothing but constants. */
function is_plain_error(declaration: ts.ClassDeclaration): boolean {
  const [base] = declaration.heritageClauses?.[0]?.types ?? [];
  if (base === undefined || !/^(Range|Type)?Error$/.test(base.expression.getText())) return false;
  return declaration.members.every(
    (member) =>
      ts.isPropertyDeclaration(member) && (member.initializer === undefined || ts.isStringLiteral(member.initializer)),
  );
}
