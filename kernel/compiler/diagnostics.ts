/** What TypeScript says of a file, in the form of the compiler's own messages. */
import ts from "typescript-api";
import { instead_of_global } from "./host-names.ts";
import { Meaning } from "./meaning.ts";
import { recursive_around, said_of_recursion } from "./recursion.ts";
import { place_of, type RefusedPlace } from "./refusal.ts";

/** What is wrong with the syntax of a file. */
export function syntax_errors(program: ts.Program, file: string): RefusedPlace[] {
  const found = program.getSyntacticDiagnostics(program.getSourceFile(file));
  return found.map((diagnostic) => place_of_diagnostic(diagnostic, file));
}

/** What is wrong with the syntax and the types of a file. */
export function diagnosed(program: ts.Program, file: string): RefusedPlace[] {
  const source = program.getSourceFile(file);
  const syntactic = syntax_errors(program, file);
  if (syntactic.length > 0) return syntactic;
  const meaning = new Meaning(program.getTypeChecker());
  return program.getSemanticDiagnostics(source).flatMap((diagnostic) => {
    const place = place_of_diagnostic(diagnostic, file);
    if (source === undefined) return [place];
    const node = node_at(source, diagnostic);
    // What TypeScript finds within a recursive function is said once, at its name.
    const name = CIRCULAR.has(diagnostic.code) ? recursive_around(node, meaning) : undefined;
    const recursion = name && said_of_recursion(name, meaning);
    if (name !== undefined && recursion !== undefined) return [{ ...place_of(name), why: recursion }];
    const why = in_kernel_terms(node, diagnostic, meaning);
    return [why === undefined ? place : { ...place, why }];
  });
}

/** Of a name, a function declaration and a function without a type: "… implicitly has … 'any' because it … is referenced …". */
const CIRCULAR: ReadonlySet<number> = new Set([7022, 7023, 7024]);

/** @param file its name in the message */
export function place_of_diagnostic(diagnostic: ts.Diagnostic, file: string): RefusedPlace {
  const { file: source, start = 0, messageText } = diagnostic;
  const { line, character } = source?.getLineAndCharacterOfPosition(start) ?? { line: 0, character: 0 };
  const chain = ts.flattenDiagnosticMessageText(messageText, "\n").split(/\n\s*/);
  // Between what does not fit and the reason at the end are the steps of a proof.
  const why = chain.length > 2 ? `${chain[0]} ${chain.at(-1)}` : chain.join(" ");
  return { file, line: line + 1, column: character + 1, why };
}

/** The node that a diagnostic is about. */
function node_at(source: ts.SourceFile, { start = 0, length = 0 }: ts.Diagnostic): ts.Node {
  let at: ts.Node = source;
  for (;;) {
    const inner: ts.Node | undefined = ts.forEachChild(at, (child) =>
      child.getStart(source) <= start && child.getEnd() >= start + length ? child : undefined,
    );
    if (inner === undefined) return at;
    at = inner;
  }
}

/** What is better said of the kernel than of TypeScript's types. */
function in_kernel_terms(node: ts.Node, { messageText }: ts.Diagnostic, meaning: Meaning): string | undefined {
  const instead = ts.isIdentifier(node) ? instead_of_global(node.text) : undefined;
  if (instead !== undefined && meaning.symbol_of(node) === undefined)
    return `there is no ${node.getText()} in the kernel; ${instead}`;
  if (ts.isIdentifier(node) && ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) {
    const struct = meaning.struct_of(meaning.type_of(node.parent.expression));
    const is_unknown = meaning.property(meaning.type_of(node.parent.expression), node.text) === undefined;
    const [, near] = /Did you mean '(\w+)'/.exec(ts.flattenDiagnosticMessageText(messageText, " ")) ?? [];
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    if (struct !== undefined && is_unknown) return `struct ${struct.name} has no ${node.text}${hint}`;
  }
  const call = ts.isFunctionExpression(node) ? node.parent : node.parent?.parent;
  const is_body =
    call !== undefined &&
    ts.isCallExpression(call) &&
    call.arguments[3] === (node.parent === call ? node : node.parent);
  if (is_body && meaning.host_function((call as ts.CallExpression).expression) === "kernel_function") {
    const chain = ts.flattenDiagnosticMessageText(messageText, "\n").split(/\n\s*/);
    const [, has, wants] = /^Type '(.+)' is not assignable to type '(.+)'\.$/.exec(chain.at(-1)!) ?? [];
    if (has !== undefined && wants !== undefined)
      return wants === "void"
        ? `the function returns ${has}, and its declaration has no result type`
        : `the function returns ${has === "void" ? "nothing in some or all cases" : has}, where its declaration says ${wants}`;
  }
  return undefined;
}
