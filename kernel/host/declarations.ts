/**
 * What the kernel is made of, declared at module level: hosted functions, functions in `.S` files, variables, tables and
 * strings. The compiler (kernel/compiler) turns a module's declarations into one object, which link_kernel() takes;
 * declarations hold no state of any machine.
 */
import type { ScalarType, StructType, Type, Value, View } from "./types.ts";

/**
 * A call on the guest's stack. In hosted code `yield* f(a, b)` becomes one when it is compiled; in ordinary TypeScript it
 * yields one of these, for a driver that carries it out: a test that calls a kernel function.
 */
export class GuestCall {
  constructor(
    /** Linear. */
    readonly address: number,
    /** Words, the first argument first. */
    readonly args: readonly number[],
    /** Whether the first three go into EAX, EDX and ECX. */
    readonly fastcall: boolean,
    /** Whether the result is in EDX:EAX; to be given back as one number. */
    readonly is_wide: boolean,
  ) {}
}

/** What a kernel function yields: a call to make on the guest stack, or nothing for a bare instruction boundary. */
export type Step = GuestCall | undefined;

/** The steps of a call that returns R: what a `function*` that steps is declared to return. */
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
export type Arguments<P extends readonly Parameter[]> = { [K in keyof P]: ArgumentOf<P[K]> };
// biome-ignore lint/suspicious/noConfusingVoidType: what a generator body without a return statement returns
export type Result<R extends ScalarType | undefined> = R extends ScalarType ? number : void;

export interface FunctionOptions {
  /** regparm(3), as `__switch_to` needs: arguments in EAX, EDX, ECX. */
  readonly fastcall?: boolean;
}

/** A function of the kernel, callable from hosted functions with `yield*`, with its address in guest text. */
export interface KernelFunction<
  A extends readonly unknown[],
  R,
  S extends ScalarType | undefined = ScalarType | undefined,
> {
  (...args: A): Steps<R>;
  readonly symbol: string;
  /** Linear address in the running kernel. */
  readonly address: number;
  readonly returns: S;
}

/** What a kernel is configured by, as `.S` files know it. */
export type ConfigurationSymbol = `CONFIG_${string}`;

/** A function that only kernels call which are configured so; the others leave its calls out. */
export interface ConfigFunction<A extends readonly unknown[], C extends ConfigurationSymbol>
  extends KernelFunction<A, void, undefined> {
  readonly configured_by: C;
}

/** A variable of the kernel: a place in guest memory with a symbol. */
export interface KernelVariable<T extends Type> {
  readonly symbol: string;
  readonly type: T;
  readonly address: number;
  value: Value<T>;
}

/**
 * A variable of which every CPU has one of its own, behind each other in guest memory. `address` and `value` are those of
 * the CPU that executes the step, of the first one while only looking.
 */
export interface PerCpuVariable<T extends Type> extends KernelVariable<T> {
  /** Linear address of a CPU's own. */
  address_of(cpu: number): number;
  /** A CPU's own; for a struct. */
  of(cpu: number): Value<T>;
}

/** A table of which every CPU has one of its own. `address` is as that of a PerCpuVariable. */
export interface PerCpuData extends KernelData {
  readonly symbol: string;
  address_of(cpu: number): number;
}

/** Something at an address in the kernel's data. */
export interface KernelData {
  readonly address: number;
}

export interface VariableOptions {
  /** Bytes. */
  readonly alignment?: number;
  readonly section?: ".data.init_task";
}

function not_compiled(): never {
  throw new Error(
    "this module declares kernel functions or data and has to be compiled: run it under vitest with the plugin of esp0/vite, " +
      "or give it to `esp0 run --module`",
  );
}

/**
 * Declares a function of the kernel whose body is TypeScript: each statement of it is one guest instruction.
 * `yield* other(a, b)` calls another function on the guest's stack.
 */
export function kernel_function<const P extends readonly Parameter[], R extends ScalarType | undefined>(
  _name: string,
  _parameters: P,
  _returns: R,
  _body: (...args: Arguments<P>) => Steps<Result<R>> | Result<R>,
  _options: FunctionOptions = {},
): KernelFunction<Arguments<P>, Result<R>, R> {
  return not_compiled();
}

/** Declares a function that a `.S` file or another module defines, so that kernel functions can call it or take its address. */
export function asm_function<const P extends readonly ScalarType[], R extends ScalarType | undefined>(
  _name: string,
  _parameters: P,
  _returns: R,
  _options: FunctionOptions = {},
): KernelFunction<Arguments<P>, Result<R>, R> {
  return not_compiled();
}

/**
 * Declares a function of a `.S` file that only a kernel for several CPUs calls, such as spin_lock: in a kernel for one a
 * statement `yield* spin_lock(…)` is a nop. It returns nothing.
 */
export function smp_function<const P extends readonly ScalarType[]>(
  _name: string,
  _parameters: P,
): ConfigFunction<Arguments<P>, "CONFIG_SMP"> {
  return not_compiled();
}

/** The same for a function that only kernels with a certain configuration call. */
export function config_function<const P extends readonly ScalarType[], const C extends ConfigurationSymbol>(
  _name: string,
  _parameters: P,
  _configured_by: C,
): ConfigFunction<Arguments<P>, C> {
  return not_compiled();
}

/** Calls guest code by address, as C does through a function pointer. */
export function call_pointer<R extends ScalarType | undefined>(
  _address: number,
  _returns: R,
  ..._args: number[]
): Steps<Result<R>> {
  return not_compiled();
}

/**
 * A variable in the frame of the hosted function that declares it, with an address: `const timer = local(timer_list)`. A
 * struct is a view; anything else has `address` and `value`. Its contents are what was on the stack before.
 */
export function local<T extends Type>(
  _type: T,
): T extends StructType<infer F> ? View<F> : { readonly address: number; readonly type: T; value: Value<T> } {
  return not_compiled();
}

/** Declares a variable. 32-bit scalars may start at `initial`; everything else starts zeroed. */
export function kernel_variable<T extends Type>(
  _name: string,
  _type: T,
  _initial?: number,
  _options: VariableOptions = {},
): KernelVariable<T> {
  return not_compiled();
}

/** Declares a table of words, each a number or the name of a symbol (`sys_call_table`, operation tables). */
export function kernel_table(
  _name: string,
  _words: readonly (number | string)[],
  _type?: Type,
): KernelData & { readonly symbol: string } {
  return not_compiled();
}

/**
 * Declares a variable of which every CPU has its own: NR_CPUS of them in a kernel for several CPUs, one in a kernel for one.
 * `jiffies_seen.value` is that of the CPU that executes the step. They start zeroed.
 */
export function per_cpu<T extends Type>(_name: string, _type: T, _options: VariableOptions = {}): PerCpuVariable<T> {
  return not_compiled();
}

/** The same for a table of words, with which every CPU starts. */
export function per_cpu_table(_name: string, _words: readonly (number | string)[]): PerCpuData {
  return not_compiled();
}

/** A NUL-terminated string in the kernel's .rodata. */
export function cstring(_text: string): KernelData {
  return not_compiled();
}
