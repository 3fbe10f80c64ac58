/** `info SUBJECT`, and where symbols and lines are; `list`. */
import { nearNames } from "../../../asm/index.ts";
import { hex } from "../../numbers.ts";
import { type Command, CommandError } from "../command.ts";
import type { Console } from "../console.ts";
import { placeAddresses } from "../places.ts";
import { describeFrame, showArguments, showLocals } from "./frames.ts";
import { listBreakpoints } from "./stopping.ts";

const LINES = 10;

type Subject = (argument: string, console: Console) => void;

function symbol(argument: string, console: Console): void {
  if (argument === "") throw new CommandError("info symbol ADDRESS is expected");
  const address = console.address(argument);
  const place = console.session.symbols.symbolize(address);
  if (place === undefined) console.print(`No symbol is near ${hex(address)}.`);
  else {
    const size = place.size === 0 ? "" : `, ${place.size} bytes`;
    console.print(`${hex(address)} is ${console.session.symbols.format(address)}${size}.`);
  }
}

function line(argument: string, console: Console): void {
  const addresses = argument === "" ? [console.guest.pc] : placeAddresses(console, argument);
  for (const address of addresses) {
    const source = console.session.symbols.line(address);
    if (source === undefined) console.print(`${console.place(address)}: no line is known.`);
    else if ("file" in source) console.print(`${console.place(address)} comes from ${source.file}:${source.line}.`);
    else console.print(`${console.place(address)} is the TypeScript function ${source.function}.`);
  }
}

function files(_argument: string, console: Console): void {
  const known = console.session.symbols.files();
  console.print(...(known.length === 0 ? ["No file's lines are known."] : known));
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  breakpoints: (_argument, console) => listBreakpoints(console),
  symbol,
  line,
  files,
  args: (_argument, console) => showArguments(console),
  locals: (_argument, console) => showLocals(console),
  frame: (_argument, console) => describeFrame(console),
};

/** What `info` knows itself; other words are commands. */
export const INFO_SUBJECTS: readonly string[] = Object.keys(SUBJECTS);

function list(console: Console, argument: string): void {
  const cursor = console.cursors.get("list");
  const goesOn = argument === "--on" && cursor !== undefined;
  const address = goesOn
    ? cursor.address
    : argument === "" || argument === "--on"
      ? console.guest.pc
      : placeAddresses(console, argument)[0]!;
  const source = console.session.symbols.line(address);
  if (source === undefined)
    throw new CommandError(`no source is known for ${console.place(address)}; disas shows its instructions`);
  if (!("file" in source)) {
    console.print(`${console.bold(source.function)}, as it runs:`, ...dedent(source.source));
    return;
  }
  const length = console.sources.length(source.file);
  if (length === 0)
    throw new CommandError(`${source.file}:${source.line}, but the text of ${source.file} is not at hand`);
  const first = goesOn ? Number(cursor.argument) : Math.max(1, source.line - LINES / 2);
  console.print(console.bold(source.file));
  for (let number = first; number < Math.min(first + LINES, length + 1); number++) {
    const mark = number === source.line && address === console.guest.pc ? "=>" : "  ";
    console.print(
      `${mark}${String(number).padStart(5)}  ${console.sources.line(source.file, number)!.replaceAll("\t", "        ")}`.trimEnd(),
    );
  }
  console.cursors.set("list", { address, argument: String(first + LINES) });
}

/** Without the indentation that all lines but the first share. */
function dedent(text: string): string[] {
  const lines = text.split("\n");
  const indents = lines
    .slice(1)
    .filter((each) => each.trim() !== "")
    .map((each) => /^\s*/.exec(each)![0].length);
  const common = Math.min(...(indents.length === 0 ? [0] : indents));
  return lines.map((each, index) => `  ${index === 0 ? each : each.slice(common)}`);
}

/** @param run runs another command, for `info registers` and the like */
export function infoCommands(
  run: (line: string, console: Console) => void | Promise<void>,
  names: () => readonly string[],
): readonly Command[] {
  return [
    {
      names: ["info", "i"],
      group: "Other",
      usage: "SUBJECT",
      summary: "info breakpoints, symbol ADDRESS, line PLACE, files; or any command that shows something",
      completes: "info",
      run: (argument, console) => {
        const [, word = "", rest = ""] = /^(\S*)\s*(.*)$/.exec(argument) ?? [];
        if (word === "") throw new CommandError(`info about what? ${INFO_SUBJECTS.join(", ")}, or a command`);
        const subjects = INFO_SUBJECTS.filter((name) => name.startsWith(word));
        if (subjects.length > 0) return SUBJECTS[subjects[0]!]!(rest, console);
        if (names().some((name) => name.startsWith(word))) return run(argument, console);
        const near = nearNames(word, [...INFO_SUBJECTS, ...names()]);
        throw new CommandError(
          `nothing is called ${word}${near.length > 0 ? `; did you mean ${near.join(", ")}?` : ""}`,
        );
      },
    },
    {
      names: ["list", "l"],
      group: "Other",
      usage: "[PLACE]",
      summary: "source lines of a .S file, or the TypeScript of a function",
      completes: "symbol",
      repeats: "next",
      run: (argument, console) => list(console, argument),
    },
  ];
}
