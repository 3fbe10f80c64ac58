/** The types of the debugger's expressions: C's integers, and the kernel's structs with pointers that know their target. */
import type { Type as KernelType, StructType } from "../../../kernel/inspect.ts";

export interface IntegerType {
  readonly kind: "integer";
  readonly name: string;
  /** Bytes; 8 are those of counters, which do not wrap. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
}

export interface PointerType {
  readonly kind: "pointer";
  readonly name: string;
  readonly size: 4;
  /** Name of what it points to. */
  readonly to: string;
}

export interface ArrayType {
  readonly kind: "array";
  readonly name: string;
  readonly size: number;
  readonly element: CType;
  readonly length: number;
}

/** A NUL-padded array of characters. */
export interface CharsType {
  readonly kind: "chars";
  readonly name: string;
  readonly size: number;
}

export interface CStructType {
  readonly kind: "struct";
  readonly name: string;
  readonly size: number;
  readonly struct: StructType;
}

/** Code, or data whose type nobody has said. */
export interface PlaceType {
  readonly kind: "code" | "untyped";
  readonly name: string;
  readonly size: number;
}

export type CType = IntegerType | PointerType | ArrayType | CharsType | CStructType | PlaceType;

function integer(name: string, size: 1 | 2 | 4 | 8, signed: boolean): IntegerType {
  return { kind: "integer", name, size, signed };
}

export const INT = integer("int", 4, true);
export const UNSIGNED = integer("unsigned int", 4, false);
/** Positions and cycles. */
export const LONG = integer("long long", 8, true);
export const CODE: PlaceType = { kind: "code", name: "code", size: 1 };
export const UNTYPED: PlaceType = { kind: "untyped", name: "data", size: 4 };

const INTEGERS: Readonly<Record<string, IntegerType>> = {
  u8: integer("u8", 1, false),
  u16: integer("u16", 2, false),
  u32: integer("u32", 4, false),
  i8: integer("i8", 1, true),
  i16: integer("i16", 2, true),
  i32: integer("i32", 4, true),
  char: integer("char", 1, true),
  short: integer("short", 2, true),
  int: INT,
  long: integer("long", 4, true),
  unsigned: UNSIGNED,
  "unsigned char": integer("unsigned char", 1, false),
  "unsigned short": integer("unsigned short", 2, false),
  "unsigned int": UNSIGNED,
  "unsigned long": integer("unsigned long", 4, false),
};

/** What a pointer of this name points to by, when it is no type of its own. */
const VOID_NAMES = new Set(["void"]);

export function pointerTo(name: string): PointerType {
  return { kind: "pointer", name: `${name} *`, size: 4, to: name };
}

export function arrayOf(element: CType, length: number): ArrayType {
  return { kind: "array", name: `${element.name}[${length}]`, size: element.size * length, element, length };
}

/** The types that have names: the integers, and the structs that a kernel declares. */
export class TypeNames {
  readonly #structs: ReadonlyMap<string, StructType>;

  constructor(structs: ReadonlyMap<string, StructType> = new Map()) {
    this.#structs = structs;
  }

  /** The type of that name, or undefined; `name *` is a pointer. */
  find(name: string): CType | undefined {
    const pointer = /^(.*\S)\s*\*$/.exec(name);
    if (pointer !== null) return pointerTo(pointer[1]!);
    const struct = this.#structs.get(name);
    if (struct !== undefined) return { kind: "struct", name, size: struct.size, struct };
    return INTEGERS[name];
  }

  has(name: string): boolean {
    return VOID_NAMES.has(name) || Object.hasOwn(INTEGERS, name) || this.#structs.has(name);
  }

  /** Every name, for completion and suggestions. */
  names(): string[] {
    return [...Object.keys(INTEGERS), ...this.#structs.keys()];
  }

  /** A type of the kernel's. */
  ofKernel(type: KernelType): CType {
    switch (type.kind) {
      case "struct":
        return { kind: "struct", name: type.name, size: type.size, struct: type };
      case "chars":
        return { kind: "chars", name: type.name, size: type.size };
      case "array":
        return arrayOf(this.ofKernel(type.element), type.length);
      case "scalar":
        if (type.name.endsWith("*")) return pointerTo(type.name.replace(/\s*\*$/, ""));
        return integer(type.name, type.size as 1 | 2 | 4, type.from_register(-1) < 0);
    }
  }
}
