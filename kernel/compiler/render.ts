/** Writes an expression or statement of the source as text of a step: names replaced by what they stand for there. */
import ts from "typescript-api";
import { Code, code, list, type Used } from "./code.ts";
import type { Environment } from "./environment.ts";
import { Recomputed, Variable } from "./environment.ts";
import type { Fields, GuestPlace } from "./fields.ts";
import { is_at_module_level, type ModuleNames } from "./imports.ts";
import { is_assignment } from "./inference.ts";
import type { Meaning } from "./meaning.ts";
import { refuse } from "./refusal.ts";
import { is_wrapper } from "./syntax.ts";
import { counts_of } from "./turns.ts";

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly code: Code;
}

export class Renderer {
  constructor(
    private readonly meaning: Meaning,
    private readonly names: ModuleNames,
    private readonly fields: Fields,
  ) {}

  /** The text of a node that contains no step. @throws Refusal */
  render(node: ts.Node, env: Environment): Code {
    const replacements: Replacement[] = [];
    this.#collect(node, env, replacements);
    return this.splice(node, env, replacements);
  }

  /** The text of a node with parts of it replaced. */
  splice(node: ts.Node, env: Environment, replacements: readonly Replacement[]): Code {
    const text = env.file.text;
    const parts: Code[] = [];
    let at = node.getStart(env.file);
    for (const { start, end, code: replacement } of [...replacements].sort((a, b) => a.start - b.start)) {
      parts.push(new Code(text.slice(at, start)), replacement);
      at = end;
    }
    parts.push(new Code(text.slice(at, node.getEnd())));
    return list(parts, "");
  }

  replacement(node: ts.Node, env: Environment, replaced: Code): Replacement {
    return { start: node.getStart(env.file), end: node.getEnd(), code: replaced };
  }

  #collect(node: ts.Node, env: Environment, into: Replacement[]): void {
    if (ts.isTypeNode(node)) return;
    if (ts.isIdentifier(node)) {
      const replaced = this.#name(node, env);
      if (replaced !== undefined) into.push(this.replacement(node, env, replaced));
      return;
    }
    if (ts.isAwaitExpression(node))
      refuse(node, "`await` in hosted code: there is no event loop to wait in; sleep on a wait queue");
    if (ts.isClassExpression(node)) refuse(node, "a class within a hosted function; move it to module level");
    if (node.kind === ts.SyntaxKind.ThisKeyword)
      refuse(node, "`this` has no meaning in hosted code; pass a view or an address");
    if (ts.isCallExpression(node)) {
      this.meaning.check_plain_call(node);
      const called = this.#callback(node, env);
      if (called !== undefined) {
        into.push(this.replacement(node, env, called));
        return;
      }
    }
    const direct = this.#direct(node, env);
    if (direct !== undefined) {
      into.push(this.replacement(node, env, direct));
      return;
    }
    if (ts.isPropertyAccessExpression(node)) {
      this.#collect(node.expression, env, into);
      return;
    }
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) {
      this.#collect(node.initializer, env, into);
      return;
    }
    const { before, behind } = counts_of(node, env.file, this.meaning);
    for (const { at, text } of before) into.push({ start: at, end: at, code: new Code(text) });
    ts.forEachChild(node, (child) => this.#collect(child, env, into));
    for (const { at, text } of behind) into.push({ start: at, end: at, code: new Code(text) });
  }

  /** The scalar in guest memory that an expression names; undefined where a view is needed. */
  place(node: ts.Expression, env: Environment): GuestPlace | undefined {
    return this.fields.place(node, env, this.#inner);
  }

  readonly #inner = (node: ts.Node, env: Environment): Code => this.render(node, env);

  /** The text of an access to guest memory that needs no view; undefined for anything else. */
  #direct(node: ts.Node, env: Environment): Code | undefined {
    if (ts.isPropertyAccessExpression(node)) {
      if (is_target(node)) return undefined;
      if (node.name.text === "address" && !ts.isOptionalChain(node))
        return this.fields.address(node.expression, env, this.#inner);
      return this.place(node, env)?.read;
    }
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined;
    if (!ts.isExpressionStatement(node.parent)) return undefined;
    return this.place(node.left, env)?.write(this.render(node.right, env));
  }

  /** The text for a name; undefined when it stays as it is. */
  #name(node: ts.Identifier, env: Environment): Code | undefined {
    const { parent } = node;
    if (ts.isBindingElement(parent) && parent.propertyName === node) return undefined;
    const symbol = this.meaning.symbol_of(node);
    const binding = env.get(symbol);
    const wrap = (replaced: Code) =>
      ts.isShorthandPropertyAssignment(parent) && replaced.text !== node.text
        ? code`${node.text}: ${replaced}`
        : replaced;
    if (binding !== undefined) {
      if (binding instanceof Variable || binding instanceof Recomputed) return wrap(used(binding, is_target(node)));
      if ("argument" in binding) {
        if (is_target(node))
          refuse(node, `\`${node.text}\` is a macro's parameter and cannot be assigned; copy it to a variable`);
        return wrap(code`(${this.render(binding.argument, binding.env)})`);
      }
      refuse(node, `\`${node.text}\` is a function that a macro got: it can only be called`);
    }
    const inner = symbol && hygienic_name(symbol, env);
    if (inner !== undefined) {
      const is_shorthand =
        ts.isBindingElement(parent) && parent.name === node && ts.isObjectBindingPattern(parent.parent);
      return is_shorthand && parent.propertyName === undefined
        ? new Code(`${node.text}: ${inner}`)
        : wrap(new Code(inner));
    }
    this.#check_name(node, symbol);
    const name = symbol && this.names.name_of(symbol, node, env);
    return name === undefined || name === node.text ? undefined : wrap(new Code(name));
  }

  /** @throws Refusal for names that mean nothing in a step */
  #check_name(node: ts.Identifier, symbol: ts.Symbol | undefined): void {
    if (node.text === "arguments" && symbol?.declarations === undefined)
      refuse(node, "`arguments` in hosted code; name the parameters");
    if (this.meaning.is_type_only(node))
      refuse(node, `\`${node.text}\` is imported as a type only; import it without \`type\` to use it`);
  }

  /** A call of a function that a macro got, expanded. */
  #callback(node: ts.CallExpression, env: Environment): Code | undefined {
    const binding = ts.isIdentifier(node.expression) ? env.get(this.meaning.symbol_of(node.expression)) : undefined;
    if (binding === undefined || !("callback" in binding)) return undefined;
    const { callback } = binding;
    return code`(${this.render(callback, binding.env)})(${list(node.arguments.map((argument) => this.render(argument, env)))})`;
  }
}

/** A name for what a function within a macro declares, so that it hides nothing from the functions that the macro got. */
function hygienic_name(symbol: ts.Symbol, env: Environment): string | undefined {
  const declaration = symbol.valueDeclaration;
  if (env.expanding.length === 0 || declaration === undefined) return undefined;
  if (!ts.isParameter(declaration) && !ts.isVariableDeclaration(declaration) && !ts.isBindingElement(declaration))
    return undefined;
  const is_global = is_at_module_level(declaration) || declaration.getSourceFile().isDeclarationFile;
  return is_global ? undefined : `${symbol.name}$in${env.expanding.length}`;
}

function used(variable: Used, is_assigned: boolean): Code {
  const set = new Set([variable]);
  return new Code(variable.js, set, is_assigned ? set : undefined);
}

/** Whether a name or a place is assigned where it stands. */
export function is_target(node: ts.Expression): boolean {
  let at: ts.Node = node;
  while (is_wrapper(at.parent)) at = at.parent;
  const { parent } = at;
  if (ts.isBinaryExpression(parent) && is_assignment(parent.operatorToken.kind) && parent.left === at) return true;
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
    const { operator } = parent;
    if (operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken) return true;
  }
  if ((ts.isForOfStatement(parent) || ts.isForInStatement(parent)) && parent.initializer === at) return true;
  return is_in_assigned_pattern(at);
}

/** Whether a name is a target in `[a, b] = …` or `({ a } = …)`. */
function is_in_assigned_pattern(node: ts.Node): boolean {
  let at = node;
  while (
    ts.isArrayLiteralExpression(at.parent) ||
    ts.isObjectLiteralExpression(at.parent) ||
    ts.isShorthandPropertyAssignment(at.parent) ||
    ts.isSpreadElement(at.parent) ||
    ts.isSpreadAssignment(at.parent) ||
    (ts.isPropertyAssignment(at.parent) && at.parent.initializer === at)
  )
    at = at.parent;
  return (
    at !== node &&
    ((ts.isBinaryExpression(at.parent) &&
      at.parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      at.parent.left === at) ||
      (ts.isForOfStatement(at.parent) && at.parent.initializer === at))
  );
}
