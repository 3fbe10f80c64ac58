/** Compiled string instructions with 32-bit addresses: one element, or a piece of a repeated one as `../string.ts` defines it. */
import type { Handler, Op } from "../op.ts";
import { REPEAT_EQUAL } from "../op.ts";
import { CONTROL_FLAGS, DS, EAX, ECX, EDI, ES, ESI, FLAG_DF, SS } from "../state-layout.ts";
import * as string from "../string.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { type Emit, pushBase, type Size } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import { recordSub } from "./flag-code.ts";
import type { Label } from "./wasm.ts";
import * as wasm from "./wasm.ts";

type Operation = "movs" | "stos" | "lods" | "scas" | "cmps";

interface Form {
  readonly operation: Operation;
  readonly size: Size;
}

function forms(operation: Operation, handlers: readonly Handler[]): (readonly [Handler, Form])[] {
  const sizes = [8, 16, 32] as const;
  return handlers.map((handler, i) => [handler, { operation, size: sizes[i] }]);
}

const FORMS: ReadonlyMap<Handler, Form> = new Map([
  ...forms("movs", [string.movs8, string.movs16, string.movs32]),
  ...forms("stos", [string.stos8, string.stos16, string.stos32]),
  ...forms("lods", [string.lods8, string.lods16, string.lods32]),
  ...forms("scas", [string.scas8, string.scas16, string.scas32]),
  ...forms("cmps", [string.cmps8, string.cmps16, string.cmps32]),
]);

export function isString(op: Op): boolean {
  return FORMS.has(op.execute);
}

/** Whether only the interpreter can run a string instruction. */
export function hasOtherOperands({ addressSize, seg }: Op): boolean {
  return addressSize === 16 || (seg !== DS && seg !== SS && seg !== ES);
}

function readsSource({ operation }: Form): boolean {
  return operation === "movs" || operation === "lods" || operation === "cmps";
}

function usesDestination({ operation }: Form): boolean {
  return operation !== "lods";
}

function writes({ operation }: Form): boolean {
  return operation === "movs" || operation === "stos";
}

/** Pushes FLAG_DF. */
function pushDirection(e: Emit): void {
  pushBase(e.code, e.target);
  e.code.memory(wasm.I32_LOAD, e.target.state + 4 * CONTROL_FLAGS);
  e.with(wasm.I32_AND, FLAG_DF);
}

/** Adds the local `distance` to a register. */
function advance(e: Emit, register: number, distance: number): void {
  e.getRegister(register);
  e.code.get(distance);
  e.code.op(wasm.I32_ADD);
  e.setRegister(register);
}

function compare(e: Emit, size: Size, a: number, b: number): void {
  const { code } = e;
  const difference = e.temporary();
  code.get(a);
  code.get(b);
  code.op(wasm.I32_SUB);
  code.set(difference);
  recordSub(e, size, difference, a, b);
}

// ---- One element -----------------------------------------------------------------------------------------------------

const single =
  (form: Form): Emitter =>
  (e) => {
    const { code } = e;
    const { operation, size } = form;
    const bytes = size >> 3;
    const source = readsSource(form) ? e.reach(e.register(ESI), size, false) : -1;
    const destination = usesDestination(form) ? e.reach(e.register(EDI), size, writes(form)) : -1;
    // The element's size, less twice that when DF, which is bit 10, is set.
    const step = e.temporary();
    code.constant(bytes);
    pushDirection(e);
    e.with(wasm.I32_SHR_U, 9 - Math.log2(bytes));
    code.op(wasm.I32_SUB);
    code.set(step);
    if (operation === "movs") e.store(destination, size, () => e.load(source, size));
    else if (operation === "stos") e.store(destination, size, () => e.getRegister(EAX));
    else if (operation === "lods") e.put(size, EAX, fromMemory(e, size, source));
    else {
      const a = operation === "scas" ? fromRegister(e, size, EAX) : fromMemory(e, size, source);
      compare(e, size, a, fromMemory(e, size, destination));
    }
    if (readsSource(form)) advance(e, ESI, step);
    if (usesDestination(form)) advance(e, EDI, step);
  };

export const STRINGS: Emitters = [...FORMS].map(([handler, form]) => [handler, single(form)] as const);

// ---- Pieces ----------------------------------------------------------------------------------------------------------

/** Whether pieces of a repeated instruction are emitted at all. */
export function hasPieces(op: Op): boolean {
  return !hasOtherOperands(op) && FORMS.get(op.execute)!.operation !== "lods";
}

/**
 * Emits the next piece of a repeated instruction, upwards and in plain memory; goes to `otherwise`, with nothing changed,
 * where that is not so, or where no whole element is left in the page.
 * @returns what pushes a number that is not 0 when elements are left
 */
export function emitPiece(e: Emit, op: Op, otherwise: Label): () => void {
  const { code } = e;
  const form = FORMS.get(op.execute)!;
  const { operation, size } = form;
  const shift = Math.log2(size >> 3);
  const pointers = [...(readsSource(form) ? [ESI] : []), ...(usesDestination(form) ? [EDI] : [])];
  pushDirection(e);
  code.brIf(otherwise);
  const count = fromRegister(e, 32, ECX);
  const fitting = e.temporary();
  for (const pointer of pointers) {
    code.constant(0x1000);
    e.getRegister(pointer);
    e.with(wasm.I32_AND, 0xfff);
    code.op(wasm.I32_SUB);
    e.with(wasm.I32_SHR_U, shift);
    code.tee(fitting);
    code.get(count);
    code.get(fitting);
    code.get(count);
    code.op(wasm.I32_LT_U);
    code.op(wasm.SELECT);
    code.set(count);
  }
  code.get(count);
  code.op(wasm.I32_EQZ);
  code.brIf(otherwise);
  const source = readsSource(form) ? e.reachOr(e.register(ESI), false, otherwise) : -1;
  const destination = usesDestination(form) ? e.reachOr(e.register(EDI), writes(form), otherwise) : -1;
  const bytes = e.temporary();
  const setBytes = () => {
    code.get(count);
    e.with(wasm.I32_SHL, shift);
    code.set(bytes);
  };
  let stays: () => void = () => {};
  if (operation === "movs") {
    setBytes();
    // Where it would read what it has written: to - from - 1 < bytes - 1.
    code.get(destination);
    code.get(source);
    code.op(wasm.I32_SUB);
    e.with(wasm.I32_SUB, 1);
    code.get(bytes);
    e.with(wasm.I32_SUB, 1);
    code.op(wasm.I32_LT_U);
    code.brIf(otherwise);
    code.get(destination);
    code.get(source);
    code.get(bytes);
    code.copyMemory();
  } else if (operation === "stos") {
    setBytes();
    fill(e, size, destination, bytes);
  } else {
    stays = search(e, form, op.repeat === REPEAT_EQUAL, source, destination, count);
    setBytes();
  }
  for (const pointer of pointers) advance(e, pointer, bytes);
  e.getRegister(ECX);
  code.get(count);
  code.op(wasm.I32_SUB);
  e.setRegister(ECX);
  return () => {
    e.getRegister(ECX);
    if (operation === "movs" || operation === "stos") return;
    e.with(wasm.I32_NE, 0);
    stays();
    code.op(wasm.I32_AND);
  };
}

/** Fills memory with AL, AX or EAX. */
function fill(e: Emit, size: Size, destination: number, bytes: number): void {
  const { code } = e;
  const fillWithByte = () => {
    code.get(destination);
    e.getRegister(EAX);
    code.get(bytes);
    code.fillMemory();
  };
  if (size === 8) {
    fillWithByte();
    return;
  }
  const value = fromRegister(e, size, EAX);
  code.get(value);
  e.with(wasm.I32_AND, 0xff);
  e.with(wasm.I32_MUL, size === 16 ? 0x101 : 0x1010101);
  code.get(value);
  code.op(wasm.I32_EQ);
  code.if();
  fillWithByte();
  code.else();
  const at = e.temporary();
  const end = e.temporary();
  code.get(destination);
  code.tee(at);
  code.get(bytes);
  code.op(wasm.I32_ADD);
  code.set(end);
  const loop = code.loop();
  e.store(at, size, () => code.get(value));
  code.get(at);
  e.with(wasm.I32_ADD, size >> 3);
  code.tee(at);
  code.get(end);
  code.op(wasm.I32_LT_U);
  code.brIf(loop);
  code.end();
  code.end();
}

/**
 * Compares up to `count` elements, 1 at least, as long as they are equal or as long as they differ; leaves in `count` how
 * many it has compared.
 * @returns what pushes whether the last ones were as wanted
 */
function search(e: Emit, form: Form, wanted: boolean, source: number, destination: number, count: number): () => void {
  const { code } = e;
  const { operation, size } = form;
  const left = e.temporary();
  const a = operation === "scas" ? fromRegister(e, size, EAX) : e.temporary();
  const b = e.temporary();
  const asWanted = () => {
    code.get(a);
    code.get(b);
    code.op(wanted ? wasm.I32_EQ : wasm.I32_NE);
  };
  const load = (host: number, value: number) => {
    e.load(host, size);
    code.set(value);
    code.get(host);
    e.with(wasm.I32_ADD, size >> 3);
    code.set(host);
  };
  code.get(count);
  code.set(left);
  const loop = code.loop();
  if (operation === "cmps") load(source, a);
  load(destination, b);
  code.get(left);
  e.with(wasm.I32_SUB, 1);
  code.tee(left);
  e.with(wasm.I32_NE, 0);
  asWanted();
  code.op(wasm.I32_AND);
  code.brIf(loop);
  code.end();
  code.get(count);
  code.get(left);
  code.op(wasm.I32_SUB);
  code.set(count);
  compare(e, size, a, b);
  return asWanted;
}
