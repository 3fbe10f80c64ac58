/** The WebAssembly of a region as text (WebAssembly 2.0, chapters 5 and 6), with the locals' names in place of numbers. */
import {
  BUDGET,
  CHOICE,
  CORE,
  ENTRY,
  FLAG_FIRST,
  FLAG_KIND,
  FLAG_RESULT,
  FLAG_SECOND,
  GENERAL_REGISTERS,
  TARGET,
} from "./emit.ts";

/** What follows an opcode. */
type Immediate = "" | "type" | "label" | "labels" | "local" | "function" | "indirect" | "i32" | "memory" | "bulk";

/** The number behind 0xFC; the only other one that regions have is MEMORY_FILL. */
const MEMORY_COPY = 10;
const CODE_SECTION = 10;
const MAGIC_BYTES = 8;

/** Opcodes from a number on, by what follows them. */
const ROWS: readonly (readonly [first: number, immediate: Immediate, names: string])[] = [
  [0x00, "", "unreachable nop"],
  [0x02, "type", "block loop if"],
  [0x05, "", "else"],
  [0x0b, "", "end"],
  [0x0c, "label", "br br_if"],
  [0x0e, "labels", "br_table"],
  [0x0f, "", "return"],
  [0x10, "function", "call"],
  [0x11, "indirect", "call_indirect"],
  [0x12, "function", "return_call"],
  [0x13, "indirect", "return_call_indirect"],
  [0x1a, "", "drop select"],
  [0x20, "local", "local.get local.set local.tee"],
  [0x28, "memory", "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u"],
  [0x36, "memory", "i32.store i64.store f32.store f64.store i32.store8 i32.store16"],
  [0x41, "i32", "i32.const i64.const"],
  [0x45, "", "i32.eqz i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u"],
  [0x50, "", "i64.eqz i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u"],
  [0x67, "", "i32.clz i32.ctz i32.popcnt i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u"],
  [0x71, "", "i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr"],
  [0x79, "", "i64.clz i64.ctz i64.popcnt i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u"],
  [0x83, "", "i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr"],
  [0xa7, "", "i32.wrap_i64"],
  [0xac, "", "i64.extend_i32_s i64.extend_i32_u"],
  [0xc0, "", "i32.extend8_s i32.extend16_s"],
  [0xfc, "bulk", "memory"],
];
const OPCODES: ReadonlyMap<number, readonly [name: string, immediate: Immediate]> = new Map(
  ROWS.flatMap(([first, immediate, names]) =>
    names.split(" ").map((name, i) => [first + i, [name, immediate] as const] as const),
  ),
);

const TYPES: ReadonlyMap<number, string> = new Map([
  [0x7f, " (result i32)"],
  [0x7e, " (result i64)"],
]);

const LOCALS: ReadonlyMap<number, string> = new Map([
  [ENTRY, "$entry"],
  [BUDGET, "$budget"],
  [CORE, "$core"],
  ...["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"].map((name, n): [number, string] => [
    GENERAL_REGISTERS + n,
    `$${name}`,
  ]),
  [FLAG_KIND, "$kind"],
  [FLAG_RESULT, "$result"],
  [FLAG_FIRST, "$first"],
  [FLAG_SECOND, "$second"],
  [TARGET, "$target"],
  [CHOICE, "$choice"],
]);

/** In the order in which regions import them. */
const FUNCTIONS = ["$aux", "$interpret"];

class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++];
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  signed(): number {
    let value = 0;
    for (let shift = 0; ; ) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) return shift < 32 && (byte & 0x40) !== 0 ? value | (-1 << shift) : value;
    }
  }
}

function immediateText(reader: Reader, immediate: Immediate): string {
  switch (immediate) {
    case "":
      return "";
    case "type":
      return TYPES.get(reader.byte()) ?? "";
    case "label":
      return ` ${reader.unsigned()}`;
    case "labels":
      return ` ${Array.from({ length: reader.unsigned() + 1 }, () => reader.unsigned()).join(" ")}`;
    case "local": {
      const local = reader.unsigned();
      return ` ${LOCALS.get(local) ?? `$${local}`}`;
    }
    case "function":
      return ` ${FUNCTIONS[reader.unsigned()]}`;
    case "indirect": {
      const type = reader.unsigned();
      reader.unsigned();
      return ` (type ${type})`;
    }
    case "i32": {
      const value = reader.signed();
      return ` ${value < -0xffff || value > 0xffff ? `0x${(value >>> 0).toString(16)}` : value}`;
    }
    case "bulk": {
      const isCopy = reader.unsigned() === MEMORY_COPY;
      reader.at += isCopy ? 2 : 1;
      return isCopy ? ".copy" : ".fill";
    }
    case "memory": {
      reader.unsigned();
      return ` offset=0x${reader.unsigned().toString(16)}`;
    }
  }
}

/**
 * The body of the first function of a region's module (`TierRegion.module`), a line for each instruction.
 * @throws Error for an opcode that regions do not have
 */
export function webAssemblyText(module: Uint8Array): string[] {
  const reader = new Reader(module, MAGIC_BYTES);
  while (reader.byte() !== CODE_SECTION) reader.at = reader.unsigned() + reader.at;
  reader.unsigned();
  reader.unsigned();
  const size = reader.unsigned();
  const end = reader.at + size;
  for (let groups = reader.unsigned(); groups > 0; groups--) {
    reader.unsigned();
    reader.byte();
  }
  const lines: string[] = [];
  let depth = 0;
  while (reader.at < end) {
    const opcode = reader.byte();
    const known = OPCODES.get(opcode);
    if (known === undefined) throw new Error(`WebAssembly opcode 0x${opcode.toString(16)} is not one of a region's`);
    const [name, immediate] = known;
    if (name === "end" || name === "else") depth--;
    // The last END is the function's own.
    if (reader.at < end) lines.push(`${"  ".repeat(depth)}${name}${immediateText(reader, immediate)}`);
    if (immediate === "type" || name === "else") depth++;
  }
  return lines;
}
