/** What the commands of a REPL share: the session, where they print, what they remember from one to the next. */

import { type CType, plainType, typeName } from "../../asm/dwarf/reader/index.ts";
import { type Disassembler, loadDisassembler } from "../../asm/index.ts";
import type { RegisterName } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import { currentPointers, pointersOf } from "../frames/frame-walk.ts";
import { Guest, type TaskName } from "../frames/guest.ts";
import { innermostFrame, type StackFrame, stackFrames } from "../frames/stack-frame.ts";
import type { DebugSession } from "../session/index.ts";
import { CommandError } from "./command-error.ts";
import { GuestEnvironment } from "./environment.ts";
import { evaluate } from "./expression/evaluate.ts";
import { numberOf } from "./expression/reading.ts";
import type { Value } from "./expression/value.ts";
import type { Formatting, NumberFormat } from "./format/value.ts";
import { place } from "./format/value.ts";
import type { ListedLines } from "./source-location.ts";
import type { SourceTexts } from "./source-texts.ts";

/** Events kept for `events`. */
const ADDRESS_SPACE = 2 ** 32;
const MOST_EVENTS = 10_000;

export interface ConsoleOptions {
  /** Takes text as it is to be shown, with its newlines. */
  readonly write: (text: string) => void;
  /** Whether it may be coloured with ANSI sequences. */
  readonly color: boolean;
  /** Columns that help is written in; 80 without. */
  readonly width?: number | undefined;
  readonly sources: SourceTexts;
}

const COLUMNS = 80;

/** An expression that is shown at each stop. */
export interface Display {
  readonly number: number;
  readonly text: string;
  /** As `p` and `x` take it, without the slash; empty for none. */
  readonly format: string;
  /** Variables of frames that it names: it is shown where there are such. */
  readonly locals: readonly string[];
  isEnabled: boolean;
}

/** Where `x` and `list` go on. */
export interface Cursor {
  readonly address: number;
  readonly argument: string;
}

export class Console {
  readonly guest: Guest;
  readonly color: boolean;
  /** Columns that text without a form of its own is written in. */
  readonly width: number;
  readonly sources: SourceTexts;
  /** Values that `p` has shown: `$1`, `$2`… */
  readonly values: Value[] = [];
  /** Registers at the stop before, by core. */
  readonly registersBefore = new Map<number, Record<RegisterName, number>>();
  readonly registersNow = new Map<number, Record<RegisterName, number>>();
  /** Where `x`, `disas` and `list` go on, by command. */
  readonly cursors = new Map<string, Cursor>();
  /** What `list` has shown last, since the guest stands where it stands. */
  listed: ListedLines | undefined;
  /** What is shown at each stop. */
  readonly displays: Display[] = [];
  /** Lines to be executed when a breakpoint stops, by its number. */
  readonly breakpointCommands = new Map<number, readonly string[]>();
  /** Lines that a stop has asked for. */
  pending: readonly string[] = [];
  /** Conditions that could not be evaluated, by breakpoint text, until the stop is shown. */
  readonly conditionErrors: string[] = [];
  readonly #write: (text: string) => void;
  readonly #events: RecordedEvent[] = [];
  #environment: GuestEnvironment | undefined;
  #frames: { readonly moment: string; readonly frames: readonly StackFrame[] } | undefined;
  #innermost: { readonly moment: string; readonly frame: StackFrame } | undefined;
  #selected: { readonly moment: string; readonly level: number; readonly task: TaskName | undefined } | undefined;

  constructor(
    readonly session: DebugSession,
    options: ConsoleOptions,
  ) {
    this.guest = new Guest(session);
    this.color = options.color;
    this.width = options.width ?? COLUMNS;
    this.sources = options.sources;
    this.#write = options.write;
    if (session.kernel !== undefined) {
      session.onEvent((event) => this.#record(event));
    }
    this.noteRegisters();
  }

  /** Shows lines. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.#write(`${line}\n`);
  }

  bold(text: string): string {
    return this.color ? `\x1b[1m${text}\x1b[0m` : text;
  }

  dim(text: string): string {
    return this.color ? `\x1b[2m${text}\x1b[0m` : text;
  }

  /** What has changed: coloured, or with a star behind it. */
  changed(text: string): string {
    return this.color ? `\x1b[1;33m${text}\x1b[0m` : `${text}*`;
  }

  /** The decoder, loaded when first asked for. */
  disassembler(): Promise<Disassembler> {
    return loadDisassembler();
  }

  /** What names stand for. It is the same object always; what it reads is of the moment. */
  environment(): GuestEnvironment {
    this.#environment ??= new GuestEnvironment(
      this.guest,
      this.values,
      () => this.frame(),
      () => this.forgetFrames(),
    );
    return this.#environment;
  }

  /** @throws ExpressionError, MemoryError */
  evaluate(text: string): Value {
    return evaluate(text, this.environment());
  }

  /** The type that an expression has, whatever its value; nothing is changed by it. @throws ExpressionError */
  typeOf(text: string): CType {
    return evaluate(text, this.environment().forTypes()).type;
  }

  /** The number that an expression comes to. @throws CommandError when it is a struct; ExpressionError, MemoryError */
  number(text: string): number {
    const environment = this.environment();
    const value = evaluate(text, environment);
    const number = numberOf(value, environment);
    if (number === undefined)
      throw new CommandError(`${text} is a ${typeName(value.type)}, not a number; & gives its address`);
    return number;
  }

  /** A whole number from `least` to `most`. @param what it is, for the error @throws CommandError when it is another one */
  integer(text: string, what: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
    const number = this.number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new CommandError(`${what} ${text}: ${range} is expected`);
  }

  /** The address that an expression means: a symbol's own, and not what lies there; a number's or pointer's value. @throws CommandError */
  address(text: string): number {
    const environment = this.environment();
    const value = evaluate(text, environment);
    const isName = /^\s*[A-Za-z_.][\w.$]*\s*$/.test(text) && value.register === undefined;
    const { kind } = plainType(value.type);
    const isPlace = isName && kind !== "pointer" ? value.address : undefined;
    const number = isPlace ?? (kind === "struct" ? value.address : numberOf(value, environment));
    if (number === undefined) throw new CommandError(`${text} is no address`);
    if (number >= ADDRESS_SPACE || number < -ADDRESS_SPACE / 2) {
      throw new CommandError(`${text} is no address: they have 32 bits, and end at 0xffffffff`);
    }
    return number >>> 0;
  }

  formatting(format: NumberFormat = "natural"): Formatting {
    return {
      environment: this.environment(),
      symbols: this.session.symbols,
      format,
      readString: (linear, limit) => this.guest.readString(linear, limit),
    };
  }

  /** The same, for what is in a frame. */
  formattingOf(frame: StackFrame): Formatting {
    const { task } = frame;
    return {
      ...this.formatting(),
      environment: { read: (linear, length) => this.guest.read(linear, length, task) },
      readString: (linear, limit) => this.guest.readString(linear, limit, task),
    };
  }

  /** `0xc0101234 <schedule+0x10>`. */
  place(address: number): string {
    return place(address >>> 0, this.session);
  }

  /** Takes the registers down as those of this stop; those of the last one become the ones before. */
  noteRegisters(): void {
    for (const core of this.session.machine.cores) {
      const before = this.registersNow.get(core.id);
      if (before !== undefined) this.registersBefore.set(core.id, before);
      this.registersNow.set(core.id, this.session.registers(core.id));
    }
  }

  /** The frames of the selected task, or of the selected core. */
  frames(): readonly StackFrame[] {
    const { moment } = this;
    if (this.#frames?.moment !== moment) {
      const task = this.selectedTask;
      const start = task === undefined ? currentPointers(this.guest) : pointersOf(this.guest, task.address);
      this.#frames = { moment, frames: stackFrames(this.guest, start, task?.address) };
    }
    return this.#frames.frames;
  }

  /** The selected frame: the innermost one until another is selected. */
  frame(): StackFrame {
    const { moment } = this;
    if (this.#selected?.moment === moment) {
      const { level, task } = this.#selected;
      if (level > 0 || task !== undefined) return this.frames()[level] ?? this.frames()[0];
    }
    if (this.#innermost?.moment !== moment) this.#innermost = { moment, frame: innermostFrame(this.guest) };
    return this.#innermost.frame;
  }

  /** The task whose frames are looked at, where it is not the one that runs. */
  get selectedTask(): TaskName | undefined {
    return this.#selected?.moment === this.moment ? this.#selected.task : undefined;
  }

  /** Selects a frame, until the guest goes on. @param task whose, if not the current one's */
  select(level: number, task = this.selectedTask): void {
    this.forgetFrames();
    this.listed = undefined;
    this.#selected = { moment: this.moment, level, task };
  }

  /** Selects the frames of a task; of one that a core runs, those of that core. */
  selectTask(task: TaskName): void {
    const core = this.guest.coreOf(task.address);
    if (core !== undefined) this.session.core = core.id;
    this.forgetFrames();
    this.#selected = { moment: this.moment, level: 0, task: core === undefined ? task : undefined };
  }

  /** The guest has been changed where it stands: what was found in its frames is not so any more. */
  forgetFrames(): void {
    this.#frames = undefined;
    this.#innermost = undefined;
  }

  /** What is the same as long as the guest stands where it stands. */
  get moment(): string {
    return `${this.session.machine.cycles}/${this.session.position}/${this.session.core}`;
  }

  /** The events that have happened by now, oldest first: as far as they are still known. */
  pastEvents(): readonly RecordedEvent[] {
    const { position } = this.session;
    return this.#events.filter(({ instruction }) => instruction <= position);
  }

  /** An event that is new. Those that came after it belong to a future that was changed. */
  #record(event: RecordedEvent): void {
    while ((this.#events.at(-1)?.instruction ?? 0) > event.instruction) this.#events.pop();
    if (this.#events.length >= MOST_EVENTS) this.#events.splice(0, MOST_EVENTS / 2);
    this.#events.push(event);
  }
}
