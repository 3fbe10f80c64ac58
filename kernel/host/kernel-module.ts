/** The object that a compiled module's declarations make: what link_kernel() links, and where a linked kernel has it. */

import type { CompiledCode } from "./compiled-code.ts";
import { ambient, this_cpu } from "./context.ts";
import {
  type FunctionOptions,
  GuestCall,
  type KernelData,
  type KernelFunction,
  type KernelVariable,
  type Parameter,
  type PerCpuData,
  type PerCpuVariable,
  type Steps,
  type VariableOptions,
} from "./declarations.ts";
import {
  type Fields,
  struct as make_struct,
  read_value,
  type ScalarType,
  type StructType,
  type Type,
  type Value,
  write_value,
} from "./types.ts";

/** Something with a symbol. `number` tells apart all declarations of the process; images have addresses by it. */
interface Declaration {
  readonly number: number;
  readonly name: string;
  /** Whether other objects see the symbol. */
  readonly is_global: boolean;
}

/** A function that another object defines. */
interface Extern extends Declaration {
  /** Symbol without which a kernel leaves its calls out. */
  readonly configured_by?: string;
}

export interface FunctionDeclaration extends Declaration {
  /** What `kernel_function` declares; undefined for helpers, whose table tells. */
  readonly parameters: readonly Parameter[] | undefined;
  readonly returns: ScalarType | undefined;
  readonly fastcall: boolean;
  readonly code: CompiledCode;
}

export interface DataDeclaration extends Declaration {
  /** Bytes. */
  readonly size: number;
  readonly alignment: number;
  /** Initial words, each a number or a symbol's name; undefined means zeroed (.bss). */
  readonly words: readonly (number | string)[] | undefined;
  /** Initial bytes, for strings. */
  readonly bytes?: Uint8Array;
  readonly section: ".data" | ".bss" | ".rodata" | ".data.init_task";
  readonly type: Type | undefined;
  /** Whether every CPU has one: `size` is that of each, a multiple of `alignment`. */
  readonly per_cpu?: boolean;
}

/** Numbers for declarations: which is which, never in what order. */
const next = { number: 0 };

class Place {
  readonly number = next.number++;
  get address(): number {
    return ambient.addresses[this.number];
  }
}

interface FunctionPlace extends KernelFunction<number[], unknown> {
  readonly number: number;
  readonly fastcall: boolean;
  /** What parameters of a helper are when they are not given. */
  readonly defaults: readonly unknown[];
  /** undefined for what is defined elsewhere. */
  readonly code: CompiledCode | undefined;
}

function function_place(
  symbol: string,
  returns: ScalarType | undefined,
  fastcall: boolean,
  code: CompiledCode | undefined,
  defaults: readonly unknown[] = [],
): FunctionPlace {
  const place = (...args: number[]) => call_of(place as unknown as FunctionPlace, args);
  const number = next.number++;
  Object.defineProperty(place, "address", { get: () => ambient.addresses[number] });
  return Object.assign(place, { symbol, returns, fastcall, code, defaults, number }) as unknown as FunctionPlace;
}

/** What a call is outside of hosted code: something for a driver to do. */
function* call_of(
  { address, fastcall, returns, code, defaults }: FunctionPlace,
  args: readonly unknown[],
): Steps<unknown> {
  const kinds = code?.table.parameters ?? args.map(() => ["", "u32"]);
  const given = kinds.map((_, i) => args[i] ?? defaults[i]);
  const words = kinds.flatMap(([, kind], i) => words_of(given[i], kind));
  const result = yield new GuestCall(
    address,
    words,
    fastcall,
    returns === undefined && code?.table.returns === "number",
  );
  if (returns !== undefined) return returns.from_register(result);
  switch (code?.table.returns ?? "") {
    case "":
      return undefined;
    case "boolean":
      return result !== 0;
    case "i32":
      return result | 0;
    case "number":
      return result;
    default:
      return result >>> 0;
  }
}

function words_of(value: unknown, kind: string): number[] {
  if (typeof value === "object" && value !== null) return [(value as { readonly address: number }).address];
  const number = Number(value ?? 0);
  return kind === "number" ? [number | 0, Math.floor(number / 0x1_0000_0000)] : [number];
}

class TablePlace extends Place {
  constructor(readonly symbol: string) {
    super();
  }
}

class VariablePlace<T extends Type> extends Place implements KernelVariable<T> {
  constructor(
    readonly symbol: string,
    readonly type: T,
  ) {
    super();
  }
  get value(): Value<T> {
    return read_value(this.type, this.address);
  }
  set value(value: Value<T>) {
    write_value(this.type, this.address, value as number | string);
  }
}

class PerCpuTablePlace extends Place implements PerCpuData {
  constructor(
    readonly symbol: string,
    protected readonly stride: number,
  ) {
    super();
  }
  override get address(): number {
    return this.address_of(this_cpu());
  }
  address_of(cpu: number): number {
    return ambient.addresses[this.number] + cpu * this.stride;
  }
}

class PerCpuPlace<T extends Type> extends PerCpuTablePlace implements PerCpuVariable<T> {
  constructor(
    symbol: string,
    readonly type: T,
    stride: number,
  ) {
    super(symbol, stride);
  }
  get value(): Value<T> {
    return read_value(this.type, this.address);
  }
  set value(value: Value<T>) {
    write_value(this.type, this.address, value as number | string);
  }
  of(cpu: number): Value<T> {
    return read_value(this.type, this.address_of(cpu));
  }
}

export class KernelModule {
  readonly functions: FunctionDeclaration[] = [];
  readonly data: DataDeclaration[] = [];
  readonly structs: StructType[] = [];
  /** Functions that other objects define. */
  readonly externs: Extern[] = [];
  readonly #names = new Set<string>();
  readonly #exported: ReadonlySet<string>;
  #exporting = false;
  private set_up: () => void = () => {};
  readonly #strings = new Map<string, KernelData>();

  /**
   * @param file its source, such as kernel/kernel/sched.ts: the name of the object
   * @param exported names that other objects may refer to
   */
  constructor(
    readonly file: string,
    exported: readonly string[],
  ) {
    this.#exported = new Set(exported);
  }

  /** This module with other contents of its variables. */
  with_data(data: readonly DataDeclaration[]): KernelModule {
    return Object.assign(Object.create(this) as KernelModule, { data });
  }

  /** @param set sets what the module's steps know once all modules are loaded, such as offsets of fields */
  before_steps(set: () => void): void {
    this.set_up = set;
  }

  /** Before any step of the module is executed; does nothing the second time. */
  prepare(): void {
    this.set_up();
    this.set_up = () => {};
  }

  /** Makes the next declaration's symbol one that other objects see. */
  exporting(): this {
    this.#exporting = true;
    return this;
  }

  #claim(name: string): boolean {
    if (this.#names.has(name)) throw new Error(`${this.file}: ${name} is declared twice`);
    this.#names.add(name);
    const is_global = this.#exporting || this.#exported.has(name);
    this.#exporting = false;
    return is_global;
  }

  kernel_function(
    name: string,
    parameters: readonly Parameter[],
    returns: ScalarType | undefined,
    code: CompiledCode,
    options: FunctionOptions = {},
  ): KernelFunction<never[], unknown> {
    const place = function_place(name, returns, options.fastcall ?? false, code);
    const { number, fastcall } = place;
    code.name = name;
    code.declared = { parameters, fastcall };
    this.functions.push({ number, name, is_global: this.#claim(name), parameters, returns, fastcall, code });
    return place as unknown as KernelFunction<never[], unknown>;
  }

  /** A `function*` of the module that steps. */
  helper(name: string, code: CompiledCode, defaults: readonly unknown[]): KernelFunction<never[], unknown> {
    const place = function_place(name, undefined, false, code, defaults);
    code.name = name;
    const is_global = this.#claim(name);
    this.functions.push({
      number: place.number,
      name,
      is_global,
      parameters: undefined,
      returns: undefined,
      fastcall: false,
      code,
    });
    return place as unknown as KernelFunction<never[], unknown>;
  }

  asm_function(
    name: string,
    _parameters: readonly ScalarType[],
    returns: ScalarType | undefined,
    options: FunctionOptions = {},
  ): KernelFunction<never[], unknown> {
    const place = function_place(name, returns, options.fastcall ?? false, undefined);
    this.externs.push({ number: place.number, name, is_global: true });
    return place as unknown as KernelFunction<never[], unknown>;
  }

  smp_function(name: string, parameters: readonly ScalarType[]): KernelFunction<never[], unknown> {
    return this.config_function(name, parameters, "CONFIG_SMP");
  }

  /** Its calls say themselves that a kernel may leave them out (FunctionTable.optional_calls). */
  config_function(
    name: string,
    _parameters: readonly ScalarType[],
    configured_by: string,
  ): KernelFunction<never[], unknown> {
    const place = function_place(name, undefined, false, undefined);
    this.externs.push({ number: place.number, name, is_global: true, configured_by });
    return place as unknown as KernelFunction<never[], unknown>;
  }

  kernel_variable<T extends Type>(
    name: string,
    type: T,
    initial?: number,
    options: VariableOptions = {},
  ): KernelVariable<T> {
    if (initial !== undefined && (type.kind !== "scalar" || type.size !== 4))
      throw new Error(`${this.file}: ${name}: only 32-bit scalars take an initial value`);
    const words = initial === undefined ? undefined : [initial];
    const place = new VariablePlace(name, type);
    this.data.push({
      number: place.number,
      name,
      is_global: this.#claim(name),
      size: type.size,
      alignment: options.alignment ?? Math.max(4, type.alignment),
      words,
      section: options.section ?? (words ? ".data" : ".bss"),
      type,
    });
    return place;
  }

  kernel_table(
    name: string,
    words: readonly (number | string)[],
    type?: Type,
  ): KernelData & { readonly symbol: string } {
    const place = new TablePlace(name);
    this.data.push({
      number: place.number,
      name,
      is_global: this.#claim(name),
      size: words.length * 4,
      alignment: 4,
      words,
      section: ".data",
      type,
    });
    return place;
  }

  per_cpu<T extends Type>(name: string, type: T, options: VariableOptions = {}): PerCpuVariable<T> {
    const alignment = options.alignment ?? Math.max(4, type.alignment);
    const size = (type.size + alignment - 1) & -alignment;
    const place = new PerCpuPlace(name, type, size);
    this.data.push({
      number: place.number,
      name,
      is_global: this.#claim(name),
      size,
      alignment,
      words: undefined,
      section: options.section ?? ".bss",
      type,
      per_cpu: true,
    });
    return place;
  }

  per_cpu_table(name: string, words: readonly (number | string)[]): PerCpuData {
    const size = words.length * 4;
    const place = new PerCpuTablePlace(name, size);
    const is_global = this.#claim(name);
    const section = ".data";
    this.data.push({
      number: place.number,
      name,
      is_global,
      size,
      alignment: 4,
      words,
      section,
      type: undefined,
      per_cpu: true,
    });
    return place;
  }

  /** Equal texts of a module share one. */
  cstring(text: string): KernelData {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const place = new Place();
    const bytes = Uint8Array.from([...text, "\0"], (c) => c.charCodeAt(0));
    this.#strings.set(text, place);
    this.data.push({
      number: place.number,
      name: `.LC${this.#strings.size - 1}`,
      is_global: false,
      size: bytes.length,
      alignment: 1,
      words: undefined,
      bytes,
      section: ".rodata",
      type: undefined,
    });
    return place;
  }

  struct<F extends Fields>(name: string, fields: F): StructType<F> {
    const type = make_struct(name, fields);
    this.structs.push(type as unknown as StructType);
    return type;
  }
}

/** The object of a module: of `import * as sched from "./sched.ts"`. @throws TypeError for a module that was not compiled */
export function object_of(module: object): KernelModule {
  const object = (module as { readonly $object?: unknown }).$object;
  if (object instanceof KernelModule) return object;
  throw new TypeError("this module declares nothing for a kernel, or was not compiled (see esp0/vite)");
}
