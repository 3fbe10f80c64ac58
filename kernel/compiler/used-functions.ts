/** The functions that hosted code uses within a statement: those that it names, and those behind what it reads and calls. */
import ts from "typescript-api";
import { said_of_namespace } from "./imports.ts";
import type { Meaning } from "./meaning.ts";
import { bare, is_function_literal, is_generator, is_value_name, is_within, is_wrapper } from "./syntax.ts";

/** What a node brings in: functions to look into, or what cannot be looked into. */
export interface Used {
  readonly functions: readonly ts.FunctionLikeDeclaration[];
  readonly unseen?: { readonly node: ts.Node; readonly why: string };
}

const { TypeFlags } = ts;
const PRIMITIVE =
  TypeFlags.StringLike | TypeFlags.NumberLike | TypeFlags.BooleanLike | TypeFlags.Undefined | TypeFlags.Null;
const NOTHING: Used = { functions: [] };

export class UsedFunctions {
  constructor(
    private readonly meaning: Meaning,
    private readonly is_trusted: (file: string) => boolean,
  ) {}

  /** @param root the function that the node is part of */
  of(node: ts.Node, root: ts.Node): Used {
    if (ts.isIdentifier(node)) return is_value_name(node) ? this.#named(node, root) : NOTHING;
    if (ts.isPropertyAccessExpression(node)) return this.#member(node, root);
    if (ts.isCallExpression(node) && !is_stepping(node)) return this.#called(node, root);
    return NOTHING;
  }

  #named(node: ts.Identifier, root: ts.Node): Used {
    const symbol = this.meaning.symbol_of(node);
    const declaration = symbol?.valueDeclaration;
    if (declaration === undefined || this.#is_opaque(declaration)) return NOTHING;
    if (ts.isFunctionDeclaration(declaration)) return this.#function(symbol!, declaration);
    if (ts.isVariableDeclaration(declaration)) {
      const initializer = declaration.initializer && bare(declaration.initializer);
      if (is_function_literal(initializer)) return { functions: [initializer] };
    }
    if (ts.isClassDeclaration(declaration) || is_within(declaration, root) || !this.#is_function(node)) return NOTHING;
    return unseen(node);
  }

  #function(symbol: ts.Symbol, declaration: ts.FunctionDeclaration): Used {
    const text = [declaration, ...(symbol.declarations ?? [])].find(
      (one): one is ts.FunctionDeclaration => ts.isFunctionDeclaration(one) && one.body !== undefined,
    );
    if (text === undefined) return NOTHING;
    // What steps is looked at for itself; a macro, and what yields values, takes the place of its call.
    const is_stepping = text.asteriskToken !== undefined && this.meaning.yields(text) === "steps";
    return is_stepping && !this.meaning.is_macro(text) ? NOTHING : { functions: [text] };
  }

  #member(node: ts.PropertyAccessExpression, root: ts.Node): Used {
    const symbol = this.meaning.checker.getSymbolAtLocation(node.name);
    const declarations = symbol?.declarations?.filter((declaration) => !this.#is_opaque(declaration)) ?? [];
    if (declarations.length === 0) return NOTHING;
    const functions: ts.FunctionLikeDeclaration[] = [];
    for (const declaration of declarations) {
      if (ts.isMethodDeclaration(declaration) || ts.isAccessor(declaration)) functions.push(declaration);
      const initializer =
        ts.isPropertyAssignment(declaration) || ts.isPropertyDeclaration(declaration)
          ? declaration.initializer && bare(declaration.initializer)
          : undefined;
      if (is_function_literal(initializer)) functions.push(initializer);
      if (initializer !== undefined && ts.isIdentifier(initializer))
        functions.push(...this.#named(initializer, root).functions);
    }
    if (functions.length > 0 || !this.#is_function(node)) return { functions };
    const why = said_of_namespace(node, this.meaning);
    return why === undefined ? unseen(node) : { functions, unseen: { node, why } };
  }

  #called(call: ts.CallExpression, root: ts.Node): Used {
    const callee = bare(call.expression);
    if (callee.kind === ts.SyntaxKind.ImportKeyword || is_function_literal(callee)) return NOTHING;
    if (ts.isPropertyAccessExpression(callee))
      return this.meaning.type_of(callee).flags & ts.TypeFlags.Any && this.#is_any(callee.expression)
        ? unseen(callee)
        : NOTHING;
    if (ts.isElementAccessExpression(callee) && ts.isStringLiteralLike(bare(callee.argumentExpression)))
      return unseen(callee.argumentExpression);
    if (!ts.isIdentifier(callee)) return unseen(callee);
    const declaration = this.meaning.symbol_of(callee)?.valueDeclaration;
    if (declaration === undefined || !is_within(declaration, root)) return NOTHING;
    if (ts.isParameter(declaration)) return this.#is_simple(callee, declaration) ? NOTHING : unseen(callee);
    if (ts.isFunctionDeclaration(declaration)) return NOTHING;
    const initializer = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
    return initializer !== undefined && is_function_literal(bare(initializer)) ? NOTHING : unseen(callee);
  }

  /** Whether a parameter is a function that takes none itself, through which it could get at itself; or a macro's. */
  #is_simple(callee: ts.Identifier, parameter: ts.ParameterDeclaration): boolean {
    if (is_generator(parameter.parent)) return true;
    const { checker } = this.meaning;
    return this.meaning
      .type_of(callee)
      .getCallSignatures()
      .every((signature) =>
        signature.getParameters().every((taken) => {
          const type = checker.getNonNullableType(checker.getTypeOfSymbol(taken));
          const parts = type.isUnion() ? type.types : [type];
          return parts.every((part) => (part.flags & PRIMITIVE) !== 0 || this.meaning.fields_of(part) !== undefined);
        }),
      );
  }

  #is_any(node: ts.Expression): boolean {
    return (this.meaning.type_of(node).flags & ts.TypeFlags.Any) !== 0;
  }

  /** Whether a value may be called on the host. */
  #is_function(node: ts.Expression): boolean {
    return (
      this.meaning.type_of(node).getCallSignatures().length > 0 &&
      this.meaning.kernel_function_result(node) === undefined
    );
  }

  /** Whether nothing is known of something but its type. */
  #is_opaque(declaration: ts.Node): boolean {
    const { fileName, isDeclarationFile } = declaration.getSourceFile();
    return isDeclarationFile || this.is_trusted(fileName);
  }
}

/** Whether a call is one on the guest stack, or the expansion of a macro. */
function is_stepping(call: ts.CallExpression): boolean {
  let at: ts.Node = call;
  while (is_wrapper(at.parent)) at = at.parent;
  return ts.isYieldExpression(at.parent);
}

const UNSEEN =
  "what this does cannot be seen here; call a function of a module by its name, and choose among several with `switch`";

function unseen(node: ts.Expression): Used {
  return { functions: [], unseen: { node: ts.isPropertyAccessExpression(node) ? node.name : node, why: UNSEEN } };
}
