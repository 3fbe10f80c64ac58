/** `.symver`: names with versions, by which shared libraries have several symbols of one name. */
import { StatementError } from "../diagnostics.ts";
import type { ObjectSymbol } from "../object-file.ts";
import type { Definitions, DirectiveTable } from "./directive.ts";
import type { AssemblerSymbol, SymbolVersion } from "./symbols.ts";

const VERSIONED = /[A-Za-z_.$][\w.$]*@{1,3}[\w.$]+/y;
const FATES = ["local", "hidden", "remove"] as const;

export const VERSION_DIRECTIVES: DirectiveTable<Definitions> = {
  /** `.symver symbol, name@VERSION[, local | hidden | remove]` */
  ".symver": (assembly, cursor, directive) => {
    cursor.skipSpace();
    const position = cursor.position();
    const symbol = assembly.symbols.mention(cursor.expectName("the name of a symbol"), position);
    cursor.expect(",", `between the names of ${directive}`);
    cursor.skipSpace();
    VERSIONED.lastIndex = cursor.at;
    const name = VERSIONED.exec(cursor.text)?.[0];
    if (name === undefined) {
      const example = `${symbol.name}@VERSION`;
      throw cursor.error(`expected a name with a version, such as ${example}, found ${cursor.describeNext()}`);
    }
    cursor.at += name.length;
    let fate: SymbolVersion["fate"] = "kept";
    if (cursor.take(",")) {
      cursor.skipSpace();
      const at = cursor.at;
      const word = cursor.takeName();
      const found = FATES.find((known) => known === word);
      if (found === undefined) throw cursor.error(`expected ${FATES.join(", ")} or nothing behind the version`, at);
      fate = found;
    }
    symbol.versions.push({ name, fate, position, origin: assembly.origin() });
  },
};

/** Whether the symbol has the version's name instead of its own, and not beside it. */
function replaces({ name, fate }: SymbolVersion, { definition }: AssemblerSymbol): boolean {
  return definition === undefined || fate === "remove" || name.includes("@@@");
}

/** Name, binding and visibility of a symbol in the object. @throws StatementError for versions that it cannot have */
export function appearanceOf(symbol: AssemblerSymbol): Pick<ObjectSymbol, "name" | "binding" | "visibility"> {
  const { name, binding, visibility, versions, definition } = symbol;
  const [first, second] = versions.filter((version) => replaces(version, symbol));
  if (first === undefined) {
    return {
      name,
      binding: versions.some(({ fate }) => fate === "local") ? "local" : binding,
      visibility: versions.some(({ fate }) => fate === "hidden") ? "hidden" : visibility,
    };
  }
  if (second !== undefined) {
    throw new StatementError(`'${name}' is to be ${first.name} already, and can be only one of them`, second.position);
  }
  const isDefault = /[^@]@@[^@]/.test(first.name);
  if (isDefault && definition === undefined) {
    const meant = first.name.replace("@@", "@");
    throw new StatementError(`'${name}' is not defined here, so that it can only be ${meant}`, first.position);
  }
  return { name: first.name.replace("@@@", definition === undefined ? "@" : "@@"), binding, visibility };
}

/** A symbol of the object, and those that are the same by names with versions. */
export function withVersions(symbol: AssemblerSymbol, made: ObjectSymbol): ObjectSymbol[] {
  const { binding, visibility, versions } = symbol;
  const others = versions.filter((version) => !replaces(version, symbol));
  return [made, ...others.map(({ name }) => ({ ...made, name, binding, visibility }))];
}
