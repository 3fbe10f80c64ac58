/**
 * What a variable of hosted code may hold while other statements run: the type of its slot in the guest frame.
 *
 * TypeScript knows `number`; a slot is an `int` or an `unsigned int` where the expressions assigned to it show that this
 * is enough, and a `long long` where they do not. So the value read back is always the value written.
 */
import { is_scalar_name, type NumberRange, scalar_numbers } from "./scalars.ts";

export type Kind =
  /** `pointer`: what a u32 points to, for those who print it. */
  | { readonly kind: "number"; readonly range: NumberRange; readonly pointer?: string | undefined }
  | { readonly kind: "boolean" }
  /** A view of a struct, kept as its address; `nullable`: undefined is kept as 0. */
  | { readonly kind: "view"; readonly struct: StructReference; readonly nullable: boolean }
  /** Of no use but to be passed on: `undefined`. */
  | { readonly kind: "nothing" };

/** The declaration `const NAME = struct("name", {…})` of a struct. */
export interface StructReference {
  readonly symbol: import("typescript-api").Symbol;
  /** Its name as C has it. */
  readonly name: string;
}

export const SMALL: Kind = { kind: "number", range: "small" };
export const I32: Kind = { kind: "number", range: "i32" };
export const U32: Kind = { kind: "number", range: "u32" };
export const WIDE: Kind = { kind: "number", range: "wide" };
export const BOOLEAN: Kind = { kind: "boolean" };
export const NOTHING: Kind = { kind: "nothing" };

/** Words that a value takes in a frame and as an argument. */
export function words_of(kind: Kind): 0 | 1 | 2 {
  if (kind.kind === "nothing") return 0;
  return kind.kind === "number" && kind.range === "wide" ? 2 : 1;
}

function join_ranges(a: NumberRange, b: NumberRange): NumberRange {
  if (a === b) return a;
  if (a === "small") return b;
  if (b === "small") return a;
  return "wide";
}

export function same_kind(a: Kind, b: Kind): boolean {
  if (a.kind === "number" && b.kind === "number") return a.range === b.range && a.pointer === b.pointer;
  if (a.kind === "view" && b.kind === "view") return a.struct.symbol === b.struct.symbol && a.nullable === b.nullable;
  return a.kind === b.kind;
}

/** The kind that holds what either holds; undefined if there is none. */
export function join(a: Kind, b: Kind): Kind | undefined {
  if (a.kind === "nothing" && b.kind === "nothing") return a;
  if (a.kind === "nothing") return b.kind === "view" ? { ...b, nullable: true } : undefined;
  if (b.kind === "nothing") return join(b, a);
  if (a.kind === "number" && b.kind === "number") {
    const range = join_ranges(a.range, b.range);
    const pointer = a.pointer ?? b.pointer;
    const same = (a.pointer ?? pointer) === (b.pointer ?? pointer) && range === "u32";
    return { kind: "number", range, pointer: same ? pointer : undefined };
  }
  if (a.kind === "view" && b.kind === "view")
    return a.struct.symbol === b.struct.symbol ? { ...a, nullable: a.nullable || b.nullable } : undefined;
  return a.kind === b.kind ? a : undefined;
}

/** The kind of a scalar type's name: `u8`, `i32`, `task_struct *`. */
export function scalar_kind(name: string): Kind {
  if (name.endsWith(" *")) return { kind: "number", range: "u32", pointer: name.slice(0, -2) };
  return is_scalar_name(name) ? { kind: "number", range: scalar_numbers[name] } : WIDE;
}

/** Name of a kind in the tables for debuggers, which read it back: `i32`, `number`, `task_struct *`. */
export function kind_name(kind: Kind): string {
  switch (kind.kind) {
    case "number":
      if (kind.range === "wide") return "number";
      if (kind.range === "u32") return kind.pointer === undefined ? "u32" : `${kind.pointer} *`;
      return "i32";
    case "view":
      return `${kind.struct.name} *`;
    default:
      return kind.kind;
  }
}
