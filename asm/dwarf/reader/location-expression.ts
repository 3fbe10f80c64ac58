/** DWARF expressions: where a value is, or what it is (dwarf-5, 2.5 and 2.6). Arithmetic is of 32 bits. */
import { ElfError } from "../../elf-format.ts";
import { ByteReader } from "../byte-reader.ts";
import { DW_OP_addr, DW_OP_call_frame_cfa, DW_OP_fbreg } from "../dwarf-format.ts";
import { block, leb64, u64 } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";

/** Where a value is. */
export type Place =
  | { readonly kind: "memory"; readonly address: number }
  /** In a register, by its DWARF number. */
  | { readonly kind: "register"; readonly register: number }
  /** Nowhere: the expression has computed it, 32 bits. */
  | { readonly kind: "value"; readonly value: number }
  /** Nowhere: these are its bytes. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** In parts; `size` in bytes. */
  | { readonly kind: "pieces"; readonly pieces: readonly { readonly size: number; readonly place: Place }[] }
  /** It is in none that is known here: optimized out. */
  | { readonly kind: "nowhere" };

export const NOWHERE: Place = { kind: "nowhere" };

/** What an expression is evaluated in: a frame. */
export interface ExpressionContext {
  /** The value of a register by its DWARF number; undefined when it has not been saved. */
  readonly register: (number: number) => number | undefined;
  /** Bytes at a linear address. It may throw, which ends the evaluation. */
  readonly read: (linear: number, length: number) => Uint8Array;
  readonly frameBase: () => number | undefined;
  /** The canonical frame address: ESP before the call. */
  readonly cfa: () => number | undefined;
  /** An entry of `.debug_addr`. */
  readonly indexedAddress?: (index: number) => number;
}

/** Operations of one evaluation: there are branches. */
const MOST_OPERATIONS = 10_000;
const MOST_STACK = 1000;

/** Ends an evaluation whose result cannot be known. */
const UNKNOWN = Symbol("unknown");

class Machine {
  readonly stack: number[] = [];
  readonly pieces: { size: number; place: Place }[] = [];
  /** The place that an operation has named, for what comes behind it. */
  named: Place | undefined;

  constructor(
    readonly bytes: Uint8Array,
    readonly context: ExpressionContext,
  ) {}

  pop(): number {
    const value = this.stack.pop();
    if (value === undefined) throw new ElfError("a DWARF expression takes more values than it has");
    return value;
  }

  push(value: number): void {
    if (this.stack.length === MOST_STACK) throw new ElfError("a DWARF expression with too many values");
    this.stack.push(value >>> 0);
  }

  pick(index: number): number {
    const value = this.stack.at(-1 - index);
    if (value === undefined) throw new ElfError("a DWARF expression takes more values than it has");
    return value;
  }

  register(number: number): number {
    return this.known(this.context.register(number));
  }

  known(value: number | undefined): number {
    if (value === undefined) throw UNKNOWN;
    return value;
  }

  read(address: number, size: number): number {
    const bytes = this.context.read(address >>> 0, size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[i];
    return value;
  }

  /** What stands on top, as a place. */
  top(): Place {
    if (this.named !== undefined) return this.named;
    return this.stack.length === 0 ? NOWHERE : { kind: "memory", address: this.pop() };
  }
}

/**
 * Evaluates an expression that says where something is.
 * @param initial what lies on the stack to begin with
 * @throws ElfError for one that breaks the format's rules; what `read` throws
 */
export function evaluateLocation(bytes: Uint8Array, context: ExpressionContext, initial?: number): Place {
  const machine = new Machine(bytes, context);
  if (initial !== undefined) machine.push(initial);
  try {
    run(machine);
  } catch (error) {
    if (error === UNKNOWN) return NOWHERE;
    throw error;
  }
  if (machine.pieces.length === 0) return machine.top();
  return { kind: "pieces", pieces: machine.pieces };
}

/** Evaluates an expression that comes to a number; undefined when that cannot be known. @throws as above */
export function evaluateNumber(bytes: Uint8Array, context: ExpressionContext, initial?: number): number | undefined {
  const place = evaluateLocation(bytes, context, initial);
  switch (place.kind) {
    case "memory":
      return place.address;
    case "value":
      return place.value;
    case "register":
      return context.register(place.register);
    default:
      return undefined;
  }
}

function run(machine: Machine): void {
  const { bytes } = machine;
  let reader = new ByteReader(bytes, 0, bytes.length, "a DWARF expression");
  for (let done = 0; reader.left > 0; done++) {
    if (done === MOST_OPERATIONS) throw new ElfError("a DWARF expression that does not end");
    const operation = reader.u8();
    if (operation === N.DW_OP_skip || operation === N.DW_OP_bra) {
      const offset = (reader.u16() << 16) >> 16;
      const isTaken = operation === N.DW_OP_skip || machine.pop() !== 0;
      if (isTaken) {
        const target = reader.at + offset;
        if (target < 0) throw new ElfError("a DWARF expression branches out of itself");
        reader = new ByteReader(bytes, target, bytes.length, "a DWARF expression");
      }
      continue;
    }
    // Behind a place, only the size of a piece may come.
    if (machine.named !== undefined && operation !== N.DW_OP_piece && operation !== N.DW_OP_bit_piece) {
      throw new ElfError("a DWARF expression goes on behind a place");
    }
    perform(machine, operation, reader);
  }
}

function perform(machine: Machine, operation: number, reader: ByteReader): void {
  const { context } = machine;
  if (operation >= N.DW_OP_lit0 && operation <= N.DW_OP_lit31) {
    machine.push(operation - N.DW_OP_lit0);
    return;
  }
  if (operation >= N.DW_OP_reg0 && operation <= N.DW_OP_reg31) {
    machine.named = { kind: "register", register: operation - N.DW_OP_reg0 };
    return;
  }
  if (operation >= N.DW_OP_breg0 && operation <= N.DW_OP_breg31) {
    const offset = reader.sleb();
    machine.push(machine.register(operation - N.DW_OP_breg0) + offset);
    return;
  }
  switch (operation) {
    case DW_OP_addr:
    case N.DW_OP_const4u:
    case N.DW_OP_const4s:
      machine.push(reader.u32());
      return;
    case N.DW_OP_addrx:
      machine.push(machine.known(context.indexedAddress?.(reader.uleb())));
      return;
    case N.DW_OP_const1u:
      machine.push(reader.u8());
      return;
    case N.DW_OP_const1s:
      machine.push((reader.u8() << 24) >> 24);
      return;
    case N.DW_OP_const2u:
      machine.push(reader.u16());
      return;
    case N.DW_OP_const2s:
      machine.push((reader.u16() << 16) >> 16);
      return;
    case N.DW_OP_const8u:
    case N.DW_OP_const8s:
      machine.push(Number(BigInt.asUintN(32, BigInt(u64(reader)))));
      return;
    case N.DW_OP_constu:
      machine.push(Number(BigInt.asUintN(32, BigInt(leb64(reader, false)))));
      return;
    case N.DW_OP_consts:
      machine.push(Number(BigInt.asUintN(32, BigInt(leb64(reader, true)))));
      return;
    case N.DW_OP_regx:
      machine.named = { kind: "register", register: reader.uleb() };
      return;
    case N.DW_OP_bregx: {
      const register = reader.uleb();
      machine.push(machine.register(register) + reader.sleb());
      return;
    }
    case DW_OP_fbreg: {
      const offset = reader.sleb();
      machine.push(machine.known(context.frameBase()) + offset);
      return;
    }
    case DW_OP_call_frame_cfa:
      machine.push(machine.known(context.cfa()));
      return;
    case N.DW_OP_deref:
      machine.push(machine.read(machine.pop(), 4));
      return;
    case N.DW_OP_deref_size: {
      const size = reader.u8();
      if (size < 1 || size > 4) throw UNKNOWN;
      machine.push(machine.read(machine.pop(), size));
      return;
    }
    case N.DW_OP_plus_uconst:
      machine.push(machine.pop() + reader.uleb());
      return;
    case N.DW_OP_stack_value:
      machine.named = { kind: "value", value: machine.pop() };
      return;
    case N.DW_OP_implicit_value:
      machine.named = { kind: "bytes", bytes: block(reader, machine.bytes, reader.uleb()) };
      return;
    case N.DW_OP_piece: {
      const size = reader.uleb();
      machine.pieces.push({ size, place: machine.top() });
      machine.named = undefined;
      return;
    }
    case N.DW_OP_nop:
      return;
    default:
      rearrange(machine, operation, reader);
  }
}

function rearrange(machine: Machine, operation: number, reader: ByteReader): void {
  switch (operation) {
    case N.DW_OP_dup:
      machine.push(machine.pick(0));
      return;
    case N.DW_OP_drop:
      machine.pop();
      return;
    case N.DW_OP_over:
      machine.push(machine.pick(1));
      return;
    case N.DW_OP_pick:
      machine.push(machine.pick(reader.u8()));
      return;
    case N.DW_OP_swap: {
      const top = machine.pop();
      const second = machine.pop();
      machine.push(top);
      machine.push(second);
      return;
    }
    case N.DW_OP_rot: {
      const top = machine.pop();
      const second = machine.pop();
      const third = machine.pop();
      machine.push(top);
      machine.push(third);
      machine.push(second);
      return;
    }
    case N.DW_OP_abs:
      machine.push(Math.abs(machine.pop() | 0));
      return;
    case N.DW_OP_neg:
      machine.push(-(machine.pop() | 0));
      return;
    case N.DW_OP_not:
      machine.push(~machine.pop());
      return;
    default: {
      const second = machine.pop();
      const first = machine.pop();
      machine.push(calculate(operation, first, second));
      return;
    }
  }
}

/** Numbers come and go without a sign. */
function calculate(operation: number, a: number, b: number): number {
  switch (operation) {
    case N.DW_OP_and:
      return a & b;
    case N.DW_OP_or:
      return a | b;
    case N.DW_OP_xor:
      return a ^ b;
    case N.DW_OP_plus:
      return a + b;
    case N.DW_OP_minus:
      return a - b;
    case N.DW_OP_mul:
      return Math.imul(a, b);
    case N.DW_OP_div:
      if (b === 0) throw new ElfError("a DWARF expression divides by zero");
      return Math.trunc((a | 0) / (b | 0));
    case N.DW_OP_mod:
      if (b === 0) throw new ElfError("a DWARF expression divides by zero");
      return a % b;
    case N.DW_OP_shl:
      return b > 31 ? 0 : a << b;
    case N.DW_OP_shr:
      return b > 31 ? 0 : a >>> b;
    case N.DW_OP_shra:
      return (a | 0) >> Math.min(b, 31);
    case N.DW_OP_eq:
      return Number(a === b);
    case N.DW_OP_ne:
      return Number(a !== b);
    case N.DW_OP_ge:
      return Number((a | 0) >= (b | 0));
    case N.DW_OP_gt:
      return Number((a | 0) > (b | 0));
    case N.DW_OP_le:
      return Number((a | 0) <= (b | 0));
    case N.DW_OP_lt:
      return Number((a | 0) < (b | 0));
    default:
      // Values of registers at a function's entry, typed values, pieces of bits, thread-local storage.
      throw UNKNOWN;
  }
}
