/** Completion: commands first, then what the command takes. */
import { memberNames, plainType } from "../../asm/dwarf/reader/index.ts";
import type { Completes } from "./command.ts";
import type { CommandSet } from "./command-set.ts";
import { CATCHABLE, catchWords } from "./commands/catching.ts";
import { INFO_SUBJECTS } from "./commands/info.ts";
import { registerNames } from "./environment.ts";
import { isFile } from "./places.ts";

const MOST = 200;

/** Ways to complete the last word of a line, and that word. */
export function complete(repl: CommandSet, line: string): [completions: string[], part: string] {
  const start = line.trimStart();
  const command = /^([A-Za-z][\w-]*)(\/\S*)?\s+(.*)$/.exec(start);
  if (command === null) return [beginning(primaryNames(repl), start), start];
  let completes: Completes | undefined;
  try {
    completes = repl.find(command[1]).completes;
  } catch {
    return [[], ""];
  }
  const argument = command[3];
  const word = /[$\w.:-]*$/.exec(argument)![0];
  const before = argument.slice(0, argument.length - word.length);
  const isCondition = /(^|\s)if\s/.test(argument);
  return [candidates(repl, isCondition ? "expression" : completes, word, argument, before), word];
}

function candidates(
  repl: CommandSet,
  completes: Completes | undefined,
  word: string,
  argument: string,
  before: string,
): string[] {
  if (word.startsWith("$"))
    return beginning(
      registerNames().map((name) => `$${name}`),
      word,
    );
  const isFirst = before.trim() === "";
  switch (completes) {
    case "command":
      return beginning(primaryNames(repl), word);
    case "catch":
      return beginning(isFirst ? CATCHABLE : catchWords(before), word);
    case "info":
      return beginning(isFirst ? [...INFO_SUBJECTS, ...primaryNames(repl)] : infoWords(repl, before), word);
    case "register":
      return beginning(registerNames(), word);
    case "place":
      return beginning(places(repl, word), word);
    case "symbol":
    case "expression":
      return members(repl, argument) ?? beginning(symbols(repl), word);
    default:
      return [];
  }
}

/** Functions, files and, behind a file's colon, the functions in it. */
function places(repl: CommandSet, word: string): string[] {
  const { session } = repl.console;
  const file = /^([^:]+):[^:]*$/.exec(word)?.[1];
  if (file !== undefined) {
    const names: string[] = [];
    for (const program of session.programs.from(session.linearEip())) {
      for (const name of program.functionNames) {
        if (program.functions(name).some((scope) => isFile(scope.file, file))) names.push(`${file}:${name}`);
      }
    }
    return names;
  }
  const files = session.symbols.files().flatMap((name) => [`${name}:`, `${name.slice(name.lastIndexOf("/") + 1)}:`]);
  return [...symbols(repl), ...files];
}

function infoWords(repl: CommandSet, before: string): string[] {
  const subject = before.trim();
  return subject === "line" || subject === "scope" ? places(repl, "") : symbols(repl);
}

function primaryNames(repl: CommandSet): string[] {
  return repl.commands.map(({ names }) => names[0]);
}

function symbols(repl: CommandSet): string[] {
  return repl.console.environment().names();
}

/** Members of the struct before a last `.` or `->`; undefined when there is none. */
function members(repl: CommandSet, argument: string): string[] | undefined {
  const match = /^(.*)(\.|->)(\w*)$/.exec(argument);
  if (match === null) return undefined;
  const [, object, selector, begun] = match as unknown as [string, string, string, string];
  const operand = operandAtEnd(object);
  if (operand === "") return undefined;
  try {
    let type = plainType(repl.console.typeOf(operand));
    if (type.kind === "pointer") type = plainType(type.to);
    if (type.kind !== "struct") return [];
    // What readline replaces is the whole word, which a dot is part of and an arrow is not.
    const kept = selector === "." ? `${/[$\w.:-]*$/.exec(object)![0]}.` : "";
    return beginning(memberNames(type), begun).map((field) => kept + field);
  } catch {
    // What is no expression has no members.
    return [];
  }
}

/** The last operand of an expression, which may hold parentheses: `((task_struct *)x)` of `1 + ((task_struct *)x)`. */
function operandAtEnd(text: string): string {
  let depth = 0;
  let start = text.length;
  for (; start > 0; start--) {
    const character = text[start - 1];
    if (character === ")" || character === "]") depth++;
    else if (character === "(" || character === "[") {
      if (--depth < 0) break;
    } else if (depth === 0 && !/[\w$.>-]/.test(character)) break;
  }
  return text.slice(start);
}

/** Labels that compilers have made, which begin with a dot, are there for who begins with one. */
function beginning(names: readonly string[], part: string): string[] {
  const fitting = names.filter((name) => name.startsWith(part) && (part !== "" || !name.startsWith(".")));
  return [...new Set(fitting)].sort().slice(0, MOST);
}
