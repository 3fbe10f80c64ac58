/** `.debug_abbrev`: which attributes the entries of a unit have, and in which forms (dwarf-5, 7.5.3). */
import type { ByteReader } from "../byte-reader.ts";
import { DW_FORM_implicit_const } from "./dwarf-numbers.ts";
import { fixedSizeOf } from "./forms.ts";

/** Attributes of one entry at most; compilers write some twenty. More could make reading slow. */
const MOST_ATTRIBUTES = 256;

export interface AttributeForm {
  /** DW_AT_ number. */
  readonly name: number;
  /** DW_FORM_ number. */
  readonly form: number;
  /** Of DW_FORM_implicit_const. */
  readonly constant: number;
}

export interface Abbreviation {
  /** DW_TAG_ number. */
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeForm[];
  /** Bytes of all attributes together; undefined when they are not always the same. */
  readonly size: number | undefined;
}

/** Reads a table of abbreviations, by code. @throws ElfError */
export function readAbbreviations(reader: ByteReader): ReadonlyMap<number, Abbreviation> {
  const table = new Map<number, Abbreviation>();
  while (reader.left > 0) {
    const code = reader.uleb();
    if (code === 0) break;
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeForm[] = [];
    let size: number | undefined = 0;
    for (;;) {
      const name = reader.uleb();
      const form = reader.uleb();
      const constant = form === DW_FORM_implicit_const ? reader.sleb() : 0;
      if (name === 0 && form === 0) break;
      if (attributes.length === MOST_ATTRIBUTES) throw reader.error("an entry with too many attributes");
      attributes.push({ name, form, constant });
      const bytes = fixedSizeOf(form);
      size = size === undefined || bytes === undefined ? undefined : size + bytes;
    }
    table.set(code, { tag, hasChildren, attributes, size });
  }
  return table;
}
