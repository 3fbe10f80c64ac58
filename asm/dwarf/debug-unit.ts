/** What there is to say to a debugger about a program: its code and where it comes from, its types and data. */
import type { SectionLine } from "../object-file.ts";
import type { CodeAddress } from "./byte-writer.ts";

/** A run of code. */
export interface DebugRange {
  readonly start: CodeAddress;
  /** Bytes. */
  readonly size: number;
  /** By offset from `start`. */
  readonly lines: readonly SectionLine[];
}

export interface DebugFunction {
  readonly name: string;
  readonly start: CodeAddress;
  /** Bytes. */
  readonly size: number;
  readonly isGlobal: boolean;
  /** What is known of a function in a higher language. */
  readonly signature?: DebugSignature | undefined;
}

/** A source, or what else was translated as one. */
export interface DebugUnit {
  readonly name: string;
  readonly ranges: readonly DebugRange[];
  readonly functions: readonly DebugFunction[];
  /** Structs and variables of a unit in a higher language. */
  readonly structs?: readonly DebugStruct[];
  readonly variables?: readonly DebugVariable[];
}

export interface DebugVariable {
  readonly name: string;
  readonly start: CodeAddress;
  readonly isGlobal: boolean;
  readonly type: DebugType;
}

/** A type as C has it. */
export type DebugType =
  | { readonly kind: "integer"; readonly name: string; readonly size: 1 | 2 | 4 | 8; readonly isSigned: boolean }
  /** `_Bool`, which takes a byte, or a truth value that fills a word. */
  | { readonly kind: "boolean"; readonly size: 1 | 4 }
  | { readonly kind: "character" }
  | { readonly kind: "function" }
  /** `to` undefined: `void *`. */
  | { readonly kind: "pointer"; readonly to: DebugType | undefined }
  | { readonly kind: "array"; readonly element: DebugType; readonly length: number }
  /** The struct of that name in the unit, or else in the first that has one; `void` if there is none. */
  | { readonly kind: "struct"; readonly name: string };

export interface DebugMember {
  readonly name: string;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  readonly type: DebugType;
}

export interface DebugStruct {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly members: readonly DebugMember[];
}

export interface DebugParameter {
  readonly name: string;
  readonly type: DebugType;
  /** Bytes from the first argument on the stack; undefined for an argument in a register. */
  readonly offset: number | undefined;
}

export interface DebugLocal {
  readonly name: string;
  readonly type: DebugType;
  /** Bytes from where EBP points; below it they are negative. */
  readonly offset: number;
}

/** A part of a function with variables of its own. */
export interface DebugBlock {
  /** Bytes from the start of the function. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
  readonly locals: readonly DebugLocal[];
  readonly blocks: readonly DebugBlock[];
}

/**
 * A function with a frame that is set up as usual: it begins with `pushl %ebp; movl %esp, %ebp`, and its last two
 * instructions are `leave; ret`.
 */
export interface DebugSignature {
  readonly parameters: readonly DebugParameter[];
  readonly returns: DebugType | undefined;
  readonly locals?: readonly DebugLocal[];
  readonly blocks?: readonly DebugBlock[];
}

/** What an image does not know about one of the objects it was linked from. Symbols that it lacks are passed over. */
export interface DebugInfo {
  /** The name of the object; symbols are those that it defines. */
  readonly unit: string;
  readonly structs: readonly DebugStruct[];
  /** Types of data, by symbol. */
  readonly variables: ReadonlyMap<string, DebugType>;
  /** Signatures of functions, by symbol. */
  readonly functions: ReadonlyMap<string, DebugSignature>;
}
