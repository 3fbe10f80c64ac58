/** Breakpoints, watchpoints and catchpoints. */

import { hex, plural } from "../../numbers.ts";
import type { Breakpoint, BreakpointRequest, Condition, WatchScope } from "../../session/index.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { compile } from "../expression/compile.ts";
import { numberOf } from "../expression/reading.ts";
import { placeAddresses } from "../places.ts";
import { catchRequest } from "./catching.ts";
import { enableDisplays, removeDisplays } from "./displays.ts";

/** What may follow the place or event of a request. */
interface Clauses {
  readonly what: string;
  readonly condition: string | undefined;
  readonly count: number | undefined;
  readonly core: number | undefined;
}

/** Takes `if CONDITION`, `count N` and `cpu N` from the end. */
export function clauses(console: Console, argument: string): Clauses {
  const at = /(?:^|\s)if\s+/.exec(argument);
  const condition = at === null ? undefined : argument.slice(at.index + at[0].length).trim();
  let what = at === null ? argument : argument.slice(0, at.index);
  const numbers: Record<string, number> = {};
  for (;;) {
    const clause = /\s+(count|cpu)\s+(\S+)\s*$/.exec(what);
    if (clause === null) break;
    numbers[clause[1]] = console.number(clause[2]);
    what = what.slice(0, clause.index);
  }
  if (condition === "") throw new CommandError("a condition is expected behind `if`");
  const { count, cpu: core } = numbers;
  if (count !== undefined && !(Number.isInteger(count) && count >= 1))
    throw new CommandError("count: 1 or more is expected, the hit to stop at");
  if (core !== undefined && console.session.machine.cores[core] === undefined) {
    throw new CommandError(`there is no CPU ${core}; there are 0 to ${console.session.machine.cores.length - 1}`);
  }
  return { what: what.trim(), condition, count, core };
}

/**
 * A condition that stops when it cannot be evaluated, and then says so.
 * @param linear where it will be evaluated, for the variables that are known there
 * @throws ExpressionError when it is none
 */
export function conditionOf(console: Console, text: string, linear?: number): Condition {
  const scopes = linear === undefined ? [] : (console.session.programs.at(linear)?.scopesAt(linear) ?? []);
  const isLocal = (name: string) =>
    scopes.some((scope) => [...scope.parameters, ...scope.variables].some((variable) => variable.name === name));
  const condition = compile(text, console.environment(), isLocal);
  return () => {
    const environment = console.environment();
    try {
      return numberOf(condition(environment), environment) !== 0;
    } catch (error) {
      console.conditionErrors.push(`The condition '${text}' cannot be evaluated: ${(error as Error).message}`);
      return true;
    }
  };
}

function add(console: Console, request: BreakpointRequest, { condition, count, core }: Clauses, text: string): void {
  const linear = request.kind === "address" ? request.linear : undefined;
  const whole = {
    ...request,
    text: condition === undefined ? text : `${text} if ${condition}`,
    ...(condition === undefined ? {} : { condition: conditionOf(console, condition, linear) }),
    ...(count === undefined ? {} : { ignore: count - 1 }),
    ...(core === undefined ? {} : { core }),
  } as BreakpointRequest;
  const breakpoint = console.session.breakpoints.add(whole);
  console.print(`${KINDS[request.kind]} ${breakpoint.number}: ${describe(breakpoint)}`);
}

const KINDS: Readonly<Record<BreakpointRequest["kind"], string>> = {
  address: "Breakpoint",
  watch: "Watchpoint",
  catch: "Catchpoint",
};

function describe({ request }: Breakpoint): string {
  return request.text ?? (request.kind === "address" ? hex(request.linear) : request.kind);
}

function addBreakpoints(console: Console, argument: string, temporary: boolean): void {
  const parts = clauses(console, argument);
  const addresses = parts.what === "" ? [console.guest.pc] : placeAddresses(console, parts.what);
  for (const linear of addresses) {
    const text = `${temporary ? "temporary, " : ""}${console.place(linear)}${sourceOf(console, linear)}`;
    add(console, { kind: "address", linear, temporary }, parts, text);
  }
}

function sourceOf({ session }: Console, linear: number): string {
  const line = session.symbols.lineEntry(linear);
  return line !== undefined ? ` ${line.file}:${line.line}` : "";
}

const WATCHED = { watch: "change", rwatch: "read", awatch: "access", wwatch: "write" } as const;

/** `watch jiffies`, `watch *(u32 *)0xc0123450`, `watch 0x1000 16`, `watch -p 0x100000 4`. */
function addWatchpoint(console: Console, argument: string, name: keyof typeof WATCHED): void {
  const parts = clauses(console, argument);
  const isPhysical = /^-p\b/.test(parts.what);
  const text = isPhysical ? parts.what.replace(/^-p\s*/, "") : parts.what;
  if (text === "") throw new CommandError(`${name} what? An expression, or an address and a number of bytes`);
  const range = /^(\S+)\s+(0x[\da-f]+|\d+)$/i.exec(text);
  if (isPhysical) requirePhysical(console, range?.[1] ?? text, name);
  const { address, length, scope } =
    range === null
      ? placeOf(console, text)
      : { address: console.address(range[1]), length: Number(range[2]), scope: undefined };
  const space = isPhysical ? "physical" : "linear";
  const shown = `${name} ${text}: ${plural(length, "byte")} at ${space === "physical" ? `physical ${hex(address)}` : console.place(address)}`;
  add(console, { kind: "watch", space, address, length, scope, on: WATCHED[name] }, parts, shown);
}

/** @throws CommandError when an expression names what lies at a linear address */
function requirePhysical(console: Console, text: string, name: string): void {
  const { address, register } = console.evaluate(text);
  if (address === undefined || register !== undefined) return;
  throw new CommandError(
    `${text} lies at the linear address ${hex(address)}: ${name} ${text} watches it; with -p an address is a number, and\n` +
      `pt ${text} tells which`,
  );
}

/** Where what an expression names lies, or the word at the address that it comes to. */
function placeOf(console: Console, text: string): { address: number; length: number; scope: WatchScope | undefined } {
  const value = console.evaluate(text);
  if (value.absent !== undefined) throw new CommandError(`${text} cannot be watched: it is ${value.absent}`);
  if (value.register !== undefined || (value.bytes !== undefined && value.address === undefined))
    throw new CommandError("registers cannot be watched; break with a condition instead");
  const scope = scopeOf(console, text);
  if (value.address !== undefined) return { address: value.address, length: Math.max(value.type.size, 1), scope };
  return { address: console.address(text), length: 4, scope };
}

/** The end of the frame whose variables an expression names; undefined when it names none. */
function scopeOf(console: Console, text: string): WatchScope | undefined {
  const frame = console.frame();
  const isLocal = text
    .match(/[A-Za-z_]\w*/g)
    ?.some((name) => frame.variable(name) !== undefined && frame.variable(name)?.address === undefined);
  if (isLocal !== true) return undefined;
  const { walked } = console.frames()[frame.level] ?? frame;
  const caller = console.frames().find((each) => each.level > frame.level && each.walked !== walked)?.walked;
  if (caller === undefined || walked.returnSlot === undefined) return undefined;
  const cr3 = walked.kind === "user" ? console.guest.core.cr3 : undefined;
  return { returns: caller.pc, esp: walked.returnSlot + 4, cr3 };
}

function watchCommand(name: keyof typeof WATCHED, summary: string, help?: string): Command {
  return {
    names: [name],
    group: "Stopping",
    usage: "[-p] EXPRESSION | ADDRESS BYTES [count N] [if CONDITION]",
    summary,
    ...(help === undefined ? {} : { help }),
    completes: "expression",
    run: (argument, console) => addWatchpoint(console, argument, name),
  };
}

/** Numbers of breakpoints behind a command; all when there are none. */
export function numbersOf(console: Console, argument: string): number[] {
  const all = console.session.breakpoints.list().map(({ number }) => number);
  if (argument === "" || argument === "all") return all;
  return argument.split(/[\s,]+/).map((word) => {
    const number = Number(word);
    if (!all.includes(number)) {
      throw new CommandError(
        `there is no breakpoint ${word}; there ${all.length === 0 ? "are none" : `are ${all.join(", ")}`}`,
      );
    }
    return number;
  });
}

/** Where a breakpoint stops; undefined for what is no breakpoint at an address. */
function placeOfBreakpoint(console: Console, number: number): number | undefined {
  const request = console.session.breakpoints.get(number)?.request;
  return request?.kind === "address" ? request.linear : undefined;
}

function enabling(names: Command["names"], enabled: boolean, summary: string): Command {
  return {
    names,
    group: "Stopping",
    usage: "[NUMBER…]",
    summary,
    run: (argument, console) => {
      if (/^display\b/.test(argument)) return enableDisplays(console, argument.replace(/^display\s*/, ""), enabled);
      for (const number of numbersOf(console, argument)) console.session.breakpoints.enable(number, enabled);
    },
  };
}

/** @param kind only of this kind */
export function listBreakpoints(console: Console, kind?: BreakpointRequest["kind"]): void {
  const all = console.session.breakpoints.list().filter(({ request }) => kind === undefined || request.kind === kind);
  if (all.length === 0) console.print("There are no breakpoints.");
  for (const breakpoint of all) {
    const { number, request, enabled, hits, ignore } = breakpoint;
    const notes = [
      ...(enabled ? [] : ["disabled"]),
      ...(request.core === undefined ? [] : [`only on CPU ${request.core}`]),
      ...(hits === 0 ? [] : [`hit ${plural(hits, "time")}`]),
      ...(ignore === 0 ? [] : [`passes over the next ${ignore}`]),
    ];
    const commands = console.breakpointCommands.get(number) ?? [];
    console.print(
      `${String(number).padStart(3)}  ${KINDS[request.kind].toLowerCase()}  ${describe(breakpoint)}${notes.length === 0 ? "" : `  [${notes.join(", ")}]`}`,
      ...commands.map((line) => `        ${line}`),
    );
  }
}

const CLAUSES =
  "`if CONDITION` stops only when the expression is not zero, as in `if eax == 3 && current->pid == 2`; `count N` at the\n" +
  "Nth time; `cpu N` only on that CPU.";

export const stopping: readonly Command[] = [
  {
    names: ["break", "b", "breakpoint"],
    group: "Stopping",
    usage: "[PLACE] [count N] [cpu N] [if CONDITION]",
    summary: "stop before the instruction at a place",
    help:
      "PLACE is a function, FILE:LINE, LINE of this file, FILE:FUNCTION or *ADDRESS; without it, where it stands.\n" +
      `${CLAUSES}`,
    completes: "place",
    run: (argument, console) => addBreakpoints(console, argument, false),
  },
  {
    names: ["tbreak", "tb"],
    group: "Stopping",
    usage: "[PLACE] [count N] [cpu N] [if CONDITION]",
    summary: "the same, once",
    completes: "place",
    run: (argument, console) => addBreakpoints(console, argument, true),
  },
  watchCommand(
    "watch",
    "stop after an instruction that changes memory",
    "What is watched is what the expression names (`watch jiffies`, `watch task(2)->state`), the word at an address, or a\n" +
      "number of bytes at one. -p: the address is physical.",
  ),
  watchCommand("rwatch", "stop after an instruction that reads memory"),
  watchCommand("awatch", "stop after an instruction that reads or writes memory"),
  watchCommand("wwatch", "stop after an instruction that writes memory, even the same value"),
  {
    names: ["catch"],
    group: "Stopping",
    usage: "EVENT [count N] [cpu N] [if CONDITION]",
    summary: "stop after an event",
    help:
      "exception [VECTOR|NAME]      syscall [NAME|NUMBER]      fork  exec  exit  cow\n" +
      "interrupt [VECTOR]           irq [LINE]                 softirq [NUMBER]\n" +
      "switch [from PID] [to PID]   wakeup [of PID] [by PID]   signal [NAME] [to PID]\n" +
      "An irq is a device's interrupt; interrupt is INT too, by which system calls come. Exceptions and interrupts stop at\n" +
      `the first instruction of their handler.\n${CLAUSES}`,
    completes: "catch",
    run: (argument, console) => {
      const parts = clauses(console, argument);
      add(console, catchRequest(console, parts.what), parts, parts.what);
    },
  },
  {
    names: ["delete", "d"],
    group: "Stopping",
    usage: "[NUMBER…]",
    summary: "remove breakpoints; all without a number",
    run: (argument, console) => {
      if (/^display\b/.test(argument)) return removeDisplays(console, argument.replace(/^display\s*/, ""));
      for (const number of numbersOf(console, argument.replace(/^breakpoints\s*/, ""))) {
        console.session.breakpoints.remove(number);
        console.breakpointCommands.delete(number);
      }
    },
  },
  enabling(["enable"], true, "let breakpoints stop again"),
  enabling(["disable"], false, "keep breakpoints from stopping"),
  {
    names: ["condition"],
    group: "Stopping",
    usage: "NUMBER [CONDITION]",
    summary: "give a breakpoint a condition, or take it away",
    completes: "expression",
    run: (argument, console) => {
      const [, number = "", condition = ""] = /^(\S*)\s*(.*)$/.exec(argument) ?? [];
      if (number === "") throw new CommandError("condition NUMBER [CONDITION] is expected");
      const [found] = numbersOf(console, number);
      const text =
        condition === ""
          ? undefined
          : conditionOf(console, condition.replace(/^if\s+/, ""), placeOfBreakpoint(console, found));
      console.session.breakpoints.setCondition(found, text);
      console.print(`Breakpoint ${found} ${condition === "" ? "has no condition now." : `stops if ${condition}.`}`);
    },
  },
  {
    names: ["ignore"],
    group: "Stopping",
    usage: "NUMBER COUNT",
    summary: "pass over the next COUNT hits of a breakpoint",
    run: (argument, console) => {
      const [number, times] = argument.split(/\s+/);
      if (number === undefined || times === undefined) throw new CommandError("ignore NUMBER COUNT is expected");
      const [found] = numbersOf(console, number);
      const passed = console.integer(times, "hits to pass over:", 0);
      console.session.breakpoints.setIgnore(found, passed);
      console.print(`Breakpoint ${found} passes over its next ${plural(passed, "hit")}.`);
    },
  },
];
