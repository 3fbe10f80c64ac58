/**
 * What the kernel is made of, declared once at module load: hosted functions, functions in `.S` files, variables, tables
 * and strings. Declarations hold no state of any machine; linking them gives each a symbol in guest memory.
 */
import { image } from "./context.ts";
import type { ScalarType, StructType, Type, Value, View } from "./types.ts";
import { read_value, write_value } from "./types.ts";

/** What a kernel function yields: a call to make on the guest stack, or nothing for a bare instruction boundary. */
export type Step = GuestCall | undefined;

/** A cdecl or FASTCALL call of guest code: address and register-sized arguments. */
export class GuestCall {
  constructor(
    readonly address: number,
    readonly args: readonly number[],
    readonly fastcall: boolean,
  ) {}
}

/** A running kernel function: yields steps, is resumed with EAX of the function it called. */
export type Steps<R> = Generator<Step, R, number>;

/** A parameter passed as a whole struct on the stack (`struct pt_regs regs`); the body gets a view of it there. */
export interface ByValue<S extends StructType = StructType> {
  readonly kind: "by_value";
  readonly struct: S;
}

export function by_value<S extends StructType>(struct: S): ByValue<S> {
  return { kind: "by_value", struct };
}

export type Parameter = ScalarType | ByValue;
type ArgumentOf<P> = P extends ByValue<StructType<infer F>> ? View<F> : number;
type Arguments<P extends readonly Parameter[]> = { [K in keyof P]: ArgumentOf<P[K]> };
// biome-ignore lint/suspicious/noConfusingVoidType: what a generator body without a return statement returns
type Result<R extends ScalarType | undefined> = R extends ScalarType ? number : void;

export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly returns: ScalarType | undefined;
  /** Arguments in EAX, EDX, ECX as `FASTCALL` (regparm(3)) has them. */
  readonly fastcall: boolean;
}

export interface FunctionOptions {
  /** regparm(3), as `__switch_to` needs. */
  readonly fastcall?: boolean;
  /** Bytes of locals on the guest stack, reached with `stack_local()`: wait-queue entries, buffers. Rounded up to 4. */
  readonly locals?: number;
}

export interface FunctionDeclaration extends Signature {
  readonly name: string;
  /** The immediate of its hostcall; undefined for functions written in assembly. */
  readonly id: number | undefined;
  readonly locals: number;
  readonly body: ((...args: never[]) => unknown) | undefined;
}

/** A function of the kernel, callable from kernel functions with `yield*`, with its address in guest text. */
export interface KernelFunction<A extends readonly unknown[], R> {
  (...args: A): Steps<R>;
  readonly symbol: string;
  /** Linear address in the running kernel. */
  readonly address: number;
}

export interface DataDeclaration {
  readonly name: string;
  readonly size: number;
  readonly alignment: number;
  /** Initial words, each a number or a symbol's name; undefined means zeroed (.bss). */
  readonly words: readonly (number | string)[] | undefined;
  /** Initial bytes, for strings. */
  readonly bytes?: Uint8Array;
  readonly section: ".data" | ".bss" | ".rodata" | ".data.init_task";
  readonly type: Type | undefined;
}

const functions: FunctionDeclaration[] = [];
const data: DataDeclaration[] = [];
const names = new Set<string>();
const strings = new Map<string, string>();

/** Everything declared so far, in order of declaration. */
export function declarations(): {
  readonly functions: readonly FunctionDeclaration[];
  readonly data: readonly DataDeclaration[];
} {
  return { functions, data };
}

function claim(name: string): void {
  if (names.has(name)) throw new Error(`${name} is declared twice in the kernel`);
  names.add(name);
}

function* call_steps(target: GuestCall, returns: ScalarType | undefined): Steps<number | undefined> {
  const eax = yield target;
  return returns?.from_register(eax);
}

function callable<A extends readonly unknown[], R>(declaration: FunctionDeclaration): KernelFunction<A, R> {
  if (declaration.parameters.some((parameter) => parameter.kind === "by_value")) {
    const entry = () => {
      throw new TypeError(`${declaration.name} takes a struct by value; only entry code calls it`);
    };
    return with_address(entry as never, declaration.name);
  }
  const steps = (...args: number[]) =>
    call_steps(new GuestCall(image().symbol(declaration.name), args, declaration.fastcall), declaration.returns);
  return with_address(steps as never, declaration.name);
}

function with_address<A extends readonly unknown[], R>(
  steps: (...args: A) => Steps<R>,
  name: string,
): KernelFunction<A, R> {
  Object.defineProperty(steps, "address", { get: () => image().symbol(name) });
  return Object.assign(steps, { symbol: name }) as KernelFunction<A, R>;
}

/**
 * Declares a function of the kernel whose body is TypeScript. It gets a symbol and a stub in guest text and runs on the
 * guest's stack; `yield* other(a, b)` calls another function there, a bare `yield` is an instruction boundary.
 * A body that never yields may be a plain function: it runs in one step.
 */
export function kernel_function<const P extends readonly Parameter[], R extends ScalarType | undefined>(
  name: string,
  parameters: P,
  returns: R,
  body: (...args: Arguments<P>) => Steps<Result<R>> | Result<R>,
  options: FunctionOptions = {},
): KernelFunction<Arguments<P>, Result<R>> {
  claim(name);
  const declaration: FunctionDeclaration = {
    name,
    parameters,
    returns,
    fastcall: options.fastcall ?? false,
    locals: ((options.locals ?? 0) + 3) & ~3,
    id: functions.length,
    body: body as (...args: never[]) => unknown,
  };
  if (functions.length > 0xffff) throw new Error("a kernel holds at most 65536 hosted functions");
  functions.push(declaration);
  return callable(declaration);
}

/** Declares a function that a `.S` file defines, so that kernel functions can call it or take its address. */
export function asm_function<const P extends readonly ScalarType[], R extends ScalarType | undefined>(
  name: string,
  parameters: P,
  returns: R,
  options: { readonly fastcall?: boolean } = {},
): KernelFunction<Arguments<P>, Result<R>> {
  return callable({
    name,
    parameters,
    returns,
    fastcall: options.fastcall ?? false,
    locals: 0,
    id: undefined,
    body: undefined,
  });
}

/** Calls guest code by address, as C does through a function pointer. */
export function call_pointer<R extends ScalarType | undefined>(
  address: number,
  returns: R,
  ...args: number[]
): Steps<Result<R>> {
  return call_steps(new GuestCall(address >>> 0, args, false), returns) as Steps<Result<R>>;
}

/** A variable of the kernel: a place in guest memory with a symbol. */
export interface KernelVariable<T extends Type> {
  readonly symbol: string;
  readonly type: T;
  readonly address: number;
  value: Value<T>;
}

/** Declares a variable. Scalars may start at `initial`; everything else starts zeroed. */
export function kernel_variable<T extends Type>(
  name: string,
  type: T,
  initial?: number,
  options: { readonly alignment?: number; readonly section?: ".data.init_task" } = {},
): KernelVariable<T> {
  claim(name);
  if (initial !== undefined && (type.kind !== "scalar" || type.size !== 4))
    throw new Error(`${name}: only 32-bit scalars take an initial value`);
  const words = initial === undefined ? undefined : [initial];
  data.push({
    name,
    size: type.size,
    alignment: options.alignment ?? Math.max(4, type.alignment),
    words,
    section: options.section ?? (words ? ".data" : ".bss"),
    type,
  });
  return {
    symbol: name,
    type,
    get address() {
      return image().symbol(name);
    },
    get value() {
      return read_value(type, this.address);
    },
    set value(value) {
      write_value(type, this.address, value as number | string);
    },
  };
}

/** Declares a table of words, each a number or the name of a symbol (`sys_call_table`, operation tables). */
export function kernel_table(
  name: string,
  words: readonly (number | string)[],
  type?: Type,
): { readonly symbol: string; readonly address: number } {
  claim(name);
  data.push({ name, size: words.length * 4, alignment: 4, words, section: ".data", type });
  return {
    symbol: name,
    get address() {
      return image().symbol(name);
    },
  };
}

/** A NUL-terminated string in the kernel's .rodata; equal texts share one. Declare at module level only. */
export function cstring(text: string): { readonly address: number } {
  let name = strings.get(text);
  if (name === undefined) {
    name = `.LC${strings.size}`;
    strings.set(text, name);
    const bytes = Uint8Array.from([...text, "\0"], (c) => c.charCodeAt(0));
    data.push({ name, size: bytes.length, alignment: 1, words: undefined, bytes, section: ".rodata", type: undefined });
  }
  const symbol = name;
  return {
    get address() {
      return image().symbol(symbol);
    },
  };
}
