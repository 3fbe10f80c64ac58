/**
 * Refuses what a kernel module may not use of JavaScript where it is loaded, to make its tables: the same on every host, and
 * over soon. Only what steps use is looked at more closely (host-use.ts).
 */
import ts from "typescript-api";
import { constant_value } from "./constants.ts";
import { allowed_globals, allowed_members, instead_of_global, instead_of_member } from "./host-names.ts";
import { is_async, is_list_type, type Said, said_of_length } from "./host-use.ts";
import { is_global, library_member } from "./library.ts";
import type { Meaning } from "./meaning.ts";
import { bare, is_value_name } from "./syntax.ts";

const globals: ReadonlySet<string> = new Set(["Array", "Map", "Object", "Set", "Symbol"]);
const lists = ["entries", "keys", "pop", "push", "reverse", "shift", "sort", "unshift", "values"];
const members: Readonly<Record<string, readonly string[]>> = {
  Array: lists,
  ReadonlyArray: ["entries", "keys", "values"],
  ArrayConstructor: ["from", "isArray", "of"],
  Map: ["delete", "entries", "forEach", "keys", "set", "values"],
  ReadonlyMap: ["entries", "forEach", "keys", "values"],
  Set: ["add", "delete", "entries", "forEach", "keys", "values"],
  ReadonlySet: ["entries", "forEach", "keys", "values"],
  ObjectConstructor: ["entries", "freeze", "fromEntries", "keys", "values"],
  SymbolConstructor: ["iterator"],
};
/** What makes longer lists of lists: as often as it is written. */
const multiplying: ReadonlySet<string> = new Set(["concat", "flat", "flatMap", "slice", "toReversed", "toSorted"]);
const LONGEST_LIST = 0x1_0000;
const WRITTEN_ONCE =
  "this would make lists of lists over and over; write it at the top level of the module, or push() the elements";

export class LoadingUse {
  constructor(private readonly meaning: Meaning) {}

  /** What is said of a node of a module. */
  said(node: ts.Node): Said | undefined {
    const why = this.#why(node);
    return why === undefined ? undefined : { node: ts.isPropertyAccessExpression(node) ? node.name : node, why };
  }

  #why(node: ts.Node): string | undefined {
    if (ts.isIdentifier(node)) return this.#global(node);
    if (ts.isPropertyAccessExpression(node)) return this.#member(node);
    if (ts.isRegularExpressionLiteral(node))
      return "a regular expression in a kernel module, where some would never end; compare characters: `startsWith`, `includes`";
    if (ts.isBigIntLiteral(node)) return `\`${node.getText()}\` in a kernel module; ${instead_of_global("BigInt")}`;
    if (ts.isAwaitExpression(node) || is_async(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined))
      return "`async` and `await` in a kernel module, which is loaded at once";
    // Its type, by which steps may know it, tells nothing of the code.
    if (ts.isAccessor(node)) return "a property that runs code in a kernel module; call a function";
    if (ts.isCallExpression(node)) return this.#call(node);
    if (ts.isNewExpression(node)) return this.#made(node);
    if (ts.isSpreadElement(node)) {
      if (!this.#is_list(node.expression)) return "`...` of what is no list in a kernel module";
      return is_repeated(node) && ts.isArrayLiteralExpression(node.parent) ? WRITTEN_ONCE : undefined;
    }
    return undefined;
  }

  #global(node: ts.Identifier): string | undefined {
    if (!is_value_name(node)) return undefined;
    const { text } = node;
    const declaration = this.meaning.symbol_of(node)?.declarations?.[0];
    if (declaration === undefined ? instead_of_global(text) === undefined : !is_global(declaration)) return undefined;
    if (allowed_globals.has(text) || globals.has(text)) return undefined;
    return `\`${text}\` in a kernel module: ${instead_of_global(text) ?? "a kernel has nothing but its guest"}`;
  }

  #member(node: ts.PropertyAccessExpression): string | undefined {
    const owner = library_member(node.name, this.meaning);
    const { text } = node.name;
    if (owner === undefined || /Iterator|Generator/.test(owner)) return undefined;
    if (allowed_members[owner]?.has(text) || members[owner]?.includes(text)) return undefined;
    // A name of the host's is refused for itself.
    if (ts.isIdentifier(node.expression) && this.#global(node.expression) !== undefined) return undefined;
    if (/^(Readonly)?Array$/.test(owner) && multiplying.has(text)) return is_repeated(node) ? WRITTEN_ONCE : undefined;
    return `\`${text}\` in a kernel module: ${instead_of_member(owner, text)}`;
  }

  #call(node: ts.CallExpression): string | undefined {
    if (node.expression.kind === ts.SyntaxKind.ImportKeyword)
      return "`import()` in a kernel module; import at the top of it";
    const callee = bare(node.expression);
    if (!ts.isPropertyAccessExpression(callee)) return undefined;
    const owner = library_member(callee.name, this.meaning);
    if (owner === "ArrayConstructor" && callee.name.text === "from") return this.#from(node.arguments[0]);
    return said_of_length(node, this.meaning);
  }

  #from(source: ts.Expression | undefined): string | undefined {
    if (source === undefined || this.#is_list(source)) return undefined;
    const [length] = ts.isObjectLiteralExpression(source) ? source.properties : [];
    if (length !== undefined && ts.isPropertyAssignment(length)) return this.#length(length.initializer);
    return "`Array.from` takes a list or `{ length: … }`; loop over anything else";
  }

  #length(node: ts.Expression | undefined): string | undefined {
    const length = node && constant_value(node, this.meaning);
    if (length !== undefined && length <= LONGEST_LIST) return undefined;
    return `the length of a list is a constant of at most ${LONGEST_LIST.toLocaleString("en-US")} here`;
  }

  #made(node: ts.NewExpression): string | undefined {
    if (!ts.isIdentifier(node.expression)) return undefined;
    const [first, ...more] = node.arguments ?? [];
    if (first === undefined || !globals.has(node.expression.text)) return undefined;
    if (node.expression.text === "Array") return more.length > 0 ? undefined : this.#length(first);
    return this.#is_list(first)
      ? undefined
      : `\`new ${node.expression.text}\` takes a list; add anything else in a loop`;
  }

  #is_list(node: ts.Expression): boolean {
    return is_list_type(this.meaning.type_of(node), this.meaning);
  }
}

/** Whether a node may be evaluated more than once. */
function is_repeated(node: ts.Node): boolean {
  return ts.findAncestor(node, (at) => ts.isFunctionLike(at) || ts.isIterationStatement(at, false)) !== undefined;
}
