/** Entries for types, each made once in its unit; structs of other units are taken from there. */
import type { DebugStruct, DebugType } from "./debug-unit.ts";
import {
  ADDRESS_SIZE,
  DW_AT_byte_size,
  DW_AT_count,
  DW_AT_data_member_location,
  DW_AT_encoding,
  DW_AT_name,
  DW_AT_prototyped,
  DW_AT_type,
  DW_ATE_boolean,
  DW_ATE_signed,
  DW_ATE_signed_char,
  DW_ATE_unsigned,
  DW_ATE_unsigned_char,
  DW_TAG_array_type,
  DW_TAG_base_type,
  DW_TAG_member,
  DW_TAG_pointer_type,
  DW_TAG_structure_type,
  DW_TAG_subrange_type,
  DW_TAG_subroutine_type,
  DW_TAG_typedef,
} from "./dwarf-format.ts";
import type { Entry } from "./entry.ts";

export class TypeEntries {
  private readonly made = new Map<string, Entry>();

  /**
   * Adds the structs to the unit, as yet without members.
   * @param shared structs of all units by name; those that are new there are added
   */
  constructor(
    private readonly unit: Entry,
    private readonly structs: readonly DebugStruct[],
    private readonly shared: Map<string, Entry>,
  ) {
    for (const { name, size } of structs) {
      const entry = unit.add(DW_TAG_structure_type, [
        [DW_AT_name, name],
        [DW_AT_byte_size, size],
      ]);
      this.made.set(`struct ${name}`, entry);
      if (!shared.has(name)) shared.set(name, entry);
      // Linux's names in _t are typedefs.
      if (name.endsWith("_t")) {
        unit.add(DW_TAG_typedef, [
          [DW_AT_name, name],
          [DW_AT_type, entry],
        ]);
      }
    }
  }

  /** To be called when the structs of all units are there, as they point to each other. */
  addMembers(): void {
    for (const { name, members } of this.structs) {
      const entry = this.made.get(`struct ${name}`)!;
      for (const member of members) {
        entry.add(DW_TAG_member, [
          [DW_AT_name, member.name],
          [DW_AT_type, this.of(member.type)],
          [DW_AT_data_member_location, member.offset],
        ]);
      }
    }
  }

  /** Undefined: `void`. */
  of(type: DebugType | undefined): Entry | undefined {
    if (type === undefined) return undefined;
    const key = keyOf(type);
    const known = this.made.get(key);
    if (known !== undefined) return known;
    if (type.kind === "struct") return this.shared.get(type.name);
    const entry = this.make(type);
    this.made.set(key, entry);
    return entry;
  }

  private make(type: Exclude<DebugType, { kind: "struct" }>): Entry {
    const { unit } = this;
    switch (type.kind) {
      case "integer": {
        const character = type.size === 1;
        const signed = character ? DW_ATE_signed_char : DW_ATE_signed;
        const unsigned = character ? DW_ATE_unsigned_char : DW_ATE_unsigned;
        return this.base(type.name, type.size, type.isSigned ? signed : unsigned);
      }
      case "boolean":
        return this.base("_Bool", type.size, DW_ATE_boolean);
      case "character":
        return this.base("char", 1, DW_ATE_signed_char);
      case "function":
        return unit.add(DW_TAG_subroutine_type, [[DW_AT_prototyped, true]]);
      case "pointer":
        return unit.add(DW_TAG_pointer_type, [
          [DW_AT_byte_size, ADDRESS_SIZE],
          [DW_AT_type, this.of(type.to)],
        ]);
      case "array": {
        const entry = unit.add(DW_TAG_array_type, [[DW_AT_type, this.of(type.element)]]);
        entry.add(DW_TAG_subrange_type, [
          [DW_AT_type, this.of({ kind: "integer", name: "unsigned int", size: 4, isSigned: false })],
          [DW_AT_count, type.length],
        ]);
        return entry;
      }
    }
  }

  private base(name: string, size: number, encoding: number): Entry {
    return this.unit.add(DW_TAG_base_type, [
      [DW_AT_name, name],
      [DW_AT_byte_size, size],
      [DW_AT_encoding, encoding],
    ]);
  }
}

function keyOf(type: DebugType): string {
  switch (type.kind) {
    case "integer":
      return type.name;
    case "boolean":
      return `boolean ${type.size}`;
    case "pointer":
      return `${type.to === undefined ? "void" : keyOf(type.to)} *`;
    case "array":
      return `${keyOf(type.element)}[${type.length}]`;
    case "struct":
      return `struct ${type.name}`;
    default:
      return type.kind;
  }
}
