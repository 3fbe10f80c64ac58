/** Units of `.debug_info` and their trees of entries (dwarf-5, 7.5.1 to 7.5.3), each read when it is first asked for. */
import { ElfError } from "../../elf-format.ts";
import type { ByteReader } from "../byte-reader.ts";
import {
  ADDRESS_SIZE,
  DW_AT_comp_dir,
  DW_AT_location,
  DW_AT_low_pc,
  DW_AT_name,
  DW_FORM_addr,
} from "../dwarf-format.ts";
import { type Abbreviation, readAbbreviations } from "./abbreviations.ts";
import { type DebugContents, u64 } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";
import { type AttributeValue, type FormContext, readForm, skipForm } from "./forms.ts";

const INFO = ".debug_info";
const OLDEST = 2;
const NEWEST = 5;
/** Where 64-bit DWARF begins, among initial lengths. */
const FIRST_ESCAPE = 0xfffffff0;
/** Entries within entries. */
const DEEPEST = 200;

interface Attribute {
  readonly form: number;
  readonly value: AttributeValue;
}

/** A debugging information entry. Its attributes are decoded when they are asked for. */
export class DebugEntry {
  readonly children: DebugEntry[] = [];

  constructor(
    readonly unit: Unit,
    /** In `.debug_info`. */
    readonly offset: number,
    private readonly abbreviation: Abbreviation,
    /** Where its attributes begin. */
    private readonly start: number,
    readonly parent: DebugEntry | undefined,
  ) {}

  get tag(): number {
    return this.abbreviation.tag;
  }

  /** @throws ElfError when its form cannot be read; so do the others below */
  attribute(name: number): Attribute | undefined {
    const { attributes } = this.abbreviation;
    if (!attributes.some((attribute) => attribute.name === name)) return undefined;
    const reader = this.unit.readerAt(this.start);
    for (const { name: found, form, constant } of attributes) {
      if (found === name) return { form, value: readForm(reader, form, constant, this.unit.forms) };
      skipForm(reader, form);
    }
    return undefined;
  }

  has(name: number): boolean {
    return this.abbreviation.attributes.some((attribute) => attribute.name === name);
  }

  string(name: number): string | undefined {
    const value = this.attribute(name)?.value;
    return typeof value === "string" ? value : undefined;
  }

  number(name: number): number | undefined {
    const value = this.attribute(name)?.value;
    return typeof value === "number" ? value : undefined;
  }

  flag(name: number): boolean {
    return this.number(name) === 1;
  }

  /** The entry that an attribute refers to, in this unit or another. */
  reference(name: number): DebugEntry | undefined {
    const attribute = this.attribute(name);
    if (attribute === undefined) return undefined;
    if (attribute.form === N.DW_FORM_ref_sig8) return this.unit.owner.typeOf(attribute.value);
    return typeof attribute.value === "number" ? this.unit.owner.entryAt(attribute.value) : undefined;
  }

  /** A DWARF expression, or undefined where the attribute is none. */
  expression(name: number): Uint8Array | undefined {
    const value = this.attribute(name)?.value;
    return value instanceof Uint8Array ? value : undefined;
  }

  /** The attribute of this entry, or of the one that it is an instance or the definition of. */
  inherited<T>(read: (entry: DebugEntry) => T | undefined): T | undefined {
    let entry: DebugEntry | undefined = this;
    for (let i = 0; i < 8 && entry !== undefined; i++) {
      const found = read(entry);
      if (found !== undefined) return found;
      entry = entry.reference(N.DW_AT_abstract_origin) ?? entry.reference(N.DW_AT_specification);
    }
    return undefined;
  }

  get name(): string | undefined {
    return this.inherited((entry) => entry.string(DW_AT_name));
  }
}

/** A compilation unit, a part of one, or a type unit. */
export class Unit {
  readonly forms: FormContext;
  #root: DebugEntry | undefined;
  #hasLists: boolean | undefined;
  #entries: Map<number, DebugEntry> | undefined;

  constructor(
    readonly owner: UnitTable,
    /** In `.debug_info`. */
    readonly offset: number,
    readonly version: number,
    /** DW_UT_ number. */
    readonly kind: number,
    private readonly abbreviations: number,
    /** Where its entries begin, and end. */
    private readonly start: number,
    private readonly end: number,
    /** Of a type unit: its signature, and the offset of its type. */
    readonly type?: { readonly signature: number | bigint; readonly offset: number },
  ) {
    this.forms = {
      contents: owner.contents,
      section: owner.contents.bytes(INFO),
      unit: offset,
      string: (index) => this.#indexedString(index),
      address: (index) => this.indexedAddress(index),
    };
  }

  readerAt(at: number): ByteReader {
    return this.owner.contents.reader(INFO, at, this.end);
  }

  /** Its first entry, without children when the others have not been read. @throws ElfError */
  get root(): DebugEntry {
    this.#root ??= this.#readRoot();
    return this.#root;
  }

  /** All entries, by offset. @throws ElfError */
  get entries(): ReadonlyMap<number, DebugEntry> {
    this.#entries ??= this.#readAll();
    return this.#entries;
  }

  /** Whether places of variables are told instruction by instruction, prologues included: it is optimized code. */
  get hasLocationLists(): boolean {
    this.#hasLists ??= [...this.entries.values()].some(
      (entry) => entry.has(DW_AT_location) && typeof entry.attribute(DW_AT_location)?.value === "number",
    );
    return this.#hasLists;
  }

  get name(): string {
    return this.root.string(DW_AT_name) ?? "";
  }

  /** Where the compiler was run; names of files count from there. */
  get directory(): string {
    return this.root.string(DW_AT_comp_dir) ?? "";
  }

  /** What offsets in lists of ranges and locations count from. */
  get baseAddress(): number {
    return this.root.number(DW_AT_low_pc) ?? 0;
  }

  /** The address at an index of `.debug_addr`. */
  indexedAddress(index: number): number {
    const base = this.root.number(N.DW_AT_addr_base) ?? 8;
    return this.owner.contents.reader(".debug_addr", base + index * ADDRESS_SIZE).u32();
  }

  #indexedString(index: number): string {
    const base = this.root.number(N.DW_AT_str_offsets_base) ?? 8;
    const { contents } = this.owner;
    return contents.string(".debug_str", contents.reader(".debug_str_offsets", base + index * 4).u32());
  }

  #readRoot(): DebugEntry {
    const reader = this.readerAt(this.start);
    const abbreviation = this.#abbreviation(reader);
    if (abbreviation === undefined) throw reader.error("a unit without an entry");
    return new DebugEntry(this, this.start, abbreviation, reader.at, undefined);
  }

  #abbreviation(reader: ByteReader): Abbreviation | undefined {
    const code = reader.uleb();
    if (code === 0) return undefined;
    const found = this.owner.abbreviations(this.abbreviations).get(code);
    if (found === undefined) throw reader.error(`an entry of the unknown kind ${code}`);
    return found;
  }

  #readAll(): Map<number, DebugEntry> {
    const { root } = this;
    const entries = new Map([[root.offset, root]]);
    const reader = this.readerAt(this.start);
    const above: DebugEntry[] = [];
    while (reader.left > 0) {
      const offset = reader.at;
      const abbreviation = this.#abbreviation(reader);
      if (abbreviation === undefined) {
        above.pop();
        if (above.length === 0) break;
        continue;
      }
      const parent = above.at(-1);
      const isRoot = offset === root.offset;
      const entry = isRoot ? root : new DebugEntry(this, offset, abbreviation, reader.at, parent);
      if (!isRoot) {
        entries.set(offset, entry);
        parent!.children.push(entry);
      }
      if (abbreviation.size === undefined) for (const { form } of abbreviation.attributes) skipForm(reader, form);
      else reader.skip(abbreviation.size);
      if (abbreviation.hasChildren) {
        if (above.length === DEEPEST) throw reader.error("entries within entries, too deep");
        above.push(entry);
      } else if (above.length === 0) break;
    }
    return entries;
  }
}

/** The units of a file, by offset. */
export class UnitTable {
  readonly #abbreviations = new Map<number, ReadonlyMap<number, Abbreviation>>();
  #units: readonly Unit[] | undefined;
  #types: Map<string, Unit> | undefined;

  constructor(readonly contents: DebugContents) {}

  abbreviations(offset: number): ReadonlyMap<number, Abbreviation> {
    let table = this.#abbreviations.get(offset);
    if (table === undefined) {
      table = readAbbreviations(this.contents.reader(".debug_abbrev", offset));
      this.#abbreviations.set(offset, table);
    }
    return table;
  }

  /** Those whose headers can be read: a broken one ends them. */
  get units(): readonly Unit[] {
    this.#units ??= this.#readHeaders();
    return this.#units;
  }

  /** The entry at an offset in `.debug_info`, undefined when none begins there. @throws ElfError */
  entryAt(offset: number): DebugEntry | undefined {
    const { units } = this;
    let low = 0;
    let high = units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (units[middle].offset <= offset) low = middle + 1;
      else high = middle;
    }
    return units[low - 1]?.entries.get(offset);
  }

  /** The type of a type unit, by its signature. */
  typeOf(signature: AttributeValue): DebugEntry | undefined {
    this.#types ??= new Map(
      this.units.flatMap((unit) => (unit.type === undefined ? [] : [[String(unit.type.signature), unit]])),
    );
    const unit = this.#types.get(String(signature));
    return unit?.entries.get(unit.offset + unit.type!.offset);
  }

  #readHeaders(): Unit[] {
    const units: Unit[] = [];
    const { length } = this.contents.bytes(INFO);
    try {
      for (let at = 0; at < length; ) {
        const reader = this.contents.reader(INFO, at);
        const size = reader.u32();
        if (size >= FIRST_ESCAPE) break;
        const end = reader.at + size;
        const unit = this.#readHeader(this.contents.reader(INFO, reader.at, end), at, end);
        if (unit !== undefined) units.push(unit);
        at = end;
      }
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
    }
    return units;
  }

  #readHeader(reader: ByteReader, offset: number, end: number): Unit | undefined {
    const version = reader.u16();
    if (version < OLDEST || version > NEWEST) return undefined;
    const kind = version >= 5 ? reader.u8() : N.DW_UT_compile;
    if (version >= 5) reader.skip(1);
    const abbreviations = reader.u32();
    if (version < 5) reader.skip(1);
    if (kind === N.DW_UT_skeleton || kind === N.DW_UT_split_compile) reader.skip(8);
    const isType = kind === N.DW_UT_type || kind === N.DW_UT_split_type;
    const type = isType ? { signature: u64(reader), offset: reader.u32() } : undefined;
    return new Unit(this, offset, version, kind, abbreviations, reader.at, end, type);
  }
}

/** Whether an attribute's form is that of an address, so that a DW_AT_high_pc is not a size. */
export function isAddressForm(form: number): boolean {
  return form === DW_FORM_addr || form === N.DW_FORM_addrx || (form >= N.DW_FORM_addrx1 && form <= N.DW_FORM_addrx4);
}
