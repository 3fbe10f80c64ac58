/** The rules of call frames: interprets the programs of `.debug_frame` (dwarf-5, 6.4.2). */
import { ByteReader } from "../byte-reader.ts";
import {
  DW_CFA_advance_loc,
  DW_CFA_advance_loc4,
  DW_CFA_def_cfa,
  DW_CFA_def_cfa_offset,
  DW_CFA_def_cfa_register,
  DW_CFA_offset,
  DW_CFA_restore,
} from "../dwarf-format.ts";
import { block } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";
import type { CommonEntry, FrameDescription } from "./frame-entries.ts";
import { type ExpressionContext, evaluateNumber } from "./location-expression.ts";

/** Where the canonical frame address is: ESP before the call. */
type CfaRule =
  | { readonly kind: "register"; readonly register: number; readonly offset: number }
  | { readonly kind: "expression"; readonly expression: Uint8Array };

/** What a register of the caller was. */
type RegisterRule =
  | { readonly kind: "undefined" }
  | { readonly kind: "same" }
  /** At, or itself, that many bytes from the canonical frame address. */
  | { readonly kind: "at" | "is"; readonly offset: number }
  | { readonly kind: "register"; readonly register: number }
  /** At, or itself, what an expression comes to that begins with the canonical frame address. */
  | { readonly kind: "at-expression" | "is-expression"; readonly expression: Uint8Array };

export interface FrameRules {
  readonly cfa: CfaRule | undefined;
  /** By DWARF number; a register that is not in it is as it was. */
  readonly registers: ReadonlyMap<number, RegisterRule>;
  readonly returnColumn: number;
  readonly isSignalFrame: boolean;
}

const MOST_REMEMBERED = 64;

interface State {
  cfa: CfaRule | undefined;
  registers: Map<number, RegisterRule>;
}

/** The rules for code at an address that a description covers. @throws ElfError when its program is broken */
export function runFrameProgram({ start, common, program }: FrameDescription, pc: number): FrameRules {
  const state: State = { cfa: undefined, registers: new Map() };
  run(common.program, common, state, new Map(), start, Number.POSITIVE_INFINITY);
  run(program, common, state, new Map(state.registers), start, pc);
  const { returnColumn, isSignalFrame } = common;
  return { cfa: state.cfa, registers: state.registers, returnColumn, isSignalFrame };
}

/** Runs a program up to where it speaks of code behind `pc`. */
function run(
  program: Uint8Array,
  common: CommonEntry,
  state: State,
  initial: ReadonlyMap<number, RegisterRule>,
  start: number,
  pc: number,
): void {
  const reader = new ByteReader(program, 0, program.length, "call frame information");
  const remembered: State[] = [];
  let at = start;
  const signed = (): number => reader.sleb() * common.dataAlignment;
  const unsigned = (): number => reader.uleb() * common.dataAlignment;
  const expression = (): Uint8Array => block(reader, program, reader.uleb());
  const restore = (register: number): void => {
    const rule = initial.get(register);
    if (rule === undefined) state.registers.delete(register);
    else state.registers.set(register, rule);
  };
  const cfaRegister = (): { register: number; offset: number } => {
    if (state.cfa?.kind !== "register") throw reader.error("an offset from no register");
    return state.cfa;
  };
  while (reader.left > 0) {
    const opcode = reader.u8();
    const low = opcode & 0x3f;
    const high = opcode & 0xc0;
    if (high === DW_CFA_advance_loc) at += low * common.codeAlignment;
    else if (high === DW_CFA_offset) state.registers.set(low, { kind: "at", offset: unsigned() });
    else if (high === DW_CFA_restore) restore(low);
    else {
      switch (opcode) {
        case 0:
          break;
        case N.DW_CFA_set_loc:
          at = reader.u32();
          break;
        case N.DW_CFA_advance_loc1:
          at += reader.u8() * common.codeAlignment;
          break;
        case N.DW_CFA_advance_loc2:
          at += reader.u16() * common.codeAlignment;
          break;
        case DW_CFA_advance_loc4:
          at += reader.u32() * common.codeAlignment;
          break;
        case N.DW_CFA_offset_extended:
          state.registers.set(reader.uleb(), { kind: "at", offset: unsigned() });
          break;
        case N.DW_CFA_offset_extended_sf:
          state.registers.set(reader.uleb(), { kind: "at", offset: signed() });
          break;
        case N.DW_CFA_GNU_negative_offset_extended:
          state.registers.set(reader.uleb(), { kind: "at", offset: -unsigned() });
          break;
        case N.DW_CFA_val_offset:
          state.registers.set(reader.uleb(), { kind: "is", offset: unsigned() });
          break;
        case N.DW_CFA_val_offset_sf:
          state.registers.set(reader.uleb(), { kind: "is", offset: signed() });
          break;
        case N.DW_CFA_restore_extended:
          restore(reader.uleb());
          break;
        case N.DW_CFA_undefined:
          state.registers.set(reader.uleb(), { kind: "undefined" });
          break;
        case N.DW_CFA_same_value:
          state.registers.set(reader.uleb(), { kind: "same" });
          break;
        case N.DW_CFA_register:
          state.registers.set(reader.uleb(), { kind: "register", register: reader.uleb() });
          break;
        case N.DW_CFA_remember_state:
          if (remembered.length === MOST_REMEMBERED) throw reader.error("too many states remembered");
          remembered.push({ cfa: state.cfa, registers: new Map(state.registers) });
          break;
        case N.DW_CFA_restore_state: {
          const before = remembered.pop();
          if (before === undefined) throw reader.error("no state to restore");
          state.cfa = before.cfa;
          state.registers = before.registers;
          break;
        }
        case DW_CFA_def_cfa:
          state.cfa = { kind: "register", register: reader.uleb(), offset: reader.uleb() };
          break;
        case N.DW_CFA_def_cfa_sf:
          state.cfa = { kind: "register", register: reader.uleb(), offset: signed() };
          break;
        case DW_CFA_def_cfa_register:
          state.cfa = { kind: "register", register: reader.uleb(), offset: cfaRegister().offset };
          break;
        case DW_CFA_def_cfa_offset:
          state.cfa = { kind: "register", register: cfaRegister().register, offset: reader.uleb() };
          break;
        case N.DW_CFA_def_cfa_offset_sf:
          state.cfa = { kind: "register", register: cfaRegister().register, offset: signed() };
          break;
        case N.DW_CFA_def_cfa_expression:
          state.cfa = { kind: "expression", expression: expression() };
          break;
        case N.DW_CFA_expression:
          state.registers.set(reader.uleb(), { kind: "at-expression", expression: expression() });
          break;
        case N.DW_CFA_val_expression:
          state.registers.set(reader.uleb(), { kind: "is-expression", expression: expression() });
          break;
        case N.DW_CFA_GNU_args_size:
          reader.uleb();
          break;
        default:
          throw reader.error(`the unknown instruction 0x${opcode.toString(16)}`);
      }
    }
    if (at > pc) return;
  }
}

/** The registers of a frame by their DWARF number, 0 to 7 the general ones, 8 EIP; undefined where not saved. */
export type FrameRegisters = readonly (number | undefined)[];

/** Where a frame's caller is. */
export interface CallerRegisters {
  /** ESP before the call. */
  readonly cfa: number;
  /** Of the caller; EIP undefined when it has none: this is the outermost frame. */
  readonly registers: FrameRegisters;
  /** Where each register that the frame has saved lies, by its number. */
  readonly saved: ReadonlyMap<number, number>;
}

const ESP = 4;
const EIP = 8;

/** ESP before the call that made the frame; undefined when it cannot be known. @throws what `read` throws */
export function frameAddress(
  rules: FrameRules,
  registers: FrameRegisters,
  read: ExpressionContext["read"],
): number | undefined {
  const { cfa } = rules;
  if (cfa === undefined) return undefined;
  if (cfa.kind === "expression") return evaluateNumber(cfa.expression, contextOf(registers, read));
  const base = registers[cfa.register];
  return base === undefined ? undefined : (base + cfa.offset) >>> 0;
}

/** The registers of the caller; undefined when the frame's address cannot be known. @throws what `read` throws */
export function callerRegisters(
  rules: FrameRules,
  registers: FrameRegisters,
  read: ExpressionContext["read"],
): CallerRegisters | undefined {
  const cfa = frameAddress(rules, registers, read);
  if (cfa === undefined) return undefined;
  const saved = new Map<number, number>();
  const word = (number: number, address: number): number => {
    saved.set(number, address >>> 0);
    const bytes = read(address >>> 0, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  };
  const context = contextOf(registers, read);
  const callerValue = (number: number, otherwise: number | undefined): number | undefined => {
    const rule = rules.registers.get(number);
    switch (rule?.kind) {
      case undefined:
        return otherwise;
      case "same":
        return registers[number];
      case "undefined":
        return undefined;
      case "at":
        return word(number, cfa + rule.offset);
      case "is":
        return (cfa + rule.offset) >>> 0;
      case "register":
        return registers[rule.register];
      case "at-expression": {
        const address = evaluateNumber(rule.expression, context, cfa);
        return address === undefined ? undefined : word(number, address);
      }
      case "is-expression":
        return evaluateNumber(rule.expression, context, cfa);
    }
  };
  const caller: (number | undefined)[] = [];
  for (let number = 0; number < EIP; number++)
    caller.push(callerValue(number, number === ESP ? cfa : registers[number]));
  caller.push(callerValue(rules.returnColumn, undefined));
  return { cfa, registers: caller, saved };
}

function contextOf(registers: FrameRegisters, read: ExpressionContext["read"]): ExpressionContext {
  return { register: (number) => registers[number], read, frameBase: () => undefined, cfa: () => undefined };
}
