/** Values of expressions. */
import { type CType, INT, LONG, UNSIGNED } from "./types.ts";

/** A value with its type. What lies in memory has an address, and is read when it is wanted. */
export interface Value {
  readonly type: CType;
  /** Linear address, if it lies in memory. */
  readonly address?: number;
  /** Of integers and pointers that do not lie in memory, within the range of their type. */
  readonly number?: number;
  /** The register it is, so that it can be set. */
  readonly register?: string;
}

/** Brings a number into the range of a type, as a conversion in C does; those of 8 bytes stay as they are. */
export function wrap(number: number, type: CType): number {
  if (type.kind === "integer") {
    if (type.size === 8) return Math.trunc(number);
    const shift = 32 - 8 * type.size;
    const bits = toBits(number) << shift;
    return type.signed ? bits >> shift : bits >>> shift;
  }
  return toBits(number) >>> 0;
}

/** The low 32 bits. */
function toBits(number: number): number {
  return (number % 2 ** 32) | 0;
}

/** A number as an expression without further type has it: int where it fits, else unsigned int, else 64 bits. */
export function plain(number: number): Value {
  const type = number === (number | 0) ? INT : number >= 0 && number < 2 ** 32 ? UNSIGNED : LONG;
  return { type, number };
}

export function unsigned(number: number): Value {
  return { type: UNSIGNED, number: number >>> 0 };
}
