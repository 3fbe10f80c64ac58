/** What TypeScript's types and symbols mean for hosted code: views, kernel functions, the declarations of `host/`. */
import ts from "typescript-api";
import type { StructReference } from "./kinds.ts";
import { refuse } from "./refusal.ts";
import { is_host_file } from "./trusted.ts";

/** Functions of `host/` that the compiler knows, by name. */
export const declaring_functions = [
  "kernel_function",
  "asm_function",
  "smp_function",
  "config_function",
  "kernel_variable",
  "kernel_table",
  "per_cpu",
  "per_cpu_table",
  "cstring",
  "struct",
] as const;
/** Those that give the machine of the moment: a constant that holds their result is looked up anew in each step. */
const ambient_functions = ["memory", "cpu"];

export class Meaning {
  readonly #types = new Map<ts.Node, ts.Type>();
  readonly #fields = new Map<ts.Type, ts.Type | undefined>();

  constructor(readonly checker: ts.TypeChecker) {}

  /** The type of an expression or a name where it stands. */
  type_of(node: ts.Node): ts.Type {
    let type = this.#types.get(node);
    if (type === undefined) this.#types.set(node, (type = this.checker.getTypeAtLocation(node)));
    return type;
  }

  /** The symbol that an identifier stands for, behind imports; undefined for what has none. */
  symbol_of(node: ts.Node): ts.Symbol | undefined {
    const shorthand = ts.isShorthandPropertyAssignment(node.parent) && node.parent.name === node;
    const symbol = shorthand
      ? this.checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.checker.getSymbolAtLocation(node);
    return symbol && this.behind_import(symbol);
  }

  behind_import(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  /** The name of the function of `host/` that an expression is, else undefined. */
  host_function(callee: ts.Expression): string | undefined {
    if (!ts.isIdentifier(callee)) return undefined;
    const declaration = this.symbol_of(callee)?.declarations?.[0];
    if (declaration === undefined || !ts.isFunctionDeclaration(declaration)) return undefined;
    return is_host_file(declaration.getSourceFile().fileName) ? declaration.name?.text : undefined;
  }

  /** Whether an expression is `memory()` or `cpu()`. */
  is_ambient(expression: ts.Expression): boolean {
    return (
      ts.isCallExpression(expression) &&
      expression.arguments.length === 0 &&
      ambient_functions.includes(this.host_function(expression.expression) ?? "")
    );
  }

  /** The struct that a type is a view of. `undefined` in a union is passed over. */
  struct_of(type: ts.Type): StructReference | undefined {
    const fields = this.fields_of(type);
    const literal = fields?.symbol?.declarations?.[0];
    let at: ts.Node | undefined = literal;
    while (at !== undefined && !ts.isVariableDeclaration(at)) at = at.parent;
    if (literal === undefined || at === undefined) return undefined;
    const symbol = this.checker.getSymbolAtLocation(at.name);
    if (symbol === undefined) return undefined;
    const type_of_symbol = this.checker.getTypeOfSymbol(symbol);
    // The table of fields may have been given a name of its own.
    if (this.literal_of(type_of_symbol, "kind") !== "struct") return undefined;
    const name = this.literal_of(type_of_symbol, "name");
    return { symbol, name: name ?? symbol.name };
  }

  /** What is said of a view whose type does not lead to its struct's declaration; undefined for all other types. */
  said_of_view(type: ts.Type): string | undefined {
    if (this.fields_of(type) === undefined || this.struct_of(type) !== undefined) return undefined;
    return (
      "is a view of a struct whose declaration is not found from here; " +
      'structs are declared as `const name = struct("name", { … })` at the top level of a module, fields written out'
    );
  }

  /** The table of fields behind a view's type. */
  fields_of(type: ts.Type): ts.Type | undefined {
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection | ts.TypeFlags.Union))) return undefined;
    if (this.#fields.has(type)) return this.#fields.get(type);
    const view = this.checker.getNonNullableType(type);
    const marker = view.getProperties().find((property) => property.name.startsWith("__@view_of"));
    const fields = marker && this.checker.getNonNullableType(this.checker.getTypeOfSymbol(marker));
    this.#fields.set(type, fields);
    return fields;
  }

  /** Whether a variable's type, as declared, has undefined in it. */
  may_be_undefined(name: ts.Identifier): boolean {
    const type = this.type_of(name);
    return (type.isUnion() ? type.types : [type]).some(({ flags }) => (flags & ts.TypeFlags.Undefined) !== 0);
  }

  /** The type of a property of a type; undefined if it has none of that name. */
  property(type: ts.Type, name: string): ts.Type | undefined {
    const property = type.flags & ts.TypeFlags.Any ? undefined : this.checker.getPropertyOfType(type, name);
    return property && this.checker.getTypeOfSymbol(property);
  }

  /** The text of a property whose type is a string literal. */
  literal_of(type: ts.Type | undefined, name: string): string | undefined {
    const found = type && this.property(type, name);
    return found?.isStringLiteral() ? found.value : undefined;
  }

  /** Name of the scalar that a type of `host/types.ts` is (`u32`, `task_struct *`). */
  scalar_name(type: ts.Type | undefined): string | undefined {
    return this.literal_of(type, "kind") === "scalar" ? this.literal_of(type, "name") : undefined;
  }

  /** What a kernel function or assembly function returns, by its own declaration: a scalar type, or `undefined`. */
  kernel_function_result(callee: ts.Expression): { readonly result: ts.Type | undefined } | undefined {
    const type = this.type_of(callee);
    if (this.property(type, "symbol") === undefined || this.property(type, "address") === undefined) return undefined;
    return { result: this.property(type, "returns") };
  }

  /** The symbol without which a kernel leaves calls of a callee out (`CONFIG_SMP`); undefined for one that is always called. */
  configured_by(callee: ts.Expression): string | undefined {
    return this.literal_of(this.type_of(callee), "configured_by");
  }

  /** The type of a kernel variable's `value`; undefined for what is no kernel variable. */
  variable_type(node: ts.Expression): ts.Type | undefined {
    const type = this.type_of(node);
    return this.property(type, "value") && this.property(type, "address") && this.property(type, "type");
  }

  /** The type of an array view's elements; undefined for what is none. */
  element_type(node: ts.Expression): ts.Type | undefined {
    const array = this.property(this.type_of(node), "type");
    return this.literal_of(array, "kind") === "array" ? this.property(array!, "element") : undefined;
  }

  /** Whether a place is in guest memory: a field of a view, the value of a variable. */
  is_guest_place(node: ts.Expression): node is ts.PropertyAccessExpression {
    if (!ts.isPropertyAccessExpression(node)) return false;
    if (node.name.text === "address") return false;
    if (this.fields_of(this.type_of(node.expression)) !== undefined) return true;
    return node.name.text === "value" && this.variable_type(node.expression) !== undefined;
  }

  /** The generator function that a callee names; undefined for anything else. One in a .d.ts file has no body. */
  generator_of(callee: ts.Expression): ts.FunctionDeclaration | undefined {
    const declaration = ts.isIdentifier(callee) ? this.symbol_of(callee)?.valueDeclaration : undefined;
    if (declaration === undefined || !ts.isFunctionDeclaration(declaration)) return undefined;
    if (declaration.asteriskToken !== undefined) return declaration;
    if (declaration.body !== undefined) return undefined;
    const signature = this.checker.getSignatureFromDeclaration(declaration);
    return signature?.getReturnType().symbol?.name === "Generator" ? declaration : undefined;
  }

  /** Whether a callee is called on the guest stack. */
  steps(callee: ts.Expression): boolean {
    if (!ts.isIdentifier(callee)) return false;
    if (this.host_function(callee) === "call_pointer") return true;
    const generator = this.generator_of(callee);
    if (generator !== undefined) return this.yields(generator) === "steps";
    const declaration = this.symbol_of(callee)?.valueDeclaration;
    return (
      declaration !== undefined &&
      ts.isVariableDeclaration(declaration) &&
      this.kernel_function_result(callee) !== undefined
    );
  }

  /** @throws Refusal for a call that needs `yield*` and has none */
  check_plain_call(node: ts.CallExpression): void {
    if (ts.isYieldExpression(node.parent) || !this.steps(node.expression)) return;
    refuse(node, `${node.expression.getText()} is a function in guest memory: call it with \`yield*\``);
  }

  /** Whether a name was imported as a type only. */
  is_type_only(node: ts.Identifier): boolean {
    const symbol = this.checker.getSymbolAtLocation(node);
    if (symbol === undefined || !(symbol.flags & ts.SymbolFlags.Alias)) return false;
    const declaration = symbol.declarations?.[0];
    return declaration !== undefined && ts.isTypeOnlyImportDeclaration(declaration);
  }

  /** What a generator function yields: `steps` for one that calls kernel functions, `values` for an iteration. */
  yields(declaration: ts.FunctionDeclaration): "steps" | "values" {
    const signature = this.checker.getSignatureFromDeclaration(declaration)!;
    const [yielded] = this.checker.getTypeArguments(
      this.checker.getReturnTypeOfSignature(signature) as ts.TypeReference,
    );
    if (yielded === undefined || yielded.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never | ts.TypeFlags.Void))
      return "steps";
    const parts = yielded.isUnion() ? yielded.types : [yielded];
    return parts.some((part) => part.symbol?.name === "GuestCall") ? "steps" : "values";
  }

  /** Whether a generator function has to be expanded where it is used: it takes a function or a text, or says `@inline`. */
  is_macro(declaration: ts.FunctionDeclaration): boolean {
    if (ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === "inline")) return true;
    return declaration.parameters.some((parameter) => {
      const type = this.type_of(parameter);
      return type.getCallSignatures().length > 0 || (type.flags & ts.TypeFlags.StringLike) !== 0;
    });
  }
}
