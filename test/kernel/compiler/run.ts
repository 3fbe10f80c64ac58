/** Runs hosted source twice: compiled, on a bare machine, and as the plain generator functions that it is written as. */
import { join } from "node:path";
import { transformSync } from "esbuild";
import { Project } from "../../../kernel/compiler/index.ts";
import * as context from "../../../kernel/host/context.ts";
import * as declarations from "../../../kernel/host/declarations.ts";
import * as memory from "../../../kernel/host/memory.ts";
import * as runtime from "../../../kernel/host/runtime.ts";
import * as types from "../../../kernel/host/types.ts";
import { type Bare, bare } from "../bare.ts";
import { PlainMachine, plain_declarations } from "./plain.ts";

export const root = join(import.meta.dirname, "../../..");
const host = join(root, "kernel/host");

/** A project of this folder's files, and of texts that tests make up. */
export function project(): Project {
  return new Project({ root, runtime: join(host, "runtime.ts") });
}

/** The path that a text would have among the tests. */
export function path_of(name: string): string {
  return join(import.meta.dirname, name);
}

/** What every text of these tests begins with. */
export const PREAMBLE = `
import { cpu } from "../../../kernel/host/context.ts";
import { asm_function, by_value, call_pointer, cstring, kernel_function, kernel_table, kernel_variable, local, type Steps } from "../../../kernel/host/declarations.ts";
import { memory } from "../../../kernel/host/memory.ts";
import { array, chars, i8, i16, i32, pointer, struct, u8, u16, u32, type ViewOf } from "../../../kernel/host/types.ts";
`;

type Module = Record<string, unknown>;
type Required = (specifier: string) => object | undefined;

/** A module's text, ready to be evaluated. */
export class Loadable {
  readonly #script: (module: { exports: Module }, require: Required) => void;

  constructor(text: string) {
    const { code } = transformSync(text, { loader: "ts", format: "cjs", target: "es2022" });
    this.#script = new Function("module", "require", code) as never;
  }

  /** @param modules what it imports, by file without folder and extension */
  load(modules: Readonly<Record<string, object>>): Module {
    const module: { exports: Module } = { exports: {} };
    this.#script(module, (specifier) => modules[/[a-z-]+(?=\.ts$)/.exec(specifier)?.[0] ?? ""]);
    return module.exports;
  }
}

const GUEST = `
.text
.globl _start
_start:
	hlt
.globl invoke, done
invoke:
	pushl args+8
	pushl args+4
	pushl args
	call *target
	movl %eax, result
	movl %edx, result+4
done:
	hlt
.globl twice
.type twice,@function
twice:
	movl 4(%esp), %eax
	addl %eax, %eax
	movl $-1, %ecx
	movl $-1, %edx
	ret
.size twice, .-twice
.data
.globl args
args: .long 0, 0, 0
.globl target
target: .long 0
.globl result
result: .long 0, 0
.bss
.align 16
	.skip 65536
.globl stack_top
stack_top:
`;

export interface Outcome {
  readonly result: number;
  readonly log: readonly number[];
}

const MOST_INSTRUCTIONS = 200_000;

/** Compiled functions on a bare machine. They report to \`log\`, if they have one. */
export class CompiledRun {
  readonly bare: Bare;

  constructor(text: Loadable) {
    this.bare = bare(GUEST, text.load({ context, declarations, memory, runtime, types }));
    this.bare.machine.setBreakpoints([this.bare.symbol("done")]);
  }

  #put(symbol: string, value: number, index = 0): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value, true);
    this.bare.machine.writePhysical(this.bare.symbol(symbol) + 4 * index, bytes);
  }

  /** Stands at the call of a function. */
  enter(name: string, args: readonly number[]): void {
    const { machine, symbol } = this.bare;
    this.#put("target", symbol(name));
    for (let i = 0; i < 3; i++) this.#put("args", args[i] ?? 0, i);
    if (this.#has_log()) this.#put("log_length", 0);
    machine.setRegister("eip", symbol("invoke"));
    machine.setRegister("esp", symbol("stack_top"));
  }

  #has_log(): boolean {
    try {
      return this.bare.symbol("log_length") !== 0;
    } catch {
      return false;
    }
  }

  outcome(): Outcome {
    const { failures, word } = this.bare;
    if (failures.length > 0)
      throw new Error(
        failures
          .splice(0)
          .map(({ why }) => why)
          .join("; "),
      );
    const length = this.#has_log() ? word("log_length") : 0;
    return { result: word("result"), log: Array.from({ length }, (_, i) => word("log", i)) };
  }

  call(name: string, ...args: number[]): Outcome {
    this.enter(name, args);
    context.stepping(() => this.bare.machine.run({ maxInstructions: MOST_INSTRUCTIONS }));
    const { result, log } = this.outcome();
    if (this.bare.machine.getRegister("esp") !== this.bare.symbol("stack_top") - 12)
      throw new Error("the stack is not what it was");
    return { result, log };
  }
}

/** The same functions as JavaScript runs them. */
export class PlainRun {
  readonly machine = new PlainMachine();
  readonly #module: Module;

  constructor(text: Loadable) {
    this.#module = this.machine.run(() =>
      text.load({ context, declarations: plain_declarations(this.machine), memory, types }),
    );
  }

  call(name: string, ...args: number[]): Outcome {
    const { machine } = this;
    return machine.run(() => {
      const log = machine.variables.get("log");
      if (log !== undefined) machine.variables.get("log_length")!.value = 0;
      const steps = (this.#module[name] as (...args: number[]) => Generator<unknown, number>)(...args);
      let step = steps.next();
      for (let i = 0; !step.done; i++) {
        if (i > MOST_INSTRUCTIONS) throw new Error("no end");
        step = steps.next();
      }
      const values = log?.value as { get(i: number): number } | undefined;
      const length = log === undefined ? 0 : (machine.variables.get("log_length")!.value as number);
      return { result: step.value | 0, log: Array.from({ length }, (_, i) => values!.get(i) | 0) };
    });
  }
}
