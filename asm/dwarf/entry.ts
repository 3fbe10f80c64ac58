/** Debugging information entries: a tree, written to `.debug_info` with its forms in `.debug_abbrev` (dwarf-4, 2 and 7.5). */
import { ByteWriter, type CodeAddress } from "./byte-writer.ts";
import {
  ADDRESS_SIZE,
  DW_CHILDREN_no,
  DW_CHILDREN_yes,
  DW_FORM_addr,
  DW_FORM_exprloc,
  DW_FORM_flag_present,
  DW_FORM_ref_addr,
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
  /** Another entry. */
  | Entry;

/** An entry; its attributes by DW_AT_ number, those without a value left out. */
export class Entry {
  readonly children: Entry[] = [];
  /** The entry of the unit. */
  readonly root: Entry;
  /** In `.debug_info`, once written. */
  offset = 0;

  constructor(
    readonly tag: number,
    readonly attributes: readonly (readonly [name: number, value: AttributeValue | undefined])[],
    root?: Entry,
  ) {
    this.root = root ?? this;
  }

  add(tag: number, attributes: Entry["attributes"]): Entry {
    const child = new Entry(tag, attributes, this.root);
    this.children.push(child);
    return child;
  }
}

function formOf(value: AttributeValue, root: Entry): number {
  if (typeof value === "string") return DW_FORM_string;
  if (typeof value === "number") return DW_FORM_udata;
  if (value === true) return DW_FORM_flag_present;
  if (value instanceof Entry) return value.root === root ? DW_FORM_ref4 : DW_FORM_ref_addr;
  if (value instanceof Uint8Array) return DW_FORM_exprloc;
  return "debugSection" in value ? DW_FORM_sec_offset : DW_FORM_addr;
}

const INFO = ".debug_info";

/** Writes units. */
export class EntryWriter {
  readonly info = new ByteWriter();
  readonly abbreviations = new ByteWriter();
  /** By their contents. */
  private readonly codes = new Map<string, number>();
  /** Words that name entries, which may come later, by their distance from `base`. */
  private readonly references: { readonly at: number; readonly to: Entry; readonly base: number }[] = [];

  /** Writes a unit: its root and what is under it. */
  unit(root: Entry): void {
    const { info } = this;
    const start = info.length;
    info.sized(() => {
      info.u16(DWARF_VERSION).sectionOffset(".debug_abbrev", 0).u8(ADDRESS_SIZE);
      this.entry(root, start);
    });
  }

  /** To be called once all units that refer to each other are written. */
  finish(): void {
    for (const { at, to, base } of this.references) this.info.patch(at, to.offset - base);
    this.abbreviations.u8(0);
  }

  private entry(entry: Entry, unit: number): void {
    const { info } = this;
    entry.offset = info.length;
    info.uleb(this.code(entry));
    for (const [, value] of entry.attributes) {
      if (value === undefined || value === true) continue;
      if (typeof value === "string") info.string(value);
      else if (typeof value === "number") info.uleb(value);
      else if (value instanceof Entry) {
        const isOwn = value.root === entry.root;
        this.references.push({ at: info.length, to: value, base: isOwn ? unit : 0 });
        if (isOwn) info.u32(0);
        else info.sectionOffset(INFO, 0);
      } else if (value instanceof Uint8Array) info.uleb(value.length).append(value);
      else if ("debugSection" in value) info.sectionOffset(value.debugSection, value.offset);
      else info.address(value);
    }
    if (entry.children.length === 0) return;
    for (const child of entry.children) this.entry(child, unit);
    info.u8(0);
  }

  private code({ tag, attributes, children, root }: Entry): number {
    const forms = attributes.flatMap(([name, value]) => (value === undefined ? [] : [[name, formOf(value, root)]]));
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
