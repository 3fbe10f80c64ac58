/** The types that entries describe (dwarf-5, 5). */
import {
  DW_AT_byte_size,
  DW_AT_count,
  DW_AT_data_member_location,
  DW_AT_encoding,
  DW_AT_name,
  DW_AT_prototyped,
  DW_AT_type,
  DW_ATE_signed,
  DW_ATE_signed_char,
  DW_ATE_unsigned_char,
  DW_TAG_array_type,
  DW_TAG_base_type,
  DW_TAG_formal_parameter,
  DW_TAG_member,
  DW_TAG_pointer_type,
  DW_TAG_structure_type,
  DW_TAG_subrange_type,
  DW_TAG_subroutine_type,
  DW_TAG_typedef,
} from "../dwarf-format.ts";
import { arrayOf, type CType, type EnumType, type Member, pointerTo, type QualifiedType, VOID } from "./c-types.ts";
import * as N from "./dwarf-numbers.ts";
import type { DebugEntry } from "./entries.ts";
import { evaluateNumber } from "./location-expression.ts";

const QUALIFIERS: Readonly<Record<number, QualifiedType["qualifier"]>> = {
  [N.DW_TAG_const_type]: "const",
  [N.DW_TAG_volatile_type]: "volatile",
  [N.DW_TAG_restrict_type]: "restrict",
  [N.DW_TAG_atomic_type]: "_Atomic",
};

/** Pointers to arrays of pointers… at most. */
const DEEPEST = 64;

/** Types, made once for each entry. */
export class TypeReader {
  readonly #made = new Map<DebugEntry, CType>();
  /** How deep in each other the types are that are being made: their entries might form a ring. */
  #depth = 0;

  /** Completes a struct that is only declared in its unit; undefined when no unit has it. */
  constructor(private readonly complete: (keyword: string, tag: string) => DebugEntry | undefined) {}

  /** The type that an entry has; `void` without one. @throws ElfError */
  typeOf(entry: DebugEntry): CType {
    const found = entry.inherited((each) => each.reference(DW_AT_type));
    return found === undefined ? VOID : this.read(found);
  }

  /** The type that an entry is. @throws ElfError */
  read(entry: DebugEntry): CType {
    const known = this.#made.get(entry);
    if (known !== undefined) return known;
    if (this.#depth >= DEEPEST) return VOID;
    this.#depth++;
    try {
      const type = this.#make(entry);
      this.#made.set(entry, type);
      return type;
    } finally {
      this.#depth--;
    }
  }

  #make(entry: DebugEntry): CType {
    const size = entry.number(DW_AT_byte_size) ?? 0;
    const qualifier = QUALIFIERS[entry.tag];
    if (qualifier !== undefined) {
      const to = this.typeOf(entry);
      return { kind: "qualified", qualifier, to, size: to.size };
    }
    switch (entry.tag) {
      case DW_TAG_base_type:
        return baseType(entry, size);
      case DW_TAG_pointer_type:
        return pointerTo(this.typeOf(entry));
      case DW_TAG_typedef:
        return this.#typedef(entry);
      case DW_TAG_structure_type:
      case N.DW_TAG_union_type:
        return this.#struct(entry, size);
      case N.DW_TAG_enumeration_type:
        return this.#enumeration(entry, size);
      case DW_TAG_array_type:
        return this.#array(entry);
      case DW_TAG_subroutine_type:
        return this.function(entry);
      default:
        return VOID;
    }
  }

  /** The type of a function: of a subprogram, or a subroutine type. */
  function(entry: DebugEntry): CType {
    const read = () => this.typeOf(entry);
    const parametersOf = () =>
      entry.children.filter(({ tag }) => tag === DW_TAG_formal_parameter).map((child) => this.typeOf(child));
    return {
      kind: "function",
      size: 1,
      get returns() {
        return read();
      },
      get parameters() {
        return parametersOf();
      },
      isPrototyped: entry.inherited((each) => (each.has(DW_AT_prototyped) ? true : undefined)) ?? false,
      isVariadic: entry.children.some(({ tag }) => tag === N.DW_TAG_unspecified_parameters),
    };
  }

  #typedef(entry: DebugEntry): CType {
    let to: CType | undefined;
    const read = () => {
      to ??= this.typeOf(entry);
      return to;
    };
    return {
      kind: "typedef",
      name: entry.string(DW_AT_name) ?? "",
      get to() {
        return read();
      },
      get size() {
        return sizeOf(read());
      },
    };
  }

  #struct(entry: DebugEntry, size: number): CType {
    const keyword = entry.tag === N.DW_TAG_union_type ? "union" : "struct";
    const tag = entry.string(DW_AT_name) ?? "";
    if (entry.flag(N.DW_AT_declaration)) {
      const whole = entry.reference(N.DW_AT_signature) ?? (tag === "" ? undefined : this.complete(keyword, tag));
      if (whole !== undefined && !whole.flag(N.DW_AT_declaration)) return this.read(whole);
      return { kind: "struct", keyword, tag, size, members: [], isIncomplete: true };
    }
    let members: readonly Member[] | undefined;
    const read = () => {
      members ??= entry.children.filter((child) => child.tag === DW_TAG_member).map((child) => this.#member(child));
      return members;
    };
    return {
      kind: "struct",
      keyword,
      tag,
      size,
      get members() {
        return read();
      },
      isIncomplete: false,
    };
  }

  #member(entry: DebugEntry): Member {
    const type = this.typeOf(entry);
    const name = entry.string(DW_AT_name) ?? "";
    const offset = memberOffset(entry);
    const count = entry.number(N.DW_AT_bit_size);
    if (count === undefined) return { name, type, offset };
    const fromStart = entry.number(N.DW_AT_data_bit_offset);
    if (fromStart !== undefined) {
      const byte = fromStart >> 3;
      return { name, type, offset: byte, bits: { first: fromStart & 7, count } };
    }
    // Counted from the most significant bit of the storage unit.
    const storage = 8 * (entry.number(DW_AT_byte_size) ?? type.size);
    const first = storage - count - (entry.number(N.DW_AT_bit_offset) ?? 0);
    return { name, type, offset: offset + (first >> 3), bits: { first: first & 7, count } };
  }

  #enumeration(entry: DebugEntry, size: number): EnumType {
    const enumerators = entry.children
      .filter(({ tag }) => tag === N.DW_TAG_enumerator)
      .map((child) => {
        const value = child.attribute(N.DW_AT_const_value)?.value;
        return { name: child.string(DW_AT_name) ?? "", value: typeof value === "string" ? 0 : Number(value ?? 0) };
      });
    return {
      kind: "enum",
      tag: entry.string(DW_AT_name) ?? "",
      size: size === 0 ? 4 : size,
      signed: enumerators.some(({ value }) => value < 0),
      enumerators,
    };
  }

  #array(entry: DebugEntry): CType {
    const lengths = entry.children.filter(({ tag }) => tag === DW_TAG_subrange_type).map(lengthOf);
    // The last subrange is of the innermost elements.
    return lengths.reduceRight<CType>((element, length) => arrayOf(element, length), this.typeOf(entry));
  }
}

/** Of a typedef of a typedef of itself, none. */
function sizeOf(type: CType): number {
  let at = type;
  for (let i = 0; i < DEEPEST; i++) {
    if (at.kind !== "typedef") return at.size;
    at = at.to;
  }
  return 0;
}

function baseType(entry: DebugEntry, size: number): CType {
  const name = entry.string(DW_AT_name) ?? "";
  switch (entry.number(DW_AT_encoding)) {
    case N.DW_ATE_float:
      return { kind: "float", name, size };
    case N.DW_ATE_boolean:
      return { kind: "integer", name, size, signed: false, shows: "boolean" };
    case DW_ATE_signed_char:
      return { kind: "integer", name, size, signed: true, shows: "character" };
    case DW_ATE_unsigned_char:
    case N.DW_ATE_UTF:
      return { kind: "integer", name, size, signed: false, shows: "character" };
    case DW_ATE_signed:
      return { kind: "integer", name, size, signed: true, shows: "number" };
    default:
      return { kind: "integer", name, size, signed: false, shows: "number" };
  }
}

function lengthOf(range: DebugEntry): number | undefined {
  const count = range.number(DW_AT_count);
  if (count !== undefined) return count;
  // gcc has -1, as 32 bits, for [0].
  const last = range.number(N.DW_AT_upper_bound);
  return last === undefined ? undefined : (last + 1) % 2 ** 32;
}

const NO_FRAME = {
  register: () => undefined,
  read: () => new Uint8Array(8),
  frameBase: () => undefined,
  cfa: () => undefined,
};

function memberOffset(entry: DebugEntry): number {
  const value = entry.attribute(DW_AT_data_member_location)?.value;
  if (typeof value === "number") return value;
  // Up to version 2: an expression over the address of the struct.
  return value instanceof Uint8Array ? (evaluateNumber(value, NO_FRAME, 0) ?? 0) : 0;
}
