/** Imports point one way: what docs/architecture.md says of folders; and nowhere do they go round. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript-api";
import { expect, it } from "vitest";

/** What the files of a folder may import, beside their own folder. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  emulator: [],
  asm: [],
  boot: ["asm", "emulator"],
  user: ["asm", "boot", "kernel"],
  kernel: ["asm", "boot", "emulator"],
  debug: ["asm", "boot", "emulator", "kernel"],
  prebuilt: ["asm", "emulator", "kernel", "user"],
  testing: ["asm", "boot", "debug", "emulator", "kernel", "prebuilt", "user"],
  cli: ["asm", "boot", "debug", "emulator", "kernel", "prebuilt", "user"],
};

/** What the sources of a folder import: both names below the project; whether it is only a type. */
function importsIn(folder: string): (readonly [file: string, imported: string, isType: boolean])[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files.flatMap((name) => {
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    const language = { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: ts.JSDocParsingMode.ParseNone };
    const source = ts.createSourceFile(file, text, language);
    // Within statements there are imports only where that is written.
    const isWithin = text.includes("import(");
    const found: (readonly [string, string, boolean])[] = [];
    const add = (specifier: ts.Node | undefined, isType: boolean) => {
      if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
      found.push([file, join(file, "..", specifier.text), isType]);
    };
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node));
      else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
      else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
      else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
        add(node.arguments[0], false);
      }
      if (isWithin || node === source) ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  const { name, namedBindings, isTypeOnly } = importClause;
  if (isTypeOnly) return true;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

const IMPORTS = new Map(Object.keys(MAY_IMPORT).map((folder) => [folder, importsIn(folder)]));
const ALL_IMPORTS = [...IMPORTS.values()].flat();

it.each(Object.entries(MAY_IMPORT))("%s imports %j", (folder, others) => {
  const allowed = new RegExp(`^((${[folder, ...others].join("|")})/|[^/]*$)`);
  expect(IMPORTS.get(folder)!.filter(([, imported]) => !allowed.test(imported))).toEqual([]);
});

it.each(["host", "compiler"])("kernel/%s knows nothing of the kernel that is made with it", (folder) => {
  const allowed = folder === "host" ? /^(kernel\/host|asm|boot|emulator)\// : /^kernel\/compiler\//;
  const own = ALL_IMPORTS.filter(([file]) => file.startsWith(`kernel/${folder}/`));
  expect(own.filter(([, imported]) => !allowed.test(imported))).toEqual([]);
});

/** Files that import each other, each by way of all the others. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const places = new Map<string, number>();
  const path: string[] = [];
  const open = new Set<string>();
  /** Tarjan's algorithm. @returns the earliest place that a file leads back to */
  const visit = (file: string): number => {
    const place = places.size;
    let earliest = place;
    places.set(file, place);
    path.push(file);
    open.add(file);
    for (const other of graph.get(file) ?? []) {
      const known = places.get(other);
      if (known === undefined) earliest = Math.min(earliest, visit(other));
      else if (open.has(other)) earliest = Math.min(earliest, known);
    }
    if (earliest === place) {
      const circle = path.splice(path.indexOf(file));
      for (const each of circle) open.delete(each);
      if (circle.length > 1) found.push(circle.sort());
    }
    return earliest;
  };
  for (const file of graph.keys()) if (!places.has(file)) visit(file);
  return found;
}

/** What needs each other by its nature, as types only: an instruction is what a core executes, and a core has instructions. */
const ROUND = /^emulator\/cpu\//;

it("finds circles", () => {
  const graph = { a: ["b", "d"], b: ["c"], c: ["b", "a"], d: ["e"], e: [] };
  expect(circles(new Map(Object.entries(graph)))).toEqual([["a", "b", "c"]]);
});

it.each([
  ["at run time", false],
  ["as types", true],
])("no file imports itself by way of others, %s", (_, withTypes) => {
  const graph = new Map<string, string[]>();
  for (const [file, imported, isType] of ALL_IMPORTS) {
    const isPassed = isType && (!withTypes || (ROUND.test(file) && ROUND.test(imported)));
    if (!isPassed) graph.set(file, [...(graph.get(file) ?? []), imported]);
  }
  expect(circles(graph)).toEqual([]);
});
