/** A hosted function as the compiler left it: its steps, and the tables that describe them. */
import type { Core } from "../../emulator/index.ts";
import type { Parameter } from "./declarations.ts";
import type { HostedMemory } from "./hosted-memory.ts";
import type { NeededContext } from "./needed-context.ts";
import type { Type } from "./types.ts";

/**
 * Executes the hostcall of a function's step number `step`: a statement. EIP stands behind it; `ebp` is the frame, as a signed
 * number. Goes on with the steps behind it while `HostedMemory.next` says so.
 */
export type StepFunction = (core: Core, ebp: number, memory: HostedMemory, step: number) => void;

/** A lexical block, in steps from `start` up to `end`. */
export interface BlockTable {
  readonly start: number;
  readonly end: number;
  /** Name, kind (`i32`, `number`, `task_struct *`) and bytes from EBP. */
  readonly variables: readonly (readonly [name: string, kind: string, offset: number])[];
  /** Name and number of a struct in the frame. */
  readonly locals: readonly (readonly [name: string, index: number])[];
  readonly blocks: readonly BlockTable[];
}

export interface FunctionTable {
  readonly file: string;
  /** Line and column, from 1, of its name and of its closing brace. */
  readonly start: readonly [line: number, column: number];
  readonly end: readonly [line: number, column: number];
  /** Line and column of each step. */
  readonly positions: readonly number[];
  readonly parameters: readonly (readonly [name: string, kind: string])[];
  /** Kind of what it returns; empty for nothing. */
  readonly returns: string;
  readonly block: BlockTable;
  readonly context?: NeededContext;
  /** Steps that are calls which a kernel leaves out if it is not configured by a symbol; undefined for none. */
  readonly optional_calls?: readonly (readonly [step: number, configured_by: string])[];
}

export class CompiledCode {
  name = "";
  /** What its declaration says of parameters, for those behind a struct passed by value. */
  declared: { readonly parameters: readonly Parameter[]; readonly fastcall: boolean } | undefined;
  /** Bytes below EBP: variables, then, from `lay_out` on, structs. */
  frame: number;
  /** Distances from EBP of the structs in the frame. */
  at: readonly number[] = [];
  /** Distances from EBP of the parameters. */
  parameters: readonly number[] = [];
  /** Types of the structs in the frame. */
  locals: readonly Type[] = [];
  #table: FunctionTable | undefined;
  #is_laid_out = false;

  /**
   * @param run executes its steps; V8 compiles it when it is called first, since most functions of a kernel never run
   * @param variables bytes of them
   * @param structs types of the structs in the frame, which are known when all modules are loaded; undefined for none
   * @param make_table for debuggers
   * @param count steps that it has
   * @param digest of its text, as it was compiled
   */
  constructor(
    readonly run: StepFunction,
    variables: number,
    private readonly structs: (() => readonly Type[]) | undefined,
    private readonly make_table: () => FunctionTable,
    readonly count: number,
    readonly digest: number,
  ) {
    this.frame = variables;
  }

  get table(): FunctionTable {
    this.#table ??= this.make_table();
    return this.#table;
  }

  /** Decides where structs lie in the frame, once. Their types are known when all modules are loaded, not before. */
  lay_out(): this {
    if (this.#is_laid_out) return this;
    this.#is_laid_out = true;
    this.locals = this.structs?.() ?? [];
    let below = this.frame;
    this.at = this.locals.map((type) => {
      below = (below + type.size + 3) & ~3;
      return -below;
    });
    this.frame = below;
    let above = 8;
    this.parameters = (this.declared?.parameters ?? []).map((parameter) => {
      const at = above;
      above += parameter.kind === "by_value" ? (parameter.struct.size + 3) & ~3 : 4;
      return at;
    });
    return this;
  }
}
