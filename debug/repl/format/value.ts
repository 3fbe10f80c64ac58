/** Values of expressions as text: `p`, with its formats x d u t o c a s f z. */
import {
  type CType,
  declare,
  type EnumType,
  type PlainType,
  plainType,
  type StructType,
  typeName,
} from "../../../asm/dwarf/reader/index.ts";
import { hex } from "../../numbers.ts";
import type { SymbolTable } from "../../session/index.ts";
import type { Environment } from "../expression/environment.ts";
import { bytesOf, elementOf, memberOf, scalarOf } from "../expression/reading.ts";
import { WORD } from "../expression/types.ts";
import { isSigned, type Scalar, type Value } from "../expression/value.ts";

/** How numbers are shown; "natural" is what suits the type. */
export type NumberFormat = "natural" | "x" | "z" | "d" | "u" | "t" | "o" | "c" | "a" | "s" | "f";
export const NUMBER_FORMATS: readonly string[] = ["x", "z", "d", "u", "t", "o", "c", "a", "s", "f"];

const MOST_ELEMENTS = 200;
/** Equal elements in a row that are shown as one. */
const LEAST_REPEATED = 10;
/** Members of structs in structs in structs, shown. */
const DEEPEST = 20;
/** Unsigned words from here on may be addresses, or bits, and are shown in hex too. */
const LEAST_ADDRESS = 0x10000;
const LONGEST_STRING = 200;
const WIDEST_FLAT = 60;
/** Digits with which every float, and every double, is told from the next. */
const FLOAT_DIGITS = 9;
const DOUBLE_DIGITS = 17;

export interface Formatting {
  readonly environment: Pick<Environment, "read">;
  readonly symbols: SymbolTable;
  readonly format: NumberFormat;
  /** The string at an address, for pointers to characters. */
  readonly readString: (linear: number, limit: number) => string;
}

/** The whole value, aggregates indented over several lines. @throws MemoryError */
export function formatValue(value: Value, formatting: Formatting): string {
  return format(value, formatting, "", 0);
}

/** The value as part of a line: aggregates as `...`, as gdb shows arguments in a back-trace. @throws MemoryError */
export function formatScalar(value: Value, formatting: Formatting): string {
  const { kind } = plainType(value.type);
  if (value.absent !== undefined) return `<${value.absent}>`;
  return kind === "struct" || kind === "array" ? "..." : format(value, formatting, "", 0);
}

function format(value: Value, formatting: Formatting, indent: string, depth: number): string {
  if (value.absent !== undefined) return `<${value.absent}>`;
  const type = plainType(value.type);
  switch (type.kind) {
    case "struct":
      return depth >= DEEPEST ? "{...}" : formatStruct(value, type, formatting, indent, depth);
    case "array":
      return formatArray(value, type, formatting, indent, depth);
    case "void":
      return "void";
    case "code":
      return `{code} ${place(value.address!, formatting)}`;
    case "function":
      return `{${typeName(value.type)}} ${place(value.address!, formatting)}`;
    default:
      return formatNumber(scalarOf(value, formatting.environment)!, value.type, formatting);
  }
}

function formatStruct(value: Value, struct: StructType, formatting: Formatting, indent: string, depth: number): string {
  if (struct.isIncomplete) return "<incomplete type>";
  const inner = `${indent}  `;
  const lines = struct.members.map((member) => {
    const text = format(memberOf(value, member), formatting, inner, depth + 1);
    return member.name === "" ? `${inner}${text}` : `${inner}${member.name} = ${text}`;
  });
  const flat = `{${lines.map((line) => line.trim()).join(", ")}}`;
  return flat.length <= WIDEST_FLAT && !flat.includes("\n") ? flat : `{\n${lines.join(",\n")}\n${indent}}`;
}

function formatArray(
  value: Value,
  { element, length }: PlainType & { kind: "array" },
  formatting: Formatting,
  indent: string,
  depth: number,
): string {
  const whole = length ?? 0;
  const count = Math.min(whole, MOST_ELEMENTS);
  const it = plainType(element);
  if (it.kind === "integer" && it.shows === "character" && ["natural", "s"].includes(formatting.format)) {
    const bytes = bytesOf(
      { ...value, type: { kind: "array", element, length: count, size: count } },
      formatting.environment,
    );
    return quote(new TextDecoder("latin1").decode(bytes).replace(/\0.*$/s, ""));
  }
  const elements: string[] = [];
  for (let i = 0; i < count; i++) {
    elements.push(format(elementOf(value, element, i), formatting, `${indent}  `, depth + 1));
  }
  const parts = runs(elements);
  if (count < whole) parts.push(`… ${whole - count} more`);
  const isLong = parts.some((part) => part.includes("\n"));
  return isLong ? `{\n${parts.map((part) => `${indent}  ${part}`).join(",\n")}\n${indent}}` : `{${parts.join(", ")}}`;
}

/** Equal elements in a row as one: `0 <repeats 31 times>`. */
function runs(elements: readonly string[]): string[] {
  const parts: string[] = [];
  for (let i = 0; i < elements.length; ) {
    let end = i + 1;
    while (elements[end] === elements[i]) end++;
    if (end - i >= LEAST_REPEATED) parts.push(`${elements[i]} <repeats ${end - i} times>`);
    else parts.push(...elements.slice(i, end));
    i = end;
  }
  return parts;
}

/** A number of a type. */
export function formatNumber(scalar: Scalar, type: CType, formatting: Formatting): string {
  const it = plainType(type);
  const bits = it.kind === "integer" || it.kind === "enum" || it.kind === "float" ? 8 * Math.min(it.size, 8) : 32;
  const isFloat = it.kind === "float";
  const letter = formatting.format;
  if (letter === "natural" || (isFloat && letter === "f")) return natural(scalar, type, formatting);
  const whole = isFloat ? Math.trunc(Number(scalar)) : scalar;
  const unsigned = Number.isFinite(Number(whole)) ? BigInt.asUintN(bits, BigInt(whole)) : 0n;
  switch (letter) {
    case "x":
      return `0x${unsigned.toString(16)}`;
    case "z":
      return `0x${unsigned.toString(16).padStart(bits / 4, "0")}`;
    case "t":
      return unsigned.toString(2);
    case "o":
      return unsigned === 0n ? "0" : `0${unsigned.toString(8)}`;
    case "u":
    case "f":
      return String(unsigned);
    case "d":
      return String(BigInt.asIntN(bits, unsigned));
    case "c":
      return character(Number(BigInt.asIntN(8, unsigned)));
    case "a":
      return place(Number(unsigned), formatting);
    case "s":
      return it.kind === "pointer" || it.kind === "array" || !isSigned(it)
        ? quote(formatting.readString(Number(unsigned), LONGEST_STRING))
        : natural(scalar, type, formatting);
  }
}

function natural(scalar: Scalar, type: CType, formatting: Formatting): string {
  const it = plainType(type);
  switch (it.kind) {
    case "pointer":
      return pointer(Number(scalar), it.to, formatting);
    case "enum":
      return enumerator(Number(scalar), it);
    case "float":
      return float(Number(scalar), it.size);
    case "integer": {
      if (it.shows === "boolean") return scalar === 0 ? "false" : scalar === 1 ? "true" : String(scalar);
      if (it.shows === "character") return character(Number(scalar));
      if (it.signed || it.size !== WORD.size || scalar < LEAST_ADDRESS) return String(scalar);
      return it === WORD ? hex(Number(scalar)) : `${scalar} (0x${scalar.toString(16)})`;
    }
    default:
      return hex(Number(scalar));
  }
}

function pointer(address: number, to: CType, formatting: Formatting): string {
  if (address === 0) return "0x0";
  const target = plainType(to);
  if (target.kind === "integer" && target.shows === "character") {
    try {
      return `${hex(address)} ${quote(formatting.readString(address, LONGEST_STRING))}`;
    } catch {
      return hex(address);
    }
  }
  return place(address, formatting);
}

/** Of flags, those that are set: `(READ | WRITE)`. */
function enumerator(value: number, { enumerators }: EnumType): string {
  const found = enumerators.find((each) => each.value === value);
  if (found !== undefined) return found.name;
  const set = enumerators.filter((each) => each.value > 0 && (value & each.value) === each.value);
  const areFlags = enumerators.every((each) => each.value === 0 || (each.value & (each.value - 1)) === 0);
  const known = set.reduce((sum, each) => sum | each.value, 0);
  if (!areFlags || set.length === 0) return String(value);
  const rest = value & ~known;
  return `(${set.map(({ name }) => name).join(" | ")}${rest === 0 ? "" : ` | 0x${rest.toString(16)}`})`;
}

function float(value: number, size: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const text = String(Number(value.toPrecision(size === 4 ? FLOAT_DIGITS : DOUBLE_DIGITS)));
  const shown = size === 4 ? text : value.toPrecision(DOUBLE_DIGITS);
  // As C's %g has it: no zeros at the end.
  return shown.includes("e") ? shown.replace(/\.?0+e/, "e") : shown.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

function character(code: number): string {
  return `${code} ${quote(String.fromCharCode(code & 0xff), "'")}`;
}

/** `0xc0101234 <schedule+0x10>`; the bare address where no symbol is known to reach. */
export function place(address: number, { symbols }: Pick<Formatting, "symbols">): string {
  const found = symbols.symbolize(address);
  if (found === undefined) return hex(address);
  const reaches = found.size > 0 || found.offset === 0 || symbols.lineEntry(address) !== undefined;
  return reaches ? `${hex(address)} <${symbols.format(address)}>` : hex(address);
}

function quote(text: string, mark = '"'): string {
  const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };
  const body = Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (character === mark || character === "\\") return `\\${character}`;
    if (Object.hasOwn(escapes, character)) return escapes[character];
    return code < 32 || code > 126 ? `\\${code.toString(8).padStart(3, "0")}` : character;
  });
  return mark + body.join("") + mark;
}

/** What `p` puts before a value: the type of a pointer that is to no character. */
export function typePrefix({ type }: Value): string {
  const it = plainType(type);
  if (it.kind !== "pointer") return "";
  const to = plainType(it.to);
  return to.kind === "integer" && to.shows === "character" ? "" : `(${typeName(type)}) `;
}

/** The type as `ptype` shows it: of a struct with its members and their offsets. */
export function describeType(type: CType): string {
  const it = type.kind === "typedef" || type.kind === "qualified" ? plainType(type) : type;
  if (it.kind === "pointer" || it.kind === "array") {
    const inner = it.kind === "pointer" ? it.to : it.element;
    const suffix = it.kind === "pointer" ? " *" : ` [${it.length ?? ""}]`;
    const target = plainType(inner);
    if (target.kind === "struct" || target.kind === "enum") return `${describeType(inner)}${suffix}`;
    return declare(it);
  }
  if (it.kind === "enum") return `enum ${it.tag === "" ? "" : `${it.tag} `}{${enumeratorList(it)}}`;
  if (it.kind !== "struct" || it.isIncomplete) return it.kind === "code" ? "code" : typeName(it);
  return structLines(it, "", 0).join("\n");
}

function enumeratorList({ enumerators }: EnumType): string {
  let next = 0;
  const parts = enumerators.map(({ name, value }) => {
    const text = value === next ? name : `${name} = ${value}`;
    next = value + 1;
    return text;
  });
  return parts.join(", ");
}

function structLines(struct: StructType, indent: string, depth: number): string[] {
  const name = struct.tag === "" ? "" : ` ${struct.tag}`;
  const lines = [`${indent}${struct.keyword}${name} {   /* offset, bytes; ${struct.size} in all */`];
  for (const member of struct.members) {
    const at = `${indent}  /* ${String(member.offset).padStart(4)} ${String(member.type.size).padStart(5)} */  `;
    const inner = plainType(member.type);
    if (inner.kind === "struct" && inner.tag === "" && member.type.kind === "struct" && depth < DEEPEST) {
      lines.push(...structLines(inner, `${indent}    `, depth + 1));
      lines[lines.length - 1] += `${member.name === "" ? "" : ` ${member.name}`};`;
      continue;
    }
    const width = member.bits === undefined ? "" : ` : ${member.bits.count}`;
    lines.push(`${at}${declare(member.type, member.name)}${width};`);
  }
  lines.push(`${indent}}`);
  return lines;
}
