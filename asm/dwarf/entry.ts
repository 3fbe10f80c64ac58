/** Debugging information entries: a tree, written to `.debug_info` with its forms in `.debug_abbrev` (dwarf-4, 2 and 7.5). */
import { ByteWriter, type CodeAddress } from "./byte-writer.ts";
import {
  ADDRESS_SIZE,
  DW_CHILDREN_no,
  DW_CHILDREN_yes,
  DW_FORM_addr,
  DW_FORM_exprloc,
  DW_FORM_flag_present,
  DW_FORM_ref4,
  DW_FORM_sec_offset,
  DW_FORM_string,
  DW_FORM_udata,
  DWARF_VERSION,
} from "./dwarf-format.ts";

/** A place in another debugging section. */
export interface SectionOffset {
  readonly debugSection: string;
  readonly offset: number;
}

export type AttributeValue =
  | string
  | number
  /** A flag. */
  | true
  | CodeAddress
  | SectionOffset
  /** A DWARF expression. */
  | Uint8Array
  /** Another entry of the same unit. */
  | Entry;

/** An entry; its attributes by DW_AT_ number, those without a value left out. */
export class Entry {
  readonly children: Entry[] = [];
  /** In `.debug_info`, once written. */
  offset = 0;

  constructor(
    readonly tag: number,
    readonly attributes: readonly (readonly [name: number, value: AttributeValue | undefined])[],
  ) {}

  add(tag: number, attributes: Entry["attributes"]): Entry {
    const child = new Entry(tag, attributes);
    this.children.push(child);
    return child;
  }
}

function formOf(value: AttributeValue): number {
  if (typeof value === "string") return DW_FORM_string;
  if (typeof value === "number") return DW_FORM_udata;
  if (value === true) return DW_FORM_flag_present;
  if (value instanceof Entry) return DW_FORM_ref4;
  if (value instanceof Uint8Array) return DW_FORM_exprloc;
  return "debugSection" in value ? DW_FORM_sec_offset : DW_FORM_addr;
}

/** Writes units. */
export class EntryWriter {
  readonly info = new ByteWriter();
  readonly abbreviations = new ByteWriter();
  /** By their contents. */
  private readonly codes = new Map<string, number>();

  /** Writes a unit: its root and what is under it. */
  unit(root: Entry): void {
    const { info } = this;
    const start = info.length;
    const references: { readonly at: number; readonly to: Entry }[] = [];
    info.sized(() => {
      info.u16(DWARF_VERSION).sectionOffset(".debug_abbrev", 0).u8(ADDRESS_SIZE);
      this.entry(root, references);
    });
    for (const { at, to } of references) info.patch(at, to.offset - start);
  }

  /** Ends the abbreviations. */
  finish(): void {
    this.abbreviations.u8(0);
  }

  private entry(entry: Entry, references: { at: number; to: Entry }[]): void {
    const { info } = this;
    entry.offset = info.length;
    info.uleb(this.code(entry));
    for (const [, value] of entry.attributes) {
      if (value === undefined || value === true) continue;
      if (typeof value === "string") info.string(value);
      else if (typeof value === "number") info.uleb(value);
      else if (value instanceof Entry) {
        references.push({ at: info.length, to: value });
        info.u32(0);
      } else if (value instanceof Uint8Array) info.uleb(value.length).append(value);
      else if ("debugSection" in value) info.sectionOffset(value.debugSection, value.offset);
      else info.address(value);
    }
    if (entry.children.length === 0) return;
    for (const child of entry.children) this.entry(child, references);
    info.u8(0);
  }

  private code({ tag, attributes, children }: Entry): number {
    const forms = attributes.flatMap(([name, value]) => (value === undefined ? [] : [[name, formOf(value)]]));
    const hasChildren = children.length > 0 ? DW_CHILDREN_yes : DW_CHILDREN_no;
    const key = `${tag} ${hasChildren} ${forms.join(" ")}`;
    let code = this.codes.get(key);
    if (code === undefined) {
      code = this.codes.size + 1;
      this.codes.set(key, code);
      this.abbreviations.uleb(code).uleb(tag).u8(hasChildren);
      for (const [name, form] of forms) this.abbreviations.uleb(name).uleb(form);
      this.abbreviations.u8(0).u8(0);
    }
    return code;
  }
}
