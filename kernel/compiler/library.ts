/** What is JavaScript's own, as TypeScript's library declares it. */
import ts from "typescript-api";
import type { Meaning } from "./meaning.ts";

const LIBRARY = /\/lib\.[a-z0-9.]+\.d\.ts$/;

/** The interface of TypeScript's library that declares a member; undefined for members of anything else. */
export function library_member(name: ts.Node, meaning: Meaning): string | undefined {
  const declaration = meaning.checker.getSymbolAtLocation(name)?.declarations?.[0];
  if (declaration === undefined || !is_of_library(declaration)) return undefined;
  return (declaration.parent as { readonly name?: ts.Identifier }).name?.text ?? "";
}

/** Whether TypeScript's library declares something. */
export function is_of_library(declaration: ts.Node): boolean {
  return LIBRARY.test(declaration.getSourceFile().fileName);
}

/** Whether something is declared for every file, by none that could be imported. */
export function is_global(declaration: ts.Node): boolean {
  if (!ts.isExternalModule(declaration.getSourceFile())) return true;
  const is_ambient = (node: ts.Node) =>
    ts.isModuleDeclaration(node) &&
    (ts.isStringLiteral(node.name) || (node.flags & ts.NodeFlags.GlobalAugmentation) !== 0);
  return ts.findAncestor(declaration, is_ambient) !== undefined;
}
