/** Expressions: showing them and what their types are, and changing registers and memory. */
import { type CType, plainType, pointerTo, typeName } from "../../../asm/dwarf/reader/index.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { bytesOf, scalarOf } from "../expression/reading.ts";
import type { Value } from "../expression/value.ts";
import { describeType, formatValue, NUMBER_FORMATS, type NumberFormat, typePrefix } from "../format/value.ts";

function print(console: Console, argument: string): void {
  const [, letter, text] = /^(?:\/(\S*)\s*)?(.*)$/.exec(argument) as unknown as [string, string | undefined, string];
  if (letter !== undefined && !NUMBER_FORMATS.includes(letter)) {
    throw new CommandError(`p/${letter}: formats are ${NUMBER_FORMATS.join(" ")}`);
  }
  const value = text === "" ? console.values.at(-1) : console.evaluate(text);
  if (value === undefined) throw new CommandError("p what? An expression is expected, as in p current->thread.esp");
  printValue(console, value, "", (letter ?? "natural") as NumberFormat);
}

/** Shows a value as `$1 = …`, and keeps it under that name. */
export function printValue(console: Console, value: Value, before = "", format: NumberFormat = "natural"): void {
  const shown = formatValue(value, console.formatting(format));
  console.values.push(asItIsNow(console, value));
  const prefix = format === "natural" ? typePrefix(value) : "";
  console.print(`${before}$${console.values.length} = ${prefix}${shown}`);
}

/** What it is now is what $ means later. */
function asItIsNow(console: Console, value: Value): Value {
  const { kind } = plainType(value.type);
  if (value.absent !== undefined || kind === "function" || kind === "code" || kind === "void") return value;
  const environment = console.environment();
  if (kind !== "struct" && kind !== "array") return { ...value, scalar: scalarOf(value, environment)! };
  return value.type.size > MOST_KEPT ? value : { ...value, bytes: bytesOf(value, environment).slice() };
}

/** Bytes of a struct or array of which a copy is kept. */
const MOST_KEPT = 1 << 16;

function assign(console: Console, argument: string): void {
  const text = argument.replace(/^var(iable)?\s+/, "");
  if (!ASSIGNMENT.test(text))
    throw new CommandError("set PLACE = VALUE is expected, as in set $eax = 1, set jiffies = 0");
  console.evaluate(text);
  const place = /^(.*?[^=!<>+\-*/%&|^])[-+*/%&|^]?=(?!=)/.exec(text)?.[1]?.trim();
  if (place !== undefined && !/^\$[A-Za-z_]\w*$/.test(place)) print(console, place);
  else if (place !== undefined && console.environment().variable(place.slice(1))?.register !== undefined) {
    print(console, place);
  }
}

const ASSIGNMENT = /[^=!<>]=(?!=)/;

/** The type that is named, or that an expression has. */
function typeOf(console: Console, text: string): CType {
  const { types } = console.environment();
  const [, name = "", stars = ""] = /^([\w\s]+?)\s*((?:\*\s*)*)$/.exec(text.trim()) ?? [];
  const isVariable = /^\w+$/.test(text.trim()) && console.environment().name(text.trim()) !== undefined;
  let type = isVariable ? undefined : types.find(name);
  if (type === undefined && /^(struct|union|enum)\s/.test(name)) throw new CommandError(types.unknown(name));
  if (type === undefined) return console.evaluate(text).type;
  for (const star of stars) if (star === "*") type = pointerTo(type);
  return type;
}

export const printing: readonly Command[] = [
  {
    names: ["print", "p", "inspect"],
    group: "Registers and memory",
    usage: "[/F] EXPRESSION",
    summary: "the value of an expression, with its type",
    help:
      "C's operators; registers ($eax, $esp, $al, $zf) with or without $; symbols; the kernel's variables and structs with\n" +
      "their types: p current->thread.esp, p *(mm_struct *)0xc1234560, p task(2)->comm, p *task(2), p init_tss.esp0,\n" +
      "p container_of(ADDRESS, task_struct, run_list), p sizeof(task_struct), p bh_base[0]. $cpu, $pid, $cpl, $position and\n" +
      "$cycle are what they say. $ is the last value, $1 the first. Formats: x d u t(binary) o c a(ddress) s(tring).",
    completes: "expression",
    run: (argument, console) => print(console, argument),
  },
  {
    names: ["ptype"],
    group: "Registers and memory",
    usage: "EXPRESSION | TYPE",
    summary: "the type of an expression; of a struct with its offsets",
    completes: "expression",
    run: (argument, console) => {
      if (argument === "") throw new CommandError("ptype of what? As in ptype task_struct");
      console.print(...describeType(typeOf(console, argument)).split("\n"));
    },
  },
  {
    names: ["whatis"],
    group: "Registers and memory",
    usage: "EXPRESSION | TYPE",
    summary: "the name of the type of an expression",
    completes: "expression",
    run: (argument, console) => {
      if (argument === "") throw new CommandError("whatis what? As in whatis current->mm");
      console.print(`type = ${typeName(typeOf(console, argument))}`);
    },
  },
  {
    names: ["set"],
    group: "Registers and memory",
    usage: "PLACE = VALUE",
    summary: "change a register, or an integer in memory",
    help: "Done in the past, it ends the future that had been. Going back behind it undoes it.",
    completes: "expression",
    run: (argument, console) => assign(console, argument),
  },
];
