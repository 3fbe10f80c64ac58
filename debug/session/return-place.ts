/** Where the function that a core executes returns to. */
import { type Core, CS, EBP, type Machine, SS } from "../../emulator/index.ts";
import { type CodeReader, callsBefore, linearEip, linearEsp, readerOf } from "./instruction.ts";
import { returnSlots, type Standing } from "./return-slots.ts";
import type { SymbolTable } from "./symbol-table.ts";

const USER = 3;
/** Bytes that the CPU and entry code put below an interrupt's EIP: an error code, a vector, an address. */
const MOST_ENTRY_BYTES = 12;
/** EFLAGS bits that never change (Intel SDM 1, 3.4.3), of which bit 1 is set. */
const EFLAGS_FIXED = 0xffc0802a;

/** Where the current function returns to. */
export interface ReturnPlace {
  /** Linear address of the instruction. */
  readonly linear: number;
  /** Linear address on the stack where that is written. */
  readonly slot: number;
  /** Of a handler of interrupts, exceptions or system calls: the privilege it returns to with IRET. */
  readonly cpl?: number;
}

/**
 * Finds where the function that a core executes returns to: with a frame pointer through EBP, before and after it is
 * set up, and without one by following ESP from the function's first instruction.
 * @throws Error when nothing that may be the return address on the stack is an address of code
 */
export function returnPlace(machine: Machine, core: Core, symbols: SymbolTable): ReturnPlace {
  const read = readerOf(machine, core);
  const places: ReturnPlace[] = [];
  const standing = {
    pc: linearEip(core),
    esp: linearEsp(core),
    ebp: (core.segBase(SS) + core.r[EBP]) >>> 0,
    is32: core.codeSize32,
  };
  for (const { slot } of returnSlots(read, standing, symbols.startsBefore(standing.pc))) {
    const bytes = read(slot, 4);
    if (bytes.length < 4) continue;
    const linear = (new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) + core.segBase(CS)) >>> 0;
    places.push({ linear, slot });
  }
  // `switch_to` pushes a label and jumps, so that the place need not be behind a call where a symbol vouches for it.
  const certain = places.find(({ slot }) => slot === certainSlot(read, standing, symbols));
  const found =
    (certain !== undefined && symbols.symbolize(certain.linear) !== undefined ? certain : undefined) ??
    places.find(({ linear }) => callsBefore(machine, core, linear, false).length > 0) ??
    interruptFrame(read, places) ??
    places.find(({ linear }) => symbols.symbolize(linear) !== undefined);
  if (found !== undefined) return found;
  const looked = places.map(({ slot }) => `0x${slot.toString(16)}`).join(", ");
  throw new Error(
    `it cannot be told where ${symbols.format(linearEip(core))} returns to: no return address on the stack at ${looked}`,
  );
}

/**
 * The first of the places that is what an interrupt pushes: EIP, CS, EFLAGS. In front of it there may be an error code,
 * and what entry code puts there for its own use.
 */
function interruptFrame(read: CodeReader, places: readonly ReturnPlace[]): ReturnPlace | undefined {
  for (const { slot: first } of places) {
    for (let slot = first; slot <= first + MOST_ENTRY_BYTES; slot += 4) {
      const bytes = read(slot, 12);
      if (bytes.length < 12) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const cs = view.getUint32(4, true);
      const isFrame = cs > USER && cs < 0x10000 && (cs & 4) === 0 && (view.getUint32(8, true) & EFLAGS_FIXED) === 2;
      if (isFrame) return { linear: view.getUint32(0, true), slot, cpl: cs & USER };
    }
  }
  return undefined;
}

/** Where the return address is in a function whose extent is known, at its first instruction or with a frame pointer. */
function certainSlot(read: CodeReader, at: Standing, symbols: SymbolTable): number | undefined {
  const place = symbols.symbolize(at.pc);
  if (place === undefined || place.size === 0) return undefined;
  const [likeliest] = returnSlots(read, at, [at.pc - place.offset]);
  return place.offset === 0 || likeliest?.savedEbp !== undefined ? likeliest?.slot : undefined;
}
