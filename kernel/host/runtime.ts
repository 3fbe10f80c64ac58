/** What compiled steps call: calls on the guest stack, and values that take more than a word. */
import { type Core, EAX, ECX, EDX, ESP } from "../../emulator/index.ts";
import { CompiledCode } from "./compiled-code.ts";
import { ambient } from "./context.ts";
import { type HostedMemory, StepError } from "./hosted-memory.ts";
import { KernelModule } from "./kernel-module.ts";
import type { PlainContext } from "./needed-context.ts";
import { read_value, type StructType, type Type, write_value } from "./types.ts";

const FASTCALL_REGISTERS = [EAX, EDX, ECX];
const WORD = 0x1_0000_0000;

export function module(file: string, exported: readonly string[]): KernelModule {
  return new KernelModule(file, exported);
}

export function code(...parts: ConstructorParameters<typeof CompiledCode>): CompiledCode {
  return new CompiledCode(...parts);
}

// ---- Calls. The return address is EIP: the next step. ESP changes last, so that a push that faults has no effect. ----

export function call0(core: Core, memory: HostedMemory, _fastcall: boolean, address: number): void {
  const esp = core.r[ESP] - 4;
  memory.put(esp, core.eip);
  core.r[ESP] = esp;
  core.eip = address | 0;
}

export function call1(core: Core, memory: HostedMemory, fastcall: boolean, address: number, a: number): void {
  if (fastcall) {
    call0(core, memory, fastcall, address);
    core.r[EAX] = a | 0;
    return;
  }
  const esp = core.r[ESP] - 8;
  memory.put(esp + 4, a);
  memory.put(esp, core.eip);
  core.r[ESP] = esp;
  core.eip = address | 0;
}

export function call2(
  core: Core,
  memory: HostedMemory,
  fastcall: boolean,
  address: number,
  a: number,
  b: number,
): void {
  if (fastcall) {
    call0(core, memory, fastcall, address);
    core.r[EAX] = a | 0;
    core.r[EDX] = b | 0;
    return;
  }
  const esp = core.r[ESP] - 12;
  memory.put(esp + 8, b);
  memory.put(esp + 4, a);
  memory.put(esp, core.eip);
  core.r[ESP] = esp;
  core.eip = address | 0;
}

export function call3(
  core: Core,
  memory: HostedMemory,
  fastcall: boolean,
  address: number,
  a: number,
  b: number,
  c: number,
): void {
  if (fastcall) {
    call0(core, memory, fastcall, address);
    core.r[EAX] = a | 0;
    core.r[EDX] = b | 0;
    core.r[ECX] = c | 0;
    return;
  }
  const esp = core.r[ESP] - 16;
  memory.put(esp + 12, c);
  memory.put(esp + 8, b);
  memory.put(esp + 4, a);
  memory.put(esp, core.eip);
  core.r[ESP] = esp;
  core.eip = address | 0;
}

export function call_with(
  core: Core,
  memory: HostedMemory,
  fastcall: boolean,
  address: number,
  ...args: number[]
): void {
  const in_registers = fastcall ? Math.min(args.length, FASTCALL_REGISTERS.length) : 0;
  let at = core.r[ESP];
  for (let i = args.length - 1; i >= in_registers; i--) memory.put((at -= 4), args[i]);
  memory.put((at -= 4), core.eip);
  for (let i = 0; i < in_registers; i++) core.r[FASTCALL_REGISTERS[i]] = args[i] | 0;
  core.r[ESP] = at;
  core.eip = address | 0;
}

/** Behind a call: drops the arguments. @throws Error when the callee left ESP where it cannot have been */
export function returned(core: Core, expected: number, argument_bytes: number): void {
  const esp = core.r[ESP];
  if (esp !== expected && (esp > (expected | 0) || esp < ((expected - argument_bytes) | 0)))
    came_back(esp, expected - argument_bytes);
  core.r[ESP] = expected;
}

function came_back(esp: number, expected: number): never {
  throw new Error(`a function it called came back with ESP ${hex(esp)} instead of ${hex(expected)}`);
}

// ---- Plain functions ----

/** At the beginning of a plain function with a `@context`. @throws Error for a call in another, in a kernel that checks that */
export function entered(needed: PlainContext, values: readonly unknown[]): void {
  if (ambient.core !== undefined) ambient.host.entered?.(ambient.core, needed, values);
}

// ---- Loops of plain functions ----

/** Counts a turn. @throws StepError when they are too many for one step */
export function turn(): void {
  ambient.memory.turn();
}

/** A list, text, map or set that a method goes through: what that takes counts as turns do. @throws StepError */
export function walked<T extends { readonly length?: number; readonly size?: number } | undefined>(whole: T): T {
  ambient.memory.walk(whole?.length ?? whole?.size ?? 0);
  return whole;
}

/** Characters of a text that a plain function may put together. */
const LONGEST_TEXT = 0x1_0000;

/** A text that was put together. @throws StepError for one that is too long */
export function text(made: string): string {
  if (made.length > LONGEST_TEXT) too_long();
  return made;
}

function too_long(): never {
  throw new StepError(
    `a plain function has made a text of more than ${LONGEST_TEXT.toLocaleString("en-US")} characters; keep it in guest memory`,
  );
}

// ---- Values in the frame ----

/** A variable in the frame with an address. */
export function local(type: Type, linear: number): unknown {
  if (type.kind === "struct") return type.at(linear);
  return new Local(type, linear >>> 0);
}

class Local {
  constructor(
    readonly type: Type,
    readonly address: number,
  ) {}
  get value(): number | string {
    return read_value(this.type, this.address) as number | string;
  }
  set value(value: number | string) {
    write_value(this.type, this.address, value);
  }
}

/** A view kept as its address, 0 for undefined. */
export function nullable(type: StructType, linear: number): unknown {
  return linear === 0 ? undefined : type.at(linear);
}

/** The address to keep for a view, or for undefined. */
export function address(view: { readonly address: number } | undefined): number {
  return view === undefined ? 0 : view.address;
}

/** An integer of up to 53 bits, kept in two words. */
export function wide(low: number, high: number): number {
  return high * WORD + (low >>> 0);
}

export function low(value: number): number {
  return value | 0;
}

/** @throws RangeError for what is no integer */
export function high(value: number): number {
  if (!Number.isSafeInteger(value))
    throw new RangeError(`${value} is no integer that a variable of hosted code can hold`);
  return Math.floor(value / WORD);
}

export function store_wide(memory: HostedMemory, linear: number, value: number): void {
  if ((value | 0) === value) {
    memory.put(linear, value);
    memory.put(linear + 4, value >> 31);
    return;
  }
  const upper = high(value);
  memory.put(linear, value | 0);
  memory.put(linear + 4, upper);
}

/** @throws RangeError for what does not fit: an inferred type is never wrong silently */
export function store_i32(memory: HostedMemory, linear: number, value: number): void {
  if ((value | 0) !== value) misfit(value, "i32");
  memory.put(linear, value);
}

/** @throws RangeError for what does not fit */
export function store_u32(memory: HostedMemory, linear: number, value: number): void {
  if (value >>> 0 !== value) misfit(value, "u32");
  memory.put(linear, value);
}

function misfit(value: number, type: string): never {
  throw new RangeError(
    `${value} does not fit an ${type}, which its place in the frame is for what it is made of; ` +
      "`let x: number = ...` holds larger ones, `let x: u32 = ...` cuts; a part of an expression takes a variable of its own",
  );
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}
