/** From what the compiler makes, TypeScript still, to a module that Node can load. */
import ts from "typescript-api";
import { place_of_diagnostic } from "./diagnostics.ts";
import { Refusal } from "./refusal.ts";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: false,
  sourceMap: true,
};

export interface JavaScript {
  readonly code: string;
  /** From it back to the text; JSON. */
  readonly map: string;
}

/** An import or re-export in a text. */
export interface Import {
  readonly specifier: string;
  /** Where the specifier stands, from 1. */
  readonly line: number;
  readonly column: number;
}

/** What a text imports. */
export function imports_of(text: string): Import[] {
  const source = ts.createSourceFile("", text, ts.ScriptTarget.Latest);
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => {
    const { line, character } = source.getLineAndCharacterOfPosition(pos);
    return { specifier: fileName, line: line + 1, column: character + 1 };
  });
}

/**
 * A module's JavaScript.
 * @param file its name in messages
 * @param resolve gives the specifier that an import is to have
 * @throws Refusal for what is no TypeScript, and whatever `resolve` throws
 */
export function javascript(text: string, file: string, resolve: (specifier: string) => string): JavaScript {
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
  const {
    outputText,
    sourceMapText,
    diagnostics = [],
  } = ts.transpileModule(text, {
    compilerOptions: options,
    fileName: file,
    reportDiagnostics: true,
    transformers: { after: [redirect] },
  });
  if (diagnostics.length > 0) throw new Refusal(diagnostics.map((found) => place_of_diagnostic(found, file)));
  return { code: outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"), map: sourceMapText! };
}
