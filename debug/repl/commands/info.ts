/** `info SUBJECT`: where symbols and lines are, what there is, what is in scope. */
import { declare, type Scope, type Variable } from "../../../asm/dwarf/reader/index.ts";
import { didYouMean, nearNames } from "../../../asm/index.ts";
import { bareHex, hex } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { lineOf, placeAddresses } from "../places.ts";
import { listDisplays } from "./displays.ts";
import { describeFrame, showArguments, showLocals } from "./frames.ts";
import { listLocks } from "./locks.ts";
import { listBreakpoints } from "./stopping.ts";

/** Functions and variables listed at most. */
const MOST_LISTED = 1000;

type Subject = (argument: string, console: Console) => void;

function symbol(argument: string, console: Console): void {
  if (argument === "") throw new CommandError("info symbol ADDRESS is expected");
  const address = console.address(argument);
  const place = console.session.symbols.symbolize(address);
  if (place === undefined) console.print(`No symbol matches ${argument}.`);
  else {
    const size = place.size === 0 ? "" : `, ${place.size} bytes`;
    console.print(`${hex(address)} is ${console.session.symbols.format(address)}${size}.`);
  }
}

function line(argument: string, console: Console): void {
  const { symbols } = console.session;
  const wanted = argument === "" ? undefined : lineOf(console, argument);
  const isAddress = argument.trim().startsWith("*");
  const addresses = argument === "" ? [console.frame().codeAddress] : placeAddresses(console, argument);
  for (const address of addresses) {
    const place = symbols.symbolize(address);
    const start =
      wanted === undefined && !isAddress && argument !== "" && place !== undefined ? address - place.offset : address;
    const source = symbols.lineEntry(start);
    if (source === undefined) {
      console.print(`No line number information available for address ${console.place(start)}`);
    } else {
      const { file, line: number, address: first, end } = source;
      console.print(
        `Line ${number} of "${file}" starts at address ${console.place(first)} and ends at ${console.place(end)}.`,
      );
    }
  }
}

function files(_argument: string, console: Console): void {
  const known = console.session.symbols.files();
  console.print(...(known.length === 0 ? ["No file's lines are known."] : known));
}

function source(_argument: string, console: Console): void {
  const { place, codeAddress } = console.frame();
  if (place === undefined) {
    console.print("No current source file.");
    return;
  }
  const unit = console.session.programs.at(codeAddress)?.unitAt(codeAddress);
  console.print(`Current source file is ${place.file}`);
  if (unit !== undefined && unit.directory !== "") console.print(`Compilation directory is ${unit.directory}`);
  const length = console.sources.length(place.file);
  console.print(length === 0 ? "Its text is not at hand." : `Contains ${length} lines.`);
}

/** What is in scope at a place, from the outside in. */
function scope(argument: string, console: Console): void {
  if (argument === "") throw new CommandError("info scope PLACE is expected: a function, FILE:LINE or *ADDRESS");
  const [address] = placeAddresses(console, argument);
  const scopes = console.session.programs.at(address)?.scopesAt(address) ?? [];
  const lines = scopes.flatMap((each) => [
    ...each.parameters.map((variable) => inScope(variable, "an argument")),
    ...each.variables.map((variable) => inScope(variable, "a variable")),
  ]);
  if (lines.length === 0) console.print(`No symbols are in scope at ${argument} but those of files.`);
  else console.print(...lines);
}

function inScope({ name, type, address, line: number }: Variable, what: string): string {
  const where = address === undefined ? "" : ` at static address ${hex(address)}`;
  const declared = number === undefined ? "" : `, declared on line ${number}`;
  return `Symbol ${name} is ${what} of type ${declare(type)}${where}, length ${type.size}${declared}.`;
}

/** A line of a list, and the file under which it stands. */
interface Listed {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

function showList(console: Console, what: string, argument: string, found: readonly Listed[], others: string[]): void {
  console.print(argument === "" ? `All defined ${what}:` : `All ${what} matching regular expression "${argument}":`);
  const sorted = [...found].sort((a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.text, b.text));
  let file: string | undefined;
  for (const each of sorted.slice(0, MOST_LISTED)) {
    if (each.file !== file) console.print("", `File ${each.file}:`);
    file = each.file;
    console.print(`${each.line === 0 ? "" : `${each.line}:`}\t${each.text}`);
  }
  if (others.length > 0) console.print("", "Non-debugging symbols:", ...others.slice(0, MOST_LISTED));
  const left = Math.max(0, sorted.length - MOST_LISTED) + Math.max(0, others.length - MOST_LISTED);
  if (left > 0) console.print(`… and ${left} more: a regular expression would choose`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @throws CommandError when it is none */
function expressionOf(argument: string): RegExp {
  try {
    return new RegExp(argument);
  } catch {
    throw new CommandError(`${argument} is no regular expression`);
  }
}

/** Functions, or variables, that the programs tell of; and symbols that no debugging information has. */
function everything(console: Console, argument: string, isFunctions: boolean): void {
  const expression = expressionOf(argument);
  const { programs, symbols } = console.session;
  const found: Listed[] = [];
  const known = new Set<string>();
  for (const program of programs.from(console.frame().pc)) {
    for (const name of isFunctions ? program.functionNames : program.variableNames) {
      known.add(name);
      if (!expression.test(name)) continue;
      const all: readonly (Scope | Variable)[] = isFunctions ? program.functions(name) : program.variables(name);
      for (const { file, line: number = 0, type, isExternal } of all) {
        found.push({ file, line: number, text: `${isExternal ? "" : "static "}${declare(type, name)};` });
      }
    }
  }
  const others = symbols
    .names()
    .filter((name) => !known.has(name) && expression.test(name))
    .flatMap((name) => {
      const address = symbols.lookup(name)!;
      return symbols.isPlace(address) && symbols.isCode(address) === isFunctions
        ? [`0x${bareHex(address)}  ${name}`]
        : [];
    });
  showList(console, isFunctions ? "functions" : "variables", argument, found, others);
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  args: (_argument, console) => showArguments(console),
  breakpoints: (_argument, console) => listBreakpoints(console),
  display: (_argument, console) => listDisplays(console),
  files,
  frame: (_argument, console) => describeFrame(console),
  functions: (argument, console) => everything(console, argument, true),
  line,
  locals: (_argument, console) => showLocals(console),
  locks: (_argument, console) => listLocks(console),
  scope,
  source,
  sources: files,
  symbol,
  variables: (argument, console) => everything(console, argument, false),
  watchpoints: (_argument, console) => listBreakpoints(console, "watch"),
};

/** Other names of commands, by what gdb calls them. */
const COMMANDS: Readonly<Record<string, string>> = { registers: "regs", threads: "ps", stack: "backtrace" };

/** What `info` knows itself; other words are commands. */
export const INFO_SUBJECTS: readonly string[] = [...Object.keys(SUBJECTS), ...Object.keys(COMMANDS)];
/** @param run runs another command, for `info tss` and the like */
export function infoCommands(
  run: (line: string, console: Console) => void | Promise<void>,
  names: () => readonly string[],
): readonly Command[] {
  return [
    {
      names: ["info", "i"],
      group: "Other",
      usage: "SUBJECT",
      summary: `info ${Object.keys(SUBJECTS).join(", ")}; or any command that shows something`,
      completes: "info",
      run: (argument, console) => {
        const [, word = "", rest = ""] = /^(\S*)\s*(.*)$/.exec(argument) ?? [];
        if (word === "") throw new CommandError(`info about what? ${INFO_SUBJECTS.join(", ")}, or a command`);
        const subject = Object.hasOwn(SUBJECTS, word)
          ? word
          : Object.keys(SUBJECTS).find((name) => name.startsWith(word));
        if (subject !== undefined) return SUBJECTS[subject](rest, console);
        const other = Object.keys(COMMANDS).find((name) => name.startsWith(word));
        if (other !== undefined) return run(`${COMMANDS[other]} ${rest}`, console);
        if (names().some((name) => name.startsWith(word))) return run(argument, console);
        const near = nearNames(word, [...INFO_SUBJECTS, ...names()]);
        throw new CommandError(`nothing is called ${word}${didYouMean(near, ", ")}`);
      },
    },
  ];
}
