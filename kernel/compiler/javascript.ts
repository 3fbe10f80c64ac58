/** From what the compiler makes, TypeScript still, to a module that Node can load. */
import ts from "typescript-api";
import { Refusal } from "./refusal.ts";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: false,
};

/**
 * A module's JavaScript.
 * @param file its name in messages
 * @param resolve gives the specifier that an import is to have
 * @throws Refusal for what is no TypeScript, and whatever `resolve` throws
 */
export function javascript(text: string, file: string, resolve: (specifier: string) => string): string {
  const redirect: ts.TransformerFactory<ts.SourceFile> = (context) => (source) => {
    const statements = source.statements.map((statement) => {
      const specifier =
        ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement) ? statement.moduleSpecifier : undefined;
      if (specifier === undefined || !ts.isStringLiteral(specifier)) return statement;
      const target = context.factory.createStringLiteral(resolve(specifier.text));
      if (ts.isImportDeclaration(statement)) {
        const { modifiers, importClause, attributes } = statement;
        return context.factory.updateImportDeclaration(statement, modifiers, importClause, target, attributes);
      }
      const { modifiers, isTypeOnly, exportClause, attributes } = statement as ts.ExportDeclaration;
      return context.factory.updateExportDeclaration(
        statement as ts.ExportDeclaration,
        modifiers,
        isTypeOnly,
        exportClause,
        target,
        attributes,
      );
    });
    return context.factory.updateSourceFile(source, statements);
  };
  const { outputText, diagnostics = [] } = ts.transpileModule(text, {
    compilerOptions: options,
    fileName: file,
    reportDiagnostics: true,
    transformers: { after: [redirect] },
  });
  if (diagnostics.length > 0)
    throw new Refusal(
      diagnostics.map(({ file: source, start = 0, messageText }) => {
        const { line, character } = source?.getLineAndCharacterOfPosition(start) ?? { line: 0, character: 0 };
        return { file, line: line + 1, column: character + 1, why: ts.flattenDiagnosticMessageText(messageText, "; ") };
      }),
    );
  return outputText;
}
