/**
 * Typed views of guest memory. A type knows its size and how to read and write itself at a linear address; a struct is
 * a table of fields, laid out by the i386 System V ABI, whose views hold nothing but an address.
 */
import { ambient } from "./context.ts";

/** An integer or pointer: what fits a register and may be a parameter or a result. */
export interface ScalarType<N extends string = string> {
  readonly kind: "scalar";
  /** `u32`, `task_struct *`: what the compiler of hosted functions goes by. */
  readonly name: N;
  /** Bytes. */
  readonly size: number;
  readonly alignment: number;
  readonly signed: boolean;
  read(linear: number): number;
  write(linear: number, value: number): void;
  /** The value of a 32-bit register that holds this type. */
  from_register(value: number): number;
}

function scalar<const N extends string>(name: N, size: 1 | 2 | 4, signed: boolean): ScalarType<N> {
  const shift = 32 - 8 * size;
  const from_register = signed ? (v: number) => (v << shift) >> shift : (v: number) => (v << shift) >>> shift;
  const read =
    size === 1
      ? (at: number) => from_register(ambient.memory.read8(at))
      : size === 2
        ? (at: number) => from_register(ambient.memory.read16(at))
        : (at: number) => from_register(ambient.memory.read32(at));
  const write =
    size === 1
      ? (at: number, v: number) => ambient.memory.write8(at, v)
      : size === 2
        ? (at: number, v: number) => ambient.memory.write16(at, v)
        : (at: number, v: number) => ambient.memory.write32(at, v);
  return { kind: "scalar", name, size, alignment: size, signed, read, write, from_register };
}

export const u8 = scalar("u8", 1, false);
export const u16 = scalar("u16", 2, false);
export const u32 = scalar("u32", 4, false);
export const i8 = scalar("i8", 1, true);
export const i16 = scalar("i16", 2, true);
export const i32 = scalar("i32", 4, true);

/** Numbers of a scalar type: what the annotation of a variable, parameter or result says about its range. */
export type u8 = number;
export type u16 = number;
export type u32 = number;
export type i8 = number;
export type i16 = number;
export type i32 = number;

/** A pointer: a number in TypeScript, the name of what it points to for those who print it. */
export function pointer<const T extends string>(to: T): ScalarType<`${T} *`> {
  return { ...u32, name: `${to} *` };
}

/** A fixed array of characters, NUL-padded; reads as the string before the first NUL. */
export interface CharsType {
  readonly kind: "chars";
  readonly name: string;
  readonly size: number;
  readonly alignment: 1;
}

export function chars(length: number): CharsType {
  return { kind: "chars", name: `char[${length}]`, size: length, alignment: 1 };
}

export interface ArrayType<T extends Type = Type> {
  readonly kind: "array";
  readonly name: string;
  readonly element: T;
  readonly length: number;
  readonly size: number;
  readonly alignment: number;
}

export function array<T extends Type>(element: T, length: number): ArrayType<T> {
  const stride = element.size;
  return {
    kind: "array",
    name: `${element.name}[${length}]`,
    element,
    length,
    size: stride * length,
    alignment: element.alignment,
  };
}

export type Fields = Readonly<Record<string, Type>>;

export interface StructType<F extends Fields = Fields> {
  readonly kind: "struct";
  readonly name: string;
  readonly size: number;
  readonly alignment: number;
  readonly fields: F;
  /** Byte offset of a field; dots reach into nested structs: `offset("thread.esp")`. */
  offset(path: string): number;
  /** The struct at a linear address. */
  at(linear: number): View<F>;
}

export type Type = ScalarType | CharsType | ArrayType | StructType;

/** What reading a value of the type gives: numbers for scalars, strings for chars, views for the rest. */
export type Value<T> = T extends ScalarType
  ? number
  : T extends CharsType
    ? string
    : T extends ArrayType<infer E>
      ? ArrayView<E>
      : T extends StructType<infer F>
        ? View<F>
        : never;

declare const view_of: unique symbol;

/** A struct at an address. Its type remembers the fields, for the compiler of hosted functions. */
export type View<F extends Fields = Fields> = { readonly address: number; readonly [view_of]?: F } & {
  -readonly [K in keyof F]: Value<F[K]>;
};

/** The view type of a struct: `function f(task: ViewOf<typeof task_struct>)`. */
export type ViewOf<S> = S extends StructType<infer F> ? View<F> : never;

export interface ArrayView<E extends Type> {
  readonly type: ArrayType<E>;
  readonly address: number;
  readonly length: number;
  /** The linear address of element `index`. Throws RangeError outside of the array. */
  address_of(index: number): number;
  get(index: number): Value<E>;
  set(index: number, value: Value<E>): void;
}

class ArrayWindow {
  declare readonly type: ArrayType;
  declare readonly address: number;
  constructor(type: ArrayType, address: number) {
    (this as { type: ArrayType }).type = type;
    (this as { address: number }).address = address;
  }
  get length(): number {
    return this.type.length;
  }
  address_of(index: number): number {
    if (!(index >= 0 && index < this.type.length)) {
      throw new RangeError(`index ${index} is outside of ${this.type.name}`);
    }
    return (this.address + index * this.type.element.size) >>> 0;
  }
  get(index: number): unknown {
    return read_value(this.type.element, this.address_of(index));
  }
  set(index: number, value: never): void {
    write_value(this.type.element, this.address_of(index), value);
  }
}

/** Reads a value of any type: the scalar, the string, or a view of the aggregate. */
export function read_value<T extends Type>(type: T, linear: number): Value<T> {
  return read_any(type, linear) as Value<T>;
}

function read_any(type: Type, linear: number): unknown {
  switch (type.kind) {
    case "scalar":
      return type.read(linear);
    case "struct":
      return type.at(linear);
    case "array":
      return new ArrayWindow(type, linear >>> 0);
    case "chars": {
      const m = ambient.memory;
      let text = "";
      for (let i = 0; i < type.size; i++) {
        const byte = m.read8(linear + i);
        if (byte === 0) break;
        text += String.fromCharCode(byte);
      }
      return text;
    }
  }
}

/** Writes a scalar or a string. Aggregates are written field by field; assigning one throws TypeError. */
export function write_value(type: Type, linear: number, value: number | string): void {
  if (type.kind === "scalar") type.write(linear, value as number);
  else if (type.kind === "chars") {
    const m = ambient.memory;
    const text = value as string;
    for (let i = 0; i < type.size; i++)
      m.write8(linear + i, i < text.length && i < type.size - 1 ? text.charCodeAt(i) : 0);
  } else throw new TypeError(`${type.name} cannot be assigned as a whole; copy it with memcpy`);
}

interface Placed {
  readonly $at: number;
}

/** Reads and writes a field: a closure for each kind, so that each access in the kernel has one target. */
function accessor(type: Type, offset: number): PropertyDescriptor & ThisType<Placed> {
  switch (type.kind === "scalar" ? `${type.size}${type.signed ? "i" : "u"}` : type.kind) {
    case "4u":
      return {
        get() {
          return ambient.memory.read32(this.$at + offset) >>> 0;
        },
        set(value: number) {
          ambient.memory.write32(this.$at + offset, value);
        },
      };
    case "4i":
      return {
        get() {
          return ambient.memory.read32(this.$at + offset);
        },
        set(value: number) {
          ambient.memory.write32(this.$at + offset, value);
        },
      };
    case "struct": {
      const { at } = type as StructType;
      return {
        get() {
          return at(this.$at + offset);
        },
        set() {
          throw new TypeError(`${type.name} cannot be assigned as a whole; copy it with memcpy`);
        },
      };
    }
    default:
      return {
        get() {
          return read_value(type, this.$at + offset);
        },
        set(value: number | string) {
          write_value(type, this.$at + offset, value);
        },
      };
  }
}

function align(offset: number, alignment: number): number {
  return (offset + alignment - 1) & -alignment;
}

/**
 * Declares a struct over guest memory. Fields are laid out in order with natural alignment (System V ABI, i386).
 * The assembler sees `NAME_FIELD` (dots become underscores) for every offset and `sizeof_NAME`.
 */
export function struct<F extends Fields>(name: string, fields: F): StructType<F> {
  const offsets = new Map<string, number>();
  let end = 0;
  let alignment = 1;
  class StructView {
    /** Signed: V8 keeps it without a box. Only declared: initialising a field costs more than all the rest. */
    declare readonly $at: number;
    constructor(at: number) {
      (this as { $at: number }).$at = at;
    }
    get address(): number {
      return this.$at >>> 0;
    }
  }
  for (const [field, type] of Object.entries(fields) as [string, Type][]) {
    const offset = align(end, type.alignment);
    offsets.set(field, offset);
    if (type.kind === "struct")
      for (const inner of field_paths(type)) offsets.set(`${field}.${inner}`, offset + type.offset(inner));
    end = offset + type.size;
    alignment = Math.max(alignment, type.alignment);
    Object.defineProperty(StructView.prototype, field, accessor(type, offset));
  }
  const type: StructType<F> = {
    kind: "struct",
    name,
    size: align(end, alignment),
    alignment,
    fields,
    offset(path) {
      const offset = offsets.get(path);
      if (offset === undefined) throw new Error(`struct ${name} has no field ${path}`);
      return offset;
    },
    at: (linear) => new StructView(linear | 0) as unknown as View<F>,
  };
  return type;
}

/** The fields of a struct with those of nested structs behind dots. */
export function* field_paths(type: StructType): Generator<string> {
  for (const [field, inner] of Object.entries(type.fields)) {
    yield field;
    if (inner.kind === "struct") for (const path of field_paths(inner)) yield `${field}.${path}`;
  }
}

/** Address of the struct that holds `member` at `member_address` (`list_entry`). */
export function container_of(member_address: number, type: StructType, member: string): u32 {
  return (member_address - type.offset(member)) >>> 0;
}
