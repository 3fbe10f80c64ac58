/** What values hold, and their parts. */
import { type CType, type Member, plainType } from "../../../asm/dwarf/reader/index.ts";
import type { Environment } from "./environment.ts";
import { decode, type Scalar, type Value } from "./value.ts";

/** The bytes of a value. @throws MemoryError; RangeError when they cannot be known */
export function bytesOf(value: Value, environment: Pick<Environment, "read">): Uint8Array {
  if (value.absent !== undefined) throw new RangeError(`the value is ${value.absent}`);
  const { size } = value.type;
  if (value.bytes !== undefined) return value.bytes;
  const { bits } = value;
  return environment.read(value.address!, bits === undefined ? size : (bits.first + bits.count + 7) >> 3);
}

/**
 * What an integer, a float or a pointer is; what an array or a function stands for is its address. Undefined for a
 * struct. @throws MemoryError; RangeError when it cannot be known
 */
export function scalarOf(value: Value, environment: Pick<Environment, "read">): Scalar | undefined {
  if (value.scalar !== undefined) return value.scalar;
  if (value.absent !== undefined) throw new RangeError(`the value is ${value.absent}`);
  switch (plainType(value.type).kind) {
    case "array":
    case "code":
    case "function":
      return value.address;
    case "struct":
    case "void":
      return undefined;
    default:
      return decode(bytesOf(value, environment), value.type, value.bits);
  }
}

/** The same, as a number, which may be near it only. */
export function numberOf(value: Value, environment: Pick<Environment, "read">): number | undefined {
  const scalar = scalarOf(value, environment);
  return scalar === undefined ? undefined : Number(scalar);
}

/** A member of a struct or union. */
export function memberOf(value: Value, { type, offset, bits }: Member): Value {
  const size = bits === undefined ? type.size : (bits.first + bits.count + 7) >> 3;
  return { ...partOf(value, offset, size), type, ...(bits === undefined ? {} : { bits }) };
}

/** An element of an array. */
export function elementOf(value: Value, element: CType, index: number): Value {
  return { ...partOf(value, index * element.size, element.size), type: element };
}

/** A value of the past has its bytes and its place; both go to its parts. */
function partOf({ address, bytes }: Value, offset: number, size: number): Pick<Value, "address" | "bytes"> {
  return {
    ...(address === undefined ? {} : { address: (address + offset) >>> 0 }),
    ...(bytes === undefined ? {} : { bytes: bytes.subarray(offset, offset + size) }),
  };
}
