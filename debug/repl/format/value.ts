/** Values of expressions as text: `p`, with its formats x d u t c a s. */
import type { SymbolTable } from "../../session/index.ts";
import { type Environment, numberOf } from "../expression/evaluate.ts";
import { CODE, type CType } from "../expression/types.ts";
import type { Value } from "../expression/value.ts";
import { bareHex, hex } from "./numbers.ts";

/** How numbers are shown; "natural" is what suits the type. */
export type NumberFormat = "natural" | "x" | "d" | "u" | "t" | "o" | "c" | "a" | "s";
export const NUMBER_FORMATS: readonly string[] = ["x", "d", "u", "t", "o", "c", "a", "s"];

const MOST_ELEMENTS = 200;
/** Unsigned numbers from here on are rather addresses, or bits. */
const LEAST_ADDRESS = 0x10000;
const LONGEST_STRING = 200;

export interface Formatting {
  readonly environment: Environment;
  readonly symbols: SymbolTable;
  readonly format: NumberFormat;
  /** The string at an address, for pointers to characters. */
  readonly readString: (linear: number, limit: number) => string;
}

/** The whole value, aggregates indented over several lines. @throws MemoryError */
export function formatValue(value: Value, formatting: Formatting): string {
  return format(value, formatting, "");
}

function format(value: Value, formatting: Formatting, indent: string): string {
  const { type } = value;
  const { environment } = formatting;
  switch (type.kind) {
    case "struct":
      return formatStruct(value, formatting, indent);
    case "array":
      return formatArray(value, formatting, indent);
    case "chars":
      return quote(new TextDecoder("latin1").decode(environment.read(value.address!, type.size)).replace(/\0.*$/s, ""));
    case "code":
      return `{code} ${place(value.address!, formatting)}`;
    default:
      return formatNumber(numberOf(value, environment)!, type, formatting);
  }
}

function formatStruct({ type, address }: Value, formatting: Formatting, indent: string): string {
  if (type.kind !== "struct") return "";
  const inner = `${indent}  `;
  const lines = Object.entries(type.struct.fields).map(([field, kernelType]) => {
    const member: Value = {
      type: formatting.environment.types.ofKernel(kernelType),
      address: (address! + type.struct.offset(field)) >>> 0,
    };
    return `${inner}${field} = ${format(member, formatting, inner)}`;
  });
  const flat = `{${lines.map((line) => line.trim()).join(", ")}}`;
  return flat.length <= 60 && !flat.includes("\n") ? flat : `{\n${lines.join(",\n")}\n${indent}}`;
}

function formatArray({ type, address }: Value, formatting: Formatting, indent: string): string {
  if (type.kind !== "array") return "";
  const count = Math.min(type.length, MOST_ELEMENTS);
  const elements: string[] = [];
  for (let i = 0; i < count; i++) {
    const element: Value = { type: type.element, address: (address! + i * type.element.size) >>> 0 };
    elements.push(format(element, formatting, `${indent}  `));
  }
  const parts = runs(elements);
  if (count < type.length) parts.push(`… ${type.length - count} more`);
  const isLong = parts.some((part) => part.includes("\n"));
  return isLong ? `{\n${parts.map((part) => `${indent}  ${part}`).join(",\n")}\n${indent}}` : `{${parts.join(", ")}}`;
}

/** Equal elements in a row as one: `0 <repeats 31 times>`. */
function runs(elements: readonly string[]): string[] {
  const parts: string[] = [];
  for (let i = 0; i < elements.length; ) {
    let end = i + 1;
    while (elements[end] === elements[i]) end++;
    if (end - i >= 4) parts.push(`${elements[i]} <repeats ${end - i} times>`);
    else parts.push(...elements.slice(i, end));
    i = end;
  }
  return parts;
}

/** A number of a type. */
export function formatNumber(number: number, type: CType, formatting: Formatting): string {
  const bits = type.kind === "integer" ? 8 * type.size : 32;
  const unsignedValue = number < 0 ? number + 2 ** bits : number;
  switch (formatting.format) {
    case "x":
      return `0x${unsignedValue.toString(16)}`;
    case "t":
      return `0b${unsignedValue.toString(2)}`;
    case "o":
      return `0${unsignedValue.toString(8)}`;
    case "u":
      return String(unsignedValue);
    case "d":
      return String(bits < 64 && unsignedValue >= 2 ** (bits - 1) ? unsignedValue - 2 ** bits : number);
    case "c":
      return `${number} ${quote(String.fromCharCode(unsignedValue & 0xff), "'")}`;
    case "a":
      return place(unsignedValue, formatting);
    case "s":
      return quote(formatting.readString(unsignedValue, LONGEST_STRING));
    case "natural":
      return natural(number, type, formatting);
  }
}

function natural(number: number, type: CType, formatting: Formatting): string {
  if (type.kind !== "pointer") {
    const isLikelyAddress = type.kind === "integer" && !type.signed && number >= LEAST_ADDRESS;
    return type.kind === "untyped" || isLikelyAddress ? hex(number) : String(number);
  }
  if (number === 0) return "0";
  if (type.to === "char") {
    try {
      return `${hex(number)} ${quote(formatting.readString(number, LONGEST_STRING))}`;
    } catch {
      return hex(number);
    }
  }
  return place(number, formatting);
}

/** `0xc0101234 <schedule+0x10>`; the bare address where no symbol is known to reach. */
export function place(address: number, { symbols }: Pick<Formatting, "symbols">): string {
  const found = symbols.symbolize(address);
  if (found === undefined) return hex(address);
  const reaches = found.size > 0 || found.offset === 0 || symbols.line(address) !== undefined;
  return reaches ? `${hex(address)} <${symbols.format(address)}>` : hex(address);
}

function quote(text: string, mark = '"'): string {
  const body = Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (character === mark || character === "\\") return `\\${character}`;
    if (character === "\n") return "\\n";
    return code < 32 || code > 126 ? `\\x${bareHex(code, 2)}` : character;
  });
  return mark + body.join("") + mark;
}

/** The type as `ptype` shows it: of a struct with its members and their offsets. */
export function describeType(type: CType, environment: Environment): string {
  if (type.kind === "pointer") {
    const target = environment.types.find(type.to);
    return target?.kind === "struct" ? `${describeType(target, environment)} *` : type.name;
  }
  if (type.kind !== "struct") return type === CODE ? "code" : type.name;
  const members = Object.entries(type.struct.fields).map(([field, kernelType]) => {
    const { name, size } = environment.types.ofKernel(kernelType);
    return `  /* ${String(type.struct.offset(field)).padStart(4)} ${String(size).padStart(5)} */  ${name} ${field};`;
  });
  return `struct ${type.name} {   /* offset, bytes; ${type.size} in all */\n${members.join("\n")}\n}`;
}
