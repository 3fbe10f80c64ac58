/** What an expression is evaluated in. */
import type { TypeNames } from "./types.ts";
import type { Scalar, Value } from "./value.ts";

/** What the names of an expression stand for. */
export interface Environment {
  readonly types: TypeNames;
  /** Bytes at a linear address. @throws MemoryError when they cannot be read */
  readonly read: (linear: number, length: number) => Uint8Array;
  /** Changes what a value stands for. @throws Error when that cannot be changed; MemoryError */
  readonly assign: (target: Value, scalar: Scalar) => void;
  /** The value of a name without `$`: a variable, a symbol, a register, a constant. */
  readonly name: (name: string) => Value | undefined;
  /** The value of `$name`. */
  readonly variable: (name: string) => Value | undefined;
  /** Keeps a value under a name with `$` that is no register. */
  readonly keep: (name: string, value: Value) => void;
  /** Functions that take one number: `task(PID)`. */
  readonly functions: Readonly<Record<string, (argument: number) => Value>>;
  /** Names that somebody who wrote this one may have meant. */
  readonly near: (name: string) => readonly string[];
}
