/** One vector in the making: registers, memory and the bytes of its instruction. */
import { FLAG_AC, FLAG_DF, FLAG_TF, FLAGS_ARITHMETIC } from "../../../../emulator/cpu/state-layout.ts";
import { ABSENT_PAGES, DOWNWARDS_BASE, READ_ONLY_PAGE, SMALL_BASE, STACK, WINDOWS } from "./environment.ts";
import type { Random } from "./random.ts";
import type { Vector } from "./vectors.ts";

export type Size = 8 | 16 | 32;

/** Prefix bytes of the segment registers ES CS SS DS FS GS. */
const OVERRIDES: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const FS = 4;
const GS = 5;

const ESP = 4;
const EBP = 5;

/** Base and index of 16-bit memory operands, by ModRM.rm; -1: none. */
const BASE16: readonly number[] = [3, 3, 5, 5, 6, 7, 5, 3];
const INDEX16: readonly number[] = [6, 7, 6, 7, -1, -1, -1, -1];

export class Draft {
  readonly random: Random;
  mode: number;
  registers: number[];
  eflags: number;
  readonly patches: [number, number][] = [];
  readonly prefixes: number[] = [];
  /** Opcode and what follows. */
  readonly body: number[] = [];
  undefinedFlags = 0;
  /** Segment register of the memory operand when there is an override, else -1. */
  override = -1;
  /** Memory operands lie where `patch` can put a value. */
  plainTargets = false;
  /** Registers whose value matters: memory operands must do with it. */
  readonly #fixed = new Set<number>();

  constructor(random: Random) {
    this.random = random;
    this.mode = random.oneIn(4) ? 1 : 0;
    this.registers = Array.from({ length: 8 }, () => random.value());
    this.registers[ESP] = STACK;
    this.eflags = random.bits() & FLAGS_ARITHMETIC;
    if (random.oneIn(8)) this.eflags |= FLAG_DF;
    if (random.oneIn(60)) this.eflags |= FLAG_TF;
  }

  set(register: number, value: number): this {
    this.registers[register] = value | 0;
    this.#fixed.add(register);
    return this;
  }

  /** Sets the low bits of a register, and keeps the others. */
  setLow(register: number, value: number, size: Size): this {
    const mask = size === 32 ? -1 : (1 << size) - 1;
    return this.set(register, (this.registers[register] & ~mask) | (value & mask));
  }

  /** Keeps a register as it is. */
  fix(register: number): this {
    return this.set(register, this.registers[register]);
  }

  /** Puts a doubleword into memory, unless some of it is outside the windows. */
  patch(address: number, value: number): this {
    if (WINDOWS.some(({ start, end }) => address >= start && address + 4 <= end))
      this.patches.push([address, value | 0]);
    return this;
  }

  /** Eight bytes of operand. */
  patchOperand(address: number, low = this.random.value(), high = this.random.value()): this {
    return this.patch(address, low).patch(address + 4, high);
  }

  /** Prefixes for an operand size of 16 or 32 bits. */
  operandSize(size: Size): this {
    if (size !== 8 && (size === 16) !== (this.mode === 1)) this.prefixes.push(0x66);
    return this;
  }

  /** Chooses the address size, by itself unless given. */
  addressSize(size: 16 | 32 = this.random.oneIn(3) ? 16 : 32): 16 | 32 {
    if ((size === 16) !== (this.mode === 1)) this.prefixes.push(0x67);
    return size;
  }

  useOverride(segment: number): this {
    this.override = segment;
    this.prefixes.push(OVERRIDES[segment]);
    return this;
  }

  /** A segment override, at random. */
  maybeOverride(oneIn = 6): this {
    if (this.random.oneIn(oneIn)) this.useOverride(this.random.below(6));
    return this;
  }

  byte(...bytes: number[]): this {
    for (const byte of bytes) this.body.push(byte & 0xff);
    return this;
  }

  word(value: number): this {
    return this.byte(value, value >> 8);
  }

  dword(value: number): this {
    return this.word(value).word(value >> 16);
  }

  /** An immediate of 1, 2 or 4 bytes. */
  immediate(value: number, bytes: number): this {
    return bytes === 1 ? this.byte(value) : bytes === 2 ? this.word(value) : this.dword(value);
  }

  /** 0x0Fxx is two bytes. */
  opcode(opcode: number): this {
    if (opcode > 0xff) this.byte(opcode >> 8);
    return this.byte(opcode);
  }

  modrmRegister(reg: number, rm: number): this {
    return this.byte(0xc0 | (reg << 3) | rm);
  }

  /** A linear address for a memory operand: mostly in the middle of the first window, at times where it faults. */
  target(size: number): number {
    const { random } = this;
    if (this.override === FS) return SMALL_BASE + random.between(0, random.oneIn(4) ? 0x44 : 0x40 - size);
    if (random.oneIn(40)) this.eflags |= FLAG_AC;
    const place = random.below(64);
    if (place < 40) return 0x7fd0 + (random.below(0x60) & -4);
    if (place < 52) return random.between(0x7fd0, 0x8030);
    if (place < 58 || this.plainTargets) return 0x8000 - random.between(1, 4);
    if (place < 60) return 0x9000 - random.between(0, size + 1);
    if (place < 61) return READ_ONLY_PAGE + random.below(0x100);
    if (place < 62) return random.pick(ABSENT_PAGES) + random.below(0x100);
    return this.mode === 1 ? 0x10000 - random.between(1, size) : 0x8000;
  }

  /** ModRM, SIB and displacement of a memory operand at a linear address. */
  modrmMemory(reg: number, linear: number, addressSize: 16 | 32): this {
    const base = this.override === FS ? SMALL_BASE : this.override === GS ? DOWNWARDS_BASE : 0;
    const offset = linear - base;
    if (addressSize === 16) return this.#memory16(reg, offset);
    return this.#memory32(reg, offset);
  }

  #memory16(reg: number, offset: number): this {
    const { random, registers } = this;
    const rm = random.below(8);
    const mod = random.below(3);
    if (mod === 0 && rm === 6) return this.byte((reg << 3) | 6).word(offset);
    const base = BASE16[rm];
    const index = INDEX16[rm];
    const rest = index < 0 ? 0 : registers[index];
    if (mod === 2 || this.#fixed.has(base)) {
      return this.byte(0x80 | (reg << 3) | rm).word(offset - registers[base] - rest);
    }
    const disp = mod === 0 ? 0 : random.between(-128, 127);
    registers[base] = (registers[base] & -0x10000) | ((offset - disp - rest) & 0xffff);
    this.byte((mod << 6) | (reg << 3) | rm);
    return mod === 0 ? this : this.byte(disp);
  }

  #memory32(reg: number, offset: number): this {
    const { random, registers } = this;
    const rm = random.below(8);
    let mod = random.below(3);
    const sib = random.below(256);
    let base = rm;
    let rest = 0;
    if (rm === ESP) {
      base = sib & 7;
      const index = (sib >> 3) & 7;
      if (index === base && mod !== 2) mod = 2;
      if (index !== ESP) rest = registers[index] << (sib >> 6);
    }
    const hasBase = !(mod === 0 && base === EBP);
    if (hasBase && this.#fixed.has(base)) mod = 2;
    const modrm = [(mod << 6) | (reg << 3) | rm, ...(rm === ESP ? [sib] : [])];
    this.byte(...modrm);
    if (!hasBase) return this.dword(offset - rest);
    if (mod === 2) return this.dword(offset - rest - registers[base]);
    const disp = mod === 0 ? 0 : random.between(-128, 127);
    registers[base] = (offset - disp - rest) | 0;
    return mod === 0 ? this : this.byte(disp);
  }

  /** Prefixes come in any order. */
  finish(): Vector {
    const code = [...this.prefixes];
    for (let i = code.length - 1; i > 0; i--) {
      const j = this.random.below(i + 1);
      [code[i], code[j]] = [code[j], code[i]];
    }
    return {
      mode: this.mode,
      code: [...code, ...this.body],
      eflags: this.eflags,
      registers: this.registers.map((value) => value | 0),
      patches: this.patches,
      undefinedFlags: this.undefinedFlags,
    };
  }
}
