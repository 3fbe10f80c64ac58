/** Where a kernel stands, in plain text: what failing matchers show. */
import type { Machine } from "../emulator/index.ts";
import type { Kernel, RecordedEvent } from "../kernel/index.ts";
import { TROUBLE } from "./diagnosis.ts";
import { lastEvents } from "./events.ts";
import { formatRegisters, hex, type Registers } from "./registers.ts";
import { formatStack, type StackWord } from "./stack.ts";
import type { TaskView } from "./tasks.ts";

const EVENTS = 10;
const STACK_WORDS = 16;
const LOG_LINES = 5;
const TROUBLE_LINES = 20;
const USER_RPL = 3;

/** What is told of a kernel. */
export interface Described {
  readonly kernel: Kernel;
  readonly machine: Machine;
  readonly position: number;
  readonly events: readonly RecordedEvent[];
  readonly log: string;
  registers(): Registers;
  current(): TaskView | undefined;
  stack(pid: number): StackWord[];
  reproduction(): string;
}

export function describeKernel(booted: Described): string {
  const { kernel, position, events, log, machine } = booted;
  const registers = booted.registers();
  const current = booted.current();
  const inUser = (registers.cs & USER_RPL) === USER_RPL;
  const place = inUser ? `${hex(registers.eip)} in user mode` : kernel.image.symbolize(registers.eip);
  const who = current === undefined ? "no task" : `pid ${current.pid} (${current.comm})`;
  const stack = current === undefined || inUser ? [] : booted.stack(current.pid);
  const sections = [
    [`at instruction ${position}, cycle ${machine.cycles}: ${who}, ${place}`],
    ["registers:", ...formatRegisters(registers)],
    current === undefined || inUser
      ? [`kernel stack: not in use in user mode`]
      : [`kernel stack of pid ${current.pid}:`, ...formatStack(stack, STACK_WORDS)],
    ["last events:", ...(events.length === 0 ? ["none"] : lastEvents(events, EVENTS))],
    ["end of the kernel log:", ...endOfLog(log)],
    [booted.reproduction()],
  ];
  return sections.map(([title, ...lines]) => [title, ...lines.map((line) => `  ${line}`)].join("\n")).join("\n");
}

/** The last lines; of a kernel in trouble those in which it first says so. */
function endOfLog(log: string): string[] {
  const lines = log.trimEnd().split(/\r?\n/);
  const trouble = lines.findIndex((line) => TROUBLE.test(line));
  return trouble < 0 ? lines.slice(-LOG_LINES) : lines.slice(trouble, trouble + TROUBLE_LINES);
}
