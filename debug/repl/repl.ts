/** The REPL: reads lines as commands, runs them, and says what was wrong with those that cannot be run. */
import { nearNames } from "../../asm/index.ts";
import { MemoryError } from "../frames/guest.ts";
import type { DebugSession } from "../session/index.ts";
import type { Command, Group } from "./command.ts";
import { CommandError } from "./command-error.ts";
import type { CommandSet } from "./command-set.ts";
import { causes } from "./commands/causes.ts";
import { devices } from "./commands/devices.ts";
import { displays } from "./commands/displays.ts";
import { finding } from "./commands/finding.ts";
import { frames } from "./commands/frames.ts";
import { going } from "./commands/going.ts";
import { infoCommands } from "./commands/info.ts";
import { kernel } from "./commands/kernel.ts";
import { listing } from "./commands/listing.ts";
import { memory } from "./commands/memory.ts";
import { pageTableCommands } from "./commands/page-tables.ts";
import { printing } from "./commands/printing.ts";
import { registers } from "./commands/registers.ts";
import { numbersOf, stopping } from "./commands/stopping.ts";
import { storeBuffers } from "./commands/store-buffers.ts";
import { tables } from "./commands/tables.ts";
import { tasks } from "./commands/tasks.ts";
import { tier } from "./commands/tier.ts";
import { complete } from "./completion.ts";
import { Console, type ConsoleOptions } from "./console.ts";
import { ExpressionError } from "./expression/errors.ts";
import { rewrap, wrap } from "./format/wrap.ts";
import { GO_ON } from "./repeat.ts";
import { reportPlace } from "./stop-report.ts";

export const PROMPT = "(esp0) ";

/** How a line went. */
export type LineResult = "done" | "failed" | "quit";

const GROUPS: readonly Group[] = [
  "Going",
  "Stopping",
  "Frames",
  "Registers and memory",
  "CPU and devices",
  "Kernel",
  "Other",
];
/** Columns of the list of commands. */
const SUMMARY_AT = 36;
const LEAST_SUMMARY = 20;
/** Commands that take it to mean so. */
const GOES_ON_BY_WORD: ReadonlySet<string> = new Set(["disas", "list"]);

export class Repl implements CommandSet {
  readonly console: Console;
  readonly commands: readonly Command[];
  #last: { readonly command: Command; readonly argument: string } | undefined;
  #quits = false;
  /** The breakpoints whose commands are being given, and those so far. */
  #collecting: { readonly numbers: readonly number[]; readonly lines: string[] } | undefined;

  constructor(session: DebugSession, options: ConsoleOptions) {
    this.console = new Console(session, options);
    this.commands = [
      ...going,
      ...stopping,
      ...causes,
      ...displays,
      ...frames,
      ...listing,
      ...registers,
      ...printing,
      ...memory,
      ...pageTableCommands,
      ...finding,
      ...tables,
      ...devices,
      ...storeBuffers,
      ...tier,
      ...tasks,
      ...kernel,
      ...infoCommands(
        (line, console) => this.#dispatch(line, console),
        () => this.names(),
      ),
      ...this.#own(),
    ];
  }

  /** Shows where the session stands, to begin with. */
  async begin(): Promise<void> {
    await reportPlace(this.console, this.console.session);
  }

  /** What is shown before a line is taken. */
  get prompt(): string {
    return this.#collecting === undefined ? PROMPT : ">";
  }

  /** Runs a line, and what a stop has asked for. Errors are shown, never thrown. */
  async execute(line: string): Promise<LineResult> {
    try {
      if (this.#collecting !== undefined) this.#collect(line.trim());
      else {
        await this.#line(line.trim());
        await this.#runPending();
      }
    } catch (error) {
      this.console.pending = [];
      this.#explain(error);
      return "failed";
    }
    return this.#quits ? "quit" : "done";
  }

  /** The commands of the breakpoint that has stopped the guest; going on replaces them with those of the next stop. */
  async #runPending(): Promise<void> {
    const { console } = this;
    while (console.pending.length > 0 && !this.#quits) {
      const [line, ...rest] = console.pending;
      console.pending = rest;
      await this.#dispatch(line, console);
    }
  }

  #collect(line: string): void {
    const { numbers, lines } = this.#collecting!;
    if (line !== "end") {
      if (line !== "") lines.push(line);
      return;
    }
    this.#collecting = undefined;
    for (const number of numbers) {
      if (lines.length === 0) this.console.breakpointCommands.delete(number);
      else this.console.breakpointCommands.set(number, lines);
    }
  }

  /** Ways to complete a line, and the part of it that they stand for. */
  complete(line: string): [completions: string[], part: string] {
    return complete(this, line);
  }

  /** Full names of the commands, and other names. */
  names(): string[] {
    return this.commands.flatMap(({ names }) => names);
  }

  find(name: string): Command {
    const exact = this.commands.find(({ names }) => names.includes(name));
    if (exact !== undefined) return exact;
    const matches = this.commands.filter(({ names }) => names.some((known) => known.startsWith(name)));
    if (matches.length === 1) return matches[0];
    if (matches.length > 1) {
      throw new CommandError(`${name} could be ${matches.map(({ names }) => names[0]).join(", ")}`);
    }
    const near = nearNames(name, this.names());
    throw new CommandError(
      `no command ${name}; ${near.length > 0 ? `did you mean ${near.join(", ")}?` : "help lists them"}`,
    );
  }

  async #line(line: string): Promise<void> {
    if (line.startsWith("#")) return;
    if (line !== "") {
      this.#last = undefined;
      await this.#dispatch(line, this.console, true);
    } else if (this.#last !== undefined) {
      await this.#last.command.run(this.#last.argument, this.console);
    }
  }

  async #dispatch(line: string, console: Console, remember = false): Promise<void> {
    const { command, argument } = this.#parse(line);
    console.forgetFrames();
    await command.run(argument, console);
    if (!remember || command.repeats === undefined) return;
    const [name] = command.names;
    const goesOn = GOES_ON_BY_WORD.has(name) ? GO_ON : (console.cursors.get(name)?.argument ?? "");
    this.#last = { command, argument: command.repeats === "same" ? argument : goesOn };
  }

  /** The format may follow without a space: `x/4x $esp`, `p/x jiffies`. */
  #parse(line: string): { command: Command; argument: string } {
    const [, name, argument] = /^([A-Za-z][\w-]*|\S+?(?=\s|$))\s*(.*)$/.exec(line) as unknown as [
      string,
      string,
      string,
    ];
    return { command: this.find(name), argument: argument.trim() };
  }

  #explain(error: unknown): void {
    const { console } = this;
    if (error instanceof ExpressionError) {
      console.print(`Error: ${error.message}`, `  ${error.text}`, `  ${" ".repeat(error.column)}^`);
    } else if (error instanceof CommandError || error instanceof MemoryError || error instanceof RangeError) {
      console.print(`Error: ${error.message}`);
    } else {
      console.print(`Error: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #own(): readonly Command[] {
    return [
      {
        names: ["help", "h"],
        group: "Other",
        usage: "[COMMAND]",
        summary: "what the commands are, or one of them",
        completes: "command",
        run: (argument, console) => (argument === "" ? this.#helpAll(console) : help(this.find(argument), console)),
      },
      {
        names: ["commands"],
        group: "Stopping",
        usage: "[NUMBER…]",
        summary: "lines to be executed when a breakpoint stops, up to `end`",
        help:
          "Without a number, for the breakpoint set last. When the first line is `silent`, the stop itself is not shown.\n" +
          "No lines take away those there were.",
        run: (argument, console) => {
          const all = console.session.breakpoints.list();
          const numbers = argument === "" ? all.slice(-1).map(({ number }) => number) : numbersOf(console, argument);
          if (numbers.length === 0) throw new CommandError("there are no breakpoints that commands could belong to");
          this.#collecting = { numbers, lines: [] };
        },
      },
      {
        names: ["echo"],
        group: "Other",
        usage: "TEXT",
        summary: "print a line, for scripts",
        run: (argument, console) => console.print(argument),
      },
      {
        names: ["quit", "q", "exit"],
        group: "Other",
        usage: "",
        summary: "leave",
        run: () => {
          this.#quits = true;
        },
      },
    ];
  }

  #helpAll(console: Console): void {
    for (const group of GROUPS) {
      console.print(console.bold(group));
      const members = this.commands.filter((command) => command.group === group);
      for (const { names, usage, summary } of members) {
        const left = `  ${[names[0], usage].join(" ").trimEnd()}`;
        const [first = "", ...rest] = wrap(summary, Math.max(console.width - SUMMARY_AT, LEAST_SUMMARY));
        const others = rest.map((line) => `${" ".repeat(SUMMARY_AT)}${line}`);
        if (left.length < SUMMARY_AT - 1) console.print(left.padEnd(SUMMARY_AT) + first, ...others);
        else console.print(left, " ".repeat(SUMMARY_AT) + first, ...others);
      }
    }
    const end = "A unique beginning of a name will do. help COMMAND says more. An empty line repeats.";
    console.print(...wrap(end, console.width));
  }
}

function help({ names, usage, summary, help: more, repeats }: Command, console: Console): void {
  const indented = (text: string) => rewrap(text, console.width - 2).map((line) => `  ${line}`);
  console.print(`${console.bold(names[0])} ${usage}`.trimEnd(), ...indented(summary));
  if (names.length > 1) console.print(`  also: ${names.slice(1).join(", ")}`);
  if (more !== undefined) console.print(...indented(more));
  if (repeats !== undefined) console.print(`  An empty line ${repeats === "same" ? "does it again" : "goes on"}.`);
}
