/** `.reloc`: the relocation that the source asks for. */
import { RELOCATION_NAMES } from "../elf-format.ts";
import { didYouMean, nearNames } from "../near-names.ts";
import { R_386_8, R_386_16, R_386_32 } from "../object-file.ts";
import type { Contents, Definitions, DirectiveTable, Values } from "./directive.ts";

/** The relocation types of the i386, and those of BFD that GNU as takes for them, by name. */
const TYPES: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(RELOCATION_NAMES).map(([number, name]) => [name, Number(number)])),
  BFD_RELOC_NONE: 0,
  BFD_RELOC_8: R_386_8,
  BFD_RELOC_16: R_386_16,
  BFD_RELOC_32: R_386_32,
};

export const RELOCATION_DIRECTIVES: DirectiveTable<Values & Contents & Definitions> = {
  /** `.reloc place, type[, symbol + addend]` */
  ".reloc": (assembly, cursor, directive) => {
    cursor.skipSpace();
    const position = cursor.position();
    const expression = assembly.expressions.parse(cursor);
    cursor.expect(",", `between the place and the type of ${directive}`);
    cursor.skipSpace();
    const at = cursor.at;
    const name = cursor.expectName("the type of the relocation, such as R_386_32");
    const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    if (type === undefined) {
      const near = nearNames(name, Object.keys(TYPES));
      throw cursor.error(`unknown relocation type '${name}'${didYouMean(near)}`, at);
    }
    const target = cursor.take(",") ? assembly.expressions.parse(cursor) : undefined;
    const place = { expression, position, origin: assembly.origin() };
    assembly.relocations.push({ section: assembly.sections.currentSection, type, place, target });
  },
};
