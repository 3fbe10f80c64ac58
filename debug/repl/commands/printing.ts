/** Expressions: showing them and what their types are, and changing registers and memory. */
import { REGISTER_NAMES } from "../../../emulator/index.ts";
import { type Command, CommandError } from "../command.ts";
import type { Console } from "../console.ts";
import { numberOf } from "../expression/evaluate.ts";
import { describeType, formatValue, NUMBER_FORMATS, type NumberFormat } from "../format/value.ts";

function print(console: Console, argument: string): void {
  const [, letter, text] = /^(?:\/(\S*)\s*)?(.*)$/.exec(argument) as unknown as [string, string | undefined, string];
  if (letter !== undefined && !NUMBER_FORMATS.includes(letter)) {
    throw new CommandError(`p/${letter}: formats are ${NUMBER_FORMATS.join(" ")}`);
  }
  const value = text === "" ? console.values.at(-1) : console.evaluate(text);
  if (value === undefined) throw new CommandError("p what? An expression is expected, as in p current->thread.esp");
  const shown = formatValue(value, console.formatting((letter ?? "natural") as NumberFormat));
  // What it is now is what $ means later.
  const number = value.type.kind === "struct" ? undefined : numberOf(value, console.environment());
  console.values.push(number === undefined || value.type.kind === "array" ? value : { ...value, number });
  console.print(`$${console.values.length} = ${typePrefix(value.type.kind, value.type.name)}${shown}`);
}

function typePrefix(kind: string, name: string): string {
  return kind === "pointer" ? `(${name}) ` : "";
}

const ASSIGNMENT = /^(.*?[^=!<>])=(?!=)\s*(.*)$/;

function assign(console: Console, argument: string): void {
  const match = ASSIGNMENT.exec(argument.replace(/^var\s+/, ""));
  if (match === null) throw new CommandError("set PLACE = VALUE is expected, as in set $eax = 1, set jiffies = 0");
  const [, place, text] = match as unknown as [string, string, string];
  const target = console.evaluate(place.trim());
  const number = console.number(text);
  const { session } = console;
  if (target.register !== undefined) {
    const name = REGISTER_NAMES.find((known) => known === target.register)!;
    session.setRegister(name, number >>> 0);
  } else if (target.address !== undefined && target.type.size <= 4 && target.type.kind !== "struct") {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, number | 0, true);
    console.guest.read(target.address, target.type.size);
    session.writeLinear(target.address, bytes.subarray(0, target.type.size));
  } else {
    throw new CommandError(`${place.trim()} cannot be set: a register, or an integer or pointer in memory, can`);
  }
  print(console, place.trim());
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
      const environment = console.environment();
      const name = argument.replace(/^struct\s+/, "").trim();
      if (name === "") throw new CommandError("ptype of what? As in ptype task_struct");
      const type = environment.types.find(name) ?? console.evaluate(argument).type;
      console.print(...describeType(type, environment).split("\n"));
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
