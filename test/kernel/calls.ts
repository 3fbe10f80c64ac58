/** System calls in a row, and what they return, for the scenario tests. */
import { syscall_numbers } from "../../kernel/include/asm/unistd.ts";
import { type Options, run } from "./run.ts";

/**
 * A call's name and arguments for EBX, ECX, EDX, ESI, EDI, EBP: numbers, expressions for immediates ("buffer+4"), or
 * "@3" for what the call with that index returned, "(word)" for the word at a symbol.
 */
export type Call = readonly [name: string, ...args: (number | string)[]];

const REGISTERS = ["ebx", "ecx", "edx", "esi", "edi", "ebp"];

function load(argument: number | string, register: string): string {
  if (typeof argument === "string" && argument.startsWith("@")) {
    return `movl results+${4 * Number(argument.slice(1))}, %${register}`;
  }
  if (typeof argument === "string" && argument.startsWith("(")) return `movl ${argument.slice(1, -1)}, %${register}`;
  return `movl $${argument}, %${register}`;
}

function code([name, ...args]: Call, index: number): string {
  const number = syscall_numbers[name];
  if (number === undefined) throw new Error(`no system call ${name}`);
  return `${args.map((argument, i) => load(argument, REGISTERS[i])).join("\n")}
	movl $${number}, %eax
	int $0x80
	movl %eax, results+${4 * index}`;
}

export interface Called {
  /** Results as signed numbers. */
  readonly results: number[];
  /** What was asked for, by symbol. */
  readonly memory: Readonly<Record<string, DataView>>;
  readonly text: (symbol: string, at?: number) => string;
}

/**
 * Makes the calls as pid 1.
 * @param data assembly source behind the program, in .data
 * @param wanted bytes of memory to return afterwards, by symbol
 */
export function make_calls(
  calls: readonly Call[],
  data = "",
  wanted: Readonly<Record<string, number>> = {},
  options: Options = {},
): Called {
  const dumps = Object.entries({ results: 4 * calls.length, ...wanted });
  const { stop, output, log } = run(
    `
.globl _start
_start:
${calls.map(code).join("\n")}
${dumps.map(([symbol, size]) => `	SYSCALL write, $1, $${symbol}, $${size}`).join("\n")}
	EXIT
.data
.align 4
results:	.skip ${4 * calls.length}
${data}`,
    options,
  );
  if (stop.kind !== "exit" || stop.status !== 0) throw new Error(`${JSON.stringify(stop)}\n${log()}`);
  const bytes = Uint8Array.from(output(), (c) => c.charCodeAt(0));
  const total = dumps.reduce((sum, [, size]) => sum + size, 0);
  let at = bytes.length - total;
  const memory: Record<string, DataView> = {};
  for (const [symbol, size] of dumps) {
    memory[symbol] = new DataView(bytes.buffer, at, size);
    at += size;
  }
  const text = (symbol: string, from = 0) => {
    const view = memory[symbol];
    let found = "";
    for (let i = from; i < view.byteLength && view.getUint8(i) !== 0; i++)
      found += String.fromCharCode(view.getUint8(i));
    return found;
  };
  return { results: calls.map((_, i) => memory.results.getInt32(4 * i, true)), memory, text };
}
