/** The records of test/golden/x87/record.c, and how the emulator runs one. */
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import {
  FPU_CONTROL,
  FPU_EXPONENT,
  FPU_HIGH,
  FPU_LOW,
  FPU_OCCUPIED,
  FPU_STATUS,
} from "../../../../emulator/cpu/state-layout.ts";
import { tagWord } from "../../../../emulator/cpu/x87/environment.ts";
import { Guest } from "../guest.ts";

/** Where the instruction's memory operand is. */
const DATA = 0x20000;
/** Offsets of the fields of a record; `Record` in record.c. */
const CONTROL = 2;
const STATUS = 4;
const OCCUPIED = 6;
const BEFORE = 7;
const MEMORY = 37;
const EFLAGS = 47;
const STATUS_AFTER = 48;
const TAGS_AFTER = 50;
const AFTER = 52;
const MEMORY_AFTER = 92;
const EFLAGS_AFTER = 102;
const AX_AFTER = 104;
const CONTROL_AFTER = 106;
const SIZE = 108;

/** `AreaRecord` in record.c: prefix, opcode, ModRM, then four areas of 108 bytes. */
const AREA = 108;
const STATE_BEFORE = 3;
const STATE_AFTER = STATE_BEFORE + AREA;
const AREA_BEFORE = STATE_AFTER + AREA;
const AREA_AFTER = AREA_BEFORE + AREA;
const AREA_SIZE = AREA_AFTER + AREA;

const AX_BEFORE = 0x1234;
export const ARITHMETIC_FLAGS = 0x8d5;
/** C1 of the status word. */
const C1 = 0x200;

const REAL = 10;
const FILLER_LOW = 0x87654321 | 0;
const FILLER_HIGH = 0x87654321 | 0;
const FILLER_EXPONENT = 0x4010;

/** One record: what was recorded, as a view of its bytes. */
export type Vector = DataView;

/** All records: of single instructions, and of those that store or load whole areas. */
export function readVectors(): { instructions: Vector[]; areas: Vector[] } {
  const file = inflateSync(readFileSync(new URL("../../../golden/x87/x87.bin", import.meta.url)));
  const instructions = readTable(file, 0, SIZE);
  return { instructions, areas: readTable(file, 8 + instructions.length * SIZE, AREA_SIZE) };
}

function readTable(file: Buffer, start: number, size: number): Vector[] {
  const count = file.readUInt32LE(start);
  const actual = file.readUInt32LE(start + 4);
  if (actual !== size) throw new Error(`records of ${actual} bytes, expected ${size}`);
  const bytes = new Uint8Array(count * size);
  for (let column = 0; column < size; column++) {
    const first = start + 8 + column * count;
    for (let n = 0; n < count; n++) bytes[n * size + column] = file[first + n];
  }
  return Array.from({ length: count }, (_, n) => new DataView(bytes.buffer, n * size, size));
}

/** Opcode and ModRM byte as one number. */
export function instructionOf(vector: Vector): number {
  return vector.getUint16(0);
}

function isRegisterForm(instruction: number): boolean {
  return (instruction & 0xff) >= 0xc0;
}

/** Whether #I is unmasked. */
export function invalidUnmasked(vector: Vector): boolean {
  return (vector.getUint16(CONTROL, true) & 1) === 0;
}

export function describe(vector: Vector): string {
  const instruction = instructionOf(vector).toString(16);
  const operands = [0, 1, 2].map((i) => real(vector, BEFORE + REAL * i)).join(" ");
  const memory = Array.from({ length: 10 }, (_, i) =>
    vector
      .getUint8(MEMORY + 9 - i)
      .toString(16)
      .padStart(2, "0"),
  );
  const control = vector.getUint16(CONTROL, true).toString(16);
  const status = vector.getUint16(STATUS, true).toString(16);
  return `${instruction} cw=${control} sw=${status} occupied=${vector.getUint8(OCCUPIED).toString(2)} ${operands} m=${memory.join("")}`;
}

function real(view: DataView, offset: number): string {
  const hex = (value: number, digits: number) => (value >>> 0).toString(16).padStart(digits, "0");
  return `${hex(view.getUint16(offset + 8, true), 4)}:${hex(view.getUint32(offset + 4, true), 8)}${hex(view.getUint32(offset, true), 8)}`;
}

/** How exactly results must agree. */
export interface Tolerance {
  /** Units in the last place by which a register may differ. When that is not 0, C1 (the rounding) may differ. */
  readonly ulps: number;
  /** Bits of EFLAGS that are compared. */
  readonly flags: number;
}

/** Where the instructions of records are in memory: each in a page of its own, behind NOPs. */
const FIRST_PAGE = 0x100000;
const NOPS = 20;

/** A guest that runs instructions of records. */
export class Replay {
  readonly guest: Guest;
  readonly #pages = new Map<number, number>();

  /** @param tier whether compiled code is to run them */
  constructor(tier: "off" | "on") {
    this.guest = Guest.flat(undefined, 4 << 20, { tier, threshold: 0 });
  }

  /** Executes an instruction, after NOPs. @returns whether EIP is behind it */
  execute(instruction: number): boolean {
    const { guest } = this;
    let page = this.#pages.get(instruction);
    if (page === undefined) {
      page = FIRST_PAGE + this.#pages.size * 0x1000;
      this.#pages.set(instruction, page);
      const nops = Array(NOPS).fill(0x90);
      const address = isRegisterForm(instruction) ? [] : [DATA & 0xff, (DATA >> 8) & 0xff, DATA >> 16, 0];
      guest.load(Uint8Array.of(...nops, instruction >> 8, instruction & 0xff, ...address, 0xf4), page);
    }
    guest.core.eip = page;
    guest.core.run(NOPS + 1);
    return guest.core.eip === page + NOPS + (isRegisterForm(instruction) ? 2 : 6);
  }

  /** How many records compiled code has run to the end. */
  get compiled(): number {
    return Math.floor((this.guest.core.tierStatistics?.instructions ?? 0) / (NOPS + 1));
  }
}

const interpreted = new Replay("off");

/** Runs the instruction of a record, and says what differs from the real CPU; null when nothing does. */
export function difference(vector: Vector, { ulps, flags }: Tolerance, replay = interpreted): string | null {
  const { guest } = replay;
  const { core } = guest;
  const { r } = core;
  const instruction = instructionOf(vector);
  const status = vector.getUint16(STATUS, true);
  const top = (status >> 11) & 7;
  const occupied = vector.getUint8(OCCUPIED);
  const registers = new DataView(new ArrayBuffer(8 * REAL));
  r[FPU_OCCUPIED] = 0;
  for (let i = 0; i < 8; i++) {
    const n = (top + i) & 7;
    const offset = BEFORE + REAL * i;
    const recorded = i < 3;
    r[FPU_LOW + n] = recorded ? vector.getInt32(offset, true) : (FILLER_LOW + i) | 0;
    r[FPU_HIGH + n] = recorded ? vector.getInt32(offset + 4, true) : FILLER_HIGH;
    r[FPU_EXPONENT + n] = recorded ? vector.getUint16(offset + 8, true) : FILLER_EXPONENT;
    putReal(registers, n, r);
    if ((occupied >> i) & 1) r[FPU_OCCUPIED] |= 1 << n;
  }
  r[FPU_CONTROL] = vector.getUint16(CONTROL, true);
  r[FPU_STATUS] = status;
  for (let i = 0; i < REAL; i++) guest.memory.write8(DATA + i, vector.getUint8(MEMORY + i));
  r[0] = AX_BEFORE;
  core.setEflags(vector.getUint8(EFLAGS));
  if (!replay.execute(instruction)) return `fault, EIP ${core.eip.toString(16)}`;
  const wrong: string[] = [];
  const compare = (name: string, actual: number, expected: number) => {
    if (actual !== expected) wrong.push(`${name} ${actual.toString(16)}, expected ${expected.toString(16)}`);
  };
  const ignored = ulps > 0 ? C1 : 0;
  for (let i = -1; i < 7; i++) {
    const n = (top + i) & 7;
    const offset = AFTER + REAL * (i + 1);
    if (i < 3) {
      const base = i < 0 ? null : BEFORE + REAL * i;
      const low = vector.getInt32(offset, true) ^ (base === null ? 0 : vector.getInt32(base, true));
      const high = vector.getInt32(offset + 4, true) ^ (base === null ? 0 : vector.getInt32(base + 4, true));
      const exponent = vector.getUint16(offset + 8, true) ^ (base === null ? 0 : vector.getUint16(base + 8, true));
      registers.setInt32(n * REAL, low, true);
      registers.setInt32(n * REAL + 4, high, true);
      registers.setUint16(n * REAL + 8, exponent, true);
    }
    const expected = real(registers, n * REAL);
    putReal(registers, n, r);
    const actual = real(registers, n * REAL);
    if (actual !== expected && distance(actual, expected) > ulps)
      wrong.push(`ST(${i}) ${actual}, expected ${expected}`);
  }
  compare("status", r[FPU_STATUS] & ~ignored, vector.getUint16(STATUS_AFTER, true) & ~ignored);
  compare("tags", tagWord(core), vector.getUint16(TAGS_AFTER, true));
  compare("control", r[FPU_CONTROL], vector.getUint16(CONTROL_AFTER, true));
  compare("EFLAGS", core.getEflags() & flags, vector.getUint16(EFLAGS_AFTER, true) & flags);
  compare("AX", r[0], vector.getUint16(AX_AFTER, true));
  for (let i = 0; i < REAL; i++) {
    const expected = vector.getUint8(MEMORY + i) ^ vector.getUint8(MEMORY_AFTER + i);
    compare(`byte ${i}`, guest.memory.read8(DATA + i), expected);
  }
  return wrong.length === 0 ? null : `${describe(vector)}: ${wrong.join("; ")}`;
}

/** Runs FRSTOR, the instruction of a record, and FNSAVE; says what differs from the real CPU. */
export function areaDifference(vector: Vector): string | null {
  const { guest } = interpreted;
  const { core, memory } = guest;
  const [before, after] = [0x21000, 0x22000];
  const address = (linear: number) => [linear & 0xff, (linear >> 8) & 0xff, linear >> 16, 0];
  const instruction = [vector.getUint8(1), vector.getUint8(2), ...address(DATA)];
  if (vector.getUint8(0) !== 0) instruction.unshift(0x66);
  guest.load(Uint8Array.from([0xdd, 0x25, ...address(before), ...instruction, 0xdd, 0x35, ...address(after)]));
  for (let i = 0; i < AREA; i++) {
    memory.write8(before + i, vector.getUint8(STATE_BEFORE + i));
    memory.write8(DATA + i, vector.getUint8(AREA_BEFORE + i));
  }
  core.r[FPU_STATUS] = 0;
  core.run(3);
  const wrong: string[] = [];
  for (let i = 0; i < AREA; i++) {
    const state = vector.getUint8(STATE_AFTER + i);
    const area = vector.getUint8(AREA_BEFORE + i) ^ vector.getUint8(AREA_AFTER + i);
    if (memory.read8(after + i) !== state) wrong.push(`state ${i}: ${memory.read8(after + i)}, expected ${state}`);
    if (memory.read8(DATA + i) !== area) wrong.push(`area ${i}: ${memory.read8(DATA + i)}, expected ${area}`);
  }
  return wrong.length === 0
    ? null
    : `${instruction[0].toString(16)} ${instruction[1].toString(16)}: ${wrong.join("; ")}`;
}

function putReal(view: DataView, n: number, r: Int32Array): void {
  view.setInt32(n * REAL, r[FPU_LOW + n], true);
  view.setInt32(n * REAL + 4, r[FPU_HIGH + n], true);
  view.setUint16(n * REAL + 8, r[FPU_EXPONENT + n], true);
}

/** Units in the last place between two numbers written as `real` does. */
function distance(a: string, b: string): number {
  const ordinal = (text: string) => {
    const magnitude = BigInt(`0x${text.slice(0, 4)}`) & 0x7fffn;
    const value = (magnitude << 63n) | (BigInt(`0x${text.slice(5)}`) & 0x7fffffffffffffffn);
    return Number.parseInt(text[0], 16) >= 8 ? -value : value;
  };
  const difference = ordinal(a) - ordinal(b);
  return Number(difference < 0n ? -difference : difference);
}
