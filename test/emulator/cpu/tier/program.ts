/**
 * Random programs for a 32-bit machine with paging: loops over instructions of all kinds, with operands in good and bad
 * places, faults that a handler answers by going on elsewhere, page faults that one answers by mapping the page, stores into
 * the program itself, changes of privilege, system calls, loads of segment registers and interrupts of the timer.
 */
import type { Machine } from "../../../../emulator/index.ts";
import type { Random } from "../host-cpu/random.ts";

export const RAM = 1 << 20;
const GDT = 0x1000;
const IDT = 0x2000;
const TSS = 0x3000;
const PAGE_DIRECTORY = 0x4000;
const PAGE_TABLE = 0x5000;
/** Words that the program keeps: turns left, where to go on after an exception, exceptions. */
const TURNS = 0x6000;
const RESUME = 0x6004;
const EXCEPTIONS = 0x6008;
const KERNEL_STACK = 0x8000;
const HANDLER = 0x9000;
const ENTRY_CALL = 0xa000;
const PAGE_FAULT_HANDLER = 0xb000;
const UNMAP_CALL = 0xb100;
const SYSTEM_CALL = 0xb200;
const TIMER_HANDLER = 0xb300;
export const CODE = 0x10000;
const CODE_PAGES = 6;
/** Two pages of data, one that is read-only, one that is missing, one for the supervisor, and two of data again. */
const DATA = 0x20000;
const DATA_PAGES = 7;
const READ_ONLY = 2;
const MISSING = 3;
const SUPERVISOR = 4;
/** Two pages of data that the page fault's handler maps, or makes writable. */
const LAZY = 0x28000;
const LAZY_PAGES = 2;
/** The pages of the program, seen a second time. */
const ALIAS = 0x40000;
const STACK = 0x30000;
/** Vectors that user code may call: one goes on in the other ring, one takes away the lazy pages, one does nothing. */
const SWITCH_RING = 0x40;
const UNMAP = 0x41;
const NULL_CALL = 0x42;
const TIMER = 0x30;

/** Usable in any ring; null; for ring 0; code; a TSS; 64 KiB large; beyond the table. */
const SELECTORS = [0x23, 0x23, 0x23, 0x23, 0, 0x10, 0x1b, 0x28, 0x33, 0x73];

const [EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI] = [0, 1, 2, 3, 4, 5, 6, 7];
const POINTERS = [EBX, EBP, ESI, EDI];
const SCRATCH = [EAX, ECX, EDX];

class Writer {
  readonly bytes: number[] = [];
  emit(...bytes: number[]): this {
    for (const byte of bytes) this.bytes.push(byte & 0xff);
    return this;
  }
  word(value: number): this {
    return this.emit(value, value >> 8, value >> 16, value >> 24);
  }
  get eip(): number {
    return CODE + this.bytes.length;
  }
  patch32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.bytes[at + i] = (value >> (8 * i)) & 0xff;
  }
}

/** Where an access may go. */
function address(random: Random): number {
  const page = DATA + (random.below(DATA_PAGES + 1) << 12);
  switch (random.below(13)) {
    case 4:
      return LAZY + random.below(LAZY_PAGES * 0x1000);
    case 0:
      return page + 0xfff - random.below(8);
    case 1:
      return page + random.below(8);
    case 2:
      return random.bits();
    case 3:
      return STACK - random.below(64);
    default:
      return DATA + (random.below(2) << 12) + random.below(0x1000);
  }
}

/** A ModRM byte with a memory operand (and SIB byte, displacement). */
function memory(w: Writer, reg: number, random: Random): void {
  const base = random.pick(POINTERS);
  switch (random.below(8)) {
    case 0:
      w.emit((reg << 3) | 5).word(address(random));
      return;
    case 1: {
      // With an index, which is scaled.
      w.emit(0x44 | (reg << 3), (random.below(4) << 6) | (random.pick(SCRATCH) << 3) | base, random.below(256));
      return;
    }
    case 2:
      w.emit(0x44 | (reg << 3), 0x24, random.below(64));
      return;
    case 3:
      w.emit(0x80 | (reg << 3) | base).word(random.below(512) - 256);
      return;
    default:
      w.emit(0x40 | (reg << 3) | base, random.below(64) - 32);
  }
}

function operand(w: Writer, reg: number, random: Random): void {
  if (random.oneIn(2)) memory(w, reg, random);
  else w.emit(0xc0 | (reg << 3) | random.below(8));
}

function destination(random: Random): number {
  return random.oneIn(12) ? random.pick(POINTERS) : random.pick(SCRATCH);
}

/** ModRM for an instruction that writes r/m: rarely ESP. */
function target(w: Writer, reg: number, random: Random): void {
  if (random.oneIn(2)) memory(w, reg, random);
  else w.emit(0xc0 | (reg << 3) | (random.oneIn(40) ? ESP : destination(random)));
}

type Generator = (w: Writer, random: Random) => void;

function prefix(w: Writer, random: Random): boolean {
  const narrow = random.oneIn(6);
  if (narrow) w.emit(0x66);
  if (random.oneIn(40)) w.emit(random.pick([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]));
  return narrow;
}

function immediate(w: Writer, narrow: boolean, random: Random): void {
  const value = random.value();
  if (narrow) w.emit(value, value >> 8);
  else w.word(value);
}

const GENERATORS: readonly (readonly [weight: number, generator: Generator])[] = [
  [
    20,
    (w, random) => {
      // Arithmetic: r/m, r and r, r/m, 8 bits and more.
      prefix(w, random);
      const opcode = random.below(8) << 3;
      const form = random.below(4);
      w.emit(opcode | form);
      if (form < 2) target(w, random.below(8), random);
      else operand(w, destination(random), random);
    },
  ],
  [
    12,
    (w, random) => {
      const narrow = prefix(w, random);
      const opcode = random.pick([0x80, 0x81, 0x83]);
      w.emit(opcode);
      target(w, random.below(8), random);
      if (opcode === 0x81) immediate(w, narrow, random);
      else w.emit(random.value());
    },
  ],
  [
    10,
    (w, random) => {
      prefix(w, random);
      w.emit(random.pick([0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3]));
      const opcode = w.bytes[w.bytes.length - 1];
      target(w, random.below(8), random);
      if (opcode <= 0xc1) w.emit(random.oneIn(3) ? random.bits() : random.below(33));
    },
  ],
  [
    4,
    (w, random) => {
      prefix(w, random);
      const opcode = random.pick([0xa4, 0xa5, 0xac, 0xad]);
      w.emit(0x0f, opcode);
      target(w, random.below(8), random);
      if ((opcode & 1) === 0) w.emit(random.below(40));
    },
  ],
  [
    14,
    (w, random) => {
      prefix(w, random);
      const opcode = random.pick([0x88, 0x89, 0x8a, 0x8b]);
      w.emit(opcode);
      if (opcode < 0x8a) target(w, random.below(8), random);
      else operand(w, destination(random), random);
    },
  ],
  [
    6,
    (w, random) => {
      prefix(w, random);
      w.emit(0x0f, random.pick([0xb6, 0xb7, 0xbe, 0xbf]));
      operand(w, destination(random), random);
    },
  ],
  [
    3,
    (w, random) => {
      prefix(w, random);
      w.emit(0x8d);
      memory(w, destination(random), random);
    },
  ],
  [
    8,
    (w, random) => {
      // TEST, NOT, NEG, MUL, IMUL, DIV, IDIV.
      const narrow = prefix(w, random);
      const wide = random.below(2);
      const reg = random.below(8);
      w.emit(0xf6 | wide);
      target(w, reg, random);
      if (reg < 2) {
        if (wide === 0) w.emit(random.value());
        else immediate(w, narrow, random);
      }
    },
  ],
  [
    4,
    (w, random) => {
      // Divisions that succeed.
      w.emit(random.oneIn(2) ? 0x99 : 0x90).emit(0x31, 0xd2, 0x83, 0xc9, 0x01 + random.below(3));
      w.emit(0xf7, 0xf1 | (random.below(2) << 3));
    },
  ],
  [
    6,
    (w, random) => {
      prefix(w, random);
      w.emit(0xfe | random.below(2));
      target(w, random.below(2), random);
    },
  ],
  [6, (w, random) => w.emit(0x40 | (random.below(2) << 3) | destination(random))],
  [
    6,
    (w, random) => {
      const narrow = prefix(w, random);
      const opcode = random.pick([0x69, 0x6b, 0xaf]);
      if (opcode === 0xaf) w.emit(0x0f);
      w.emit(opcode);
      operand(w, destination(random), random);
      if (opcode === 0x69) immediate(w, narrow, random);
      if (opcode === 0x6b) w.emit(random.value());
    },
  ],
  [8, (w, random) => w.emit(0x50 | random.below(8)).emit(0x58 | destination(random))],
  [
    4,
    (w, random) => {
      prefix(w, random);
      w.emit(0xff);
      operand(w, 6, random);
      prefix(w, random);
      w.emit(0x8f);
      target(w, 0, random);
    },
  ],
  [2, (w, random) => w.emit(0x60, random.oneIn(2) ? 0x90 : 0x40, 0x61)],
  [2, (w, random) => w.emit(0x9c, 0x58 | destination(random))],
  [
    1,
    (w, random) =>
      w
        .emit(0x68)
        .word(random.bits() & (random.oneIn(8) ? 0xfd5 : 0xed5))
        .emit(0x9d),
  ],
  [3, (w, random) => w.emit(0xc8, random.below(32), 0, 0, 0xc9)],
  [3, (w, random) => w.emit(0x55, 0x89, 0xe5, 0x83, 0xec, random.below(16) << 2, 0xc9)],
  [
    6,
    (w, random) => {
      w.emit(0x0f, 0x90 | random.below(16));
      target(w, 0, random);
    },
  ],
  [
    4,
    (w, random) => {
      prefix(w, random);
      w.emit(0x0f, 0x40 | random.below(16));
      operand(w, destination(random), random);
    },
  ],
  [
    6,
    (w, random) => {
      prefix(w, random);
      w.emit(0x0f, random.pick([0xa3, 0xab, 0xb3, 0xbb]));
      target(w, random.below(8), random);
    },
  ],
  [
    4,
    (w, random) => {
      prefix(w, random);
      w.emit(0x0f, 0xba);
      target(w, 4 + random.below(4), random);
      w.emit(random.bits());
    },
  ],
  [
    4,
    (w, random) => {
      prefix(w, random);
      w.emit(0x0f, random.pick([0xbc, 0xbd]));
      operand(w, destination(random), random);
    },
  ],
  [
    4,
    (w, random) => {
      prefix(w, random);
      w.emit(0x0f, random.pick([0xb0, 0xb1, 0xc0, 0xc1]));
      target(w, destination(random), random);
    },
  ],
  [
    3,
    (w, random) => {
      prefix(w, random);
      w.emit(random.pick([0x86, 0x87]));
      target(w, destination(random), random);
    },
  ],
  [
    5,
    (w, random) => {
      if (random.oneIn(3)) w.emit(0x66);
      w.emit(
        random.pick([0x90, 0x91, 0x92, 0x98, 0x99, 0x98, 0x99, 0xf5, 0xf8, 0xf9, 0xfc, 0xfc, 0xfd, 0x9f, 0x9e, 0xd6]),
      );
    },
  ],
  [2, (w, random) => w.emit(0xd7, 0x0f, 0xc8 | destination(random))],
  [2, (w, random) => w.emit(0x27 | (random.below(4) << 3))],
  [
    5,
    (w, random) => {
      // String instructions; repeated ones with a small count.
      const repeated = random.oneIn(2);
      if (repeated) w.emit(0xb9).word(random.below(40));
      if (random.oneIn(5)) w.emit(0x66);
      if (repeated) w.emit(0xf2 | random.below(2));
      w.emit(random.pick([0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf]));
    },
  ],
  [3, (w, random) => w.emit(0xb8 | destination(random)).word(random.value())],
  [2, (w, random) => w.emit(0xb0 | random.pick([0, 1, 2, 4, 5, 6]), random.value())],
  [
    6,
    (w, random) => {
      // x87: any, with an operand in memory or without; FNINIT and FNCLEX now and then.
      if (random.oneIn(4)) w.emit(0xdb, random.pick([0xe2, 0xe3]));
      w.emit(0xd8 | random.below(8));
      operand(w, random.below(8), random);
    },
  ],
  // Segment registers, CPUID, SGDT, MOV from CR0.
  [
    2,
    (w, random) =>
      w.emit(
        ...random.pick([
          [0x1e, 0x1f],
          [0x06, 0x07],
          [0x16, 0x17],
          [0x0f, 0xa0, 0x0f, 0xa1],
          [0x8c, 0xd8],
          [0x66, 0x1e, 0x58, 0x06, 0x66, 0x0e, 0x83, 0xc4, 0x04],
          [0x66, 0x8c, 0xd1, 0x8c, 0x24, 0x24, 0x8c, 0xc8 | random.below(3), 0x8c, random.oneIn(4) ? 0xf8 : 0xe8],
        ]),
      ),
  ],
  [
    1,
    (w, random) =>
      w.emit(...random.pick([[0x0f, 0xa2], [0x0f, 0x01, 0x05, 0, 0, 2, 0], [0x0f, 0x20, 0xc0], [0xfa], [0xfb]])),
  ],
  // Into the program: mostly a byte of an immediate or a displacement, but not only.
  [
    1,
    (w, random) => {
      const at = random.oneIn(2) ? w.eip + random.below(60) : CODE + random.below(0x1000 * 2);
      w.emit(0xc6, 0x05)
        .word(random.oneIn(3) ? at + ALIAS - CODE : at)
        .emit(random.bits());
    },
  ],
  [1, (w) => w.emit(0xcd, SWITCH_RING)],
  [3, (w, random) => w.emit(0xcd, random.pick([UNMAP, NULL_CALL]))],
  [
    2,
    (w, random) =>
      w.emit(...random.pick([[0xfb], [0xfa, 0xfb], [0xfb, 0x90], [0xfa, 0x40, 0xfb, 0x42], [0xfa, 0xfb, 0xfb, 0xfa]])),
  ],
  // POPFD; CLI.
  [1, (w) => w.emit(0x68).word(0x202).emit(0x9d, 0xfa)],
  [
    3,
    (w, random) => {
      // Loads of DS, ES, FS, GS; rarely of SS.
      const selector = random.pick(SELECTORS);
      if (random.oneIn(2))
        w.emit(0x68)
          .word(selector)
          .emit(...random.pick([[0x1f], [0x07], [0x0f, 0xa1], [0x0f, 0xa9]]));
      else
        w.emit(0xb8)
          .word(selector)
          .emit(0x8e, 0xc0 | (random.pick([0, 3, 3, 4, 5, random.oneIn(4) ? 2 : 0]) << 3));
    },
  ],
];
const WEIGHT = GENERATORS.reduce((sum, [weight]) => sum + weight, 0);

function instruction(w: Writer, random: Random): void {
  let at = random.below(WEIGHT);
  const [, generator] = GENERATORS.find(([weight]) => (at -= weight) < 0)!;
  generator(w, random);
  // PUSHF, POP: what the flags are is kept in memory, where it is compared.
  if (random.oneIn(3)) w.emit(0x9c, 0x8f, 0x05).word(DATA + (random.below(0x7f0) << 2));
}

/** Notes where to go on after an exception, and makes registers pointers again. */
function beginChunk(w: Writer, random: Random): number {
  w.emit(0xc7, 0x05).word(RESUME);
  const at = w.bytes.length;
  w.word(0);
  w.emit(0xbc).word(STACK - (random.oneIn(8) ? random.below(0x40) : 0x100));
  for (const register of POINTERS) if (random.oneIn(2)) w.emit(0xb8 | register).word(address(random));
  return at;
}

/** Instructions, with jumps forward among them, and a loop or two. */
function body(w: Writer, random: Random, functions: readonly number[]): void {
  const loops = random.oneIn(2);
  const slot = DATA + 0x1800 + (random.below(16) << 2);
  if (loops) w.emit(0xc7, 0x05).word(slot).word(random.between(2, 12));
  const start = w.eip;
  const count = random.between(2, 14);
  for (let i = 0; i < count; i++) {
    if (random.oneIn(5)) {
      // Over the next instruction.
      const long = random.oneIn(3);
      if (long) w.emit(0x0f, 0x80 | random.below(16)).word(0);
      else w.emit(random.oneIn(8) ? 0xe0 | random.below(4) : 0x70 | random.below(16), 0);
      const at = w.bytes.length;
      instruction(w, random);
      if (long) w.patch32(at - 4, w.bytes.length - at);
      else w.bytes[at - 1] = w.bytes.length - at;
    } else if (random.oneIn(9) && functions.length > 0) {
      const callee = random.pick(functions);
      if (random.oneIn(3)) w.emit(0xb8).word(callee).emit(0xff, 0xd0);
      else w.emit(0xe8).word(callee - (w.eip + 4));
    } else {
      instruction(w, random);
    }
  }
  if (!loops) return;
  w.emit(0xff, 0x0d).word(slot);
  w.emit(0x0f, 0x85).word(start - (w.eip + 4));
}

/** The bytes of a program, to be loaded at CODE. */
export function program(random: Random): Uint8Array {
  const w = new Writer();
  const functions: number[] = [];
  // Functions come first; a jump leads over them.
  w.emit(0xe9).word(0);
  const count = random.below(4);
  for (let i = 0; i < count; i++) {
    const eip = w.eip;
    body(w, random, functions);
    w.emit(random.oneIn(4) ? 0xc2 : 0xc3);
    if (w.bytes[w.bytes.length - 1] === 0xc2) w.emit(0, 0);
    functions.push(eip);
  }
  w.patch32(1, w.bytes.length - 5);
  const top = w.eip;
  const chunks = random.between(2, 10);
  for (let i = 0; i < chunks; i++) {
    const resume = beginChunk(w, random);
    body(w, random, functions);
    if (random.oneIn(6)) for (let gap = random.below(1500); gap > 0; gap--) w.emit(0x90);
    w.patch32(resume, w.eip);
  }
  w.emit(0xbc).word(STACK - 0x100);
  w.emit(0xff, 0x0d).word(TURNS);
  w.emit(0x0f, 0x85).word(top - (w.eip + 4));
  w.emit(0xeb, 0xfe);
  return Uint8Array.from(w.bytes);
}

function code(machine: Machine, at: number, ...bytes: number[]): void {
  machine.load(Uint8Array.from(bytes.map((byte) => byte & 0xff)), at);
}

function bytesOf(value: number): number[] {
  return [value, value >> 8, value >> 16, value >> 24];
}

/** Puts the machine before the first instruction of a program. */
export function prepare(machine: Machine, bytes: Uint8Array, random: Random): void {
  const write = (at: number, value: number) => machine.memory.write32(at, value);
  const descriptor = (n: number, access: number) => {
    write(GDT + 8 * n, 0xffff);
    write(GDT + 8 * n + 4, 0x00cf0000 | (access << 8));
  };
  [0x9a, 0x92, 0xfa, 0xf2].forEach((access, i) => {
    descriptor(i + 1, access);
  });
  write(GDT + 0x28, ((TSS & 0xffff) << 16) | 0x67);
  write(GDT + 0x2c, 0x00008900 | (TSS >>> 16));
  write(GDT + 0x30, 0xffff);
  write(GDT + 0x34, 0x0040f200);
  for (const { id } of machine.cores) {
    write(TSS + 0x80 * id + 4, KERNEL_STACK - 0x400 * id);
    write(TSS + 0x80 * id + 8, 0x10);
  }
  const gates: Readonly<Record<number, number>> = {
    14: PAGE_FAULT_HANDLER,
    [TIMER]: TIMER_HANDLER,
    [SWITCH_RING]: ENTRY_CALL,
    [UNMAP]: UNMAP_CALL,
    [NULL_CALL]: SYSTEM_CALL,
  };
  for (let vector = 0; vector <= NULL_CALL; vector++) {
    write(IDT + 8 * vector, (8 << 16) | (gates[vector] ?? HANDLER));
    write(IDT + 8 * vector + 4, random.oneIn(8) ? 0xef00 : 0xee00);
  }
  const ring3 = random.oneIn(2);
  const eflags = 2 | (random.oneIn(2) ? 0x200 : 0) | (random.oneIn(2) ? 0x3000 : 0);
  // PUSH 0x23; POP DS; PUSH 0x23; POP ES.
  const segments = [0x6a, 0x23, 0x1f, 0x6a, 0x23, 0x07];
  // IRET to RESUME: in ring 3, or in ring 0.
  const toRing = (user: boolean) => [
    ...(user ? [0x6a, 0x23, 0x68, ...bytesOf(STACK - 0x100)] : []),
    ...[0x68, ...bytesOf(eflags), 0x6a, user ? 0x1b : 0x08, 0xff, 0x35, ...bytesOf(RESUME), 0xfc, 0xcf],
  ];
  // Exceptions go on at RESUME, in the ring of the handler; the vector for it goes to the other ring.
  const [count, stack] = [
    [0xff, 0x05, ...bytesOf(EXCEPTIONS)],
    [0xbc, ...bytesOf(KERNEL_STACK - 64)],
  ];
  code(machine, HANDLER, ...segments, ...count, ...stack, ...toRing(ring3));
  code(machine, ENTRY_CALL, ...segments, ...stack, ...toRing(random.oneIn(2)));
  const lazyEntry = PAGE_TABLE + 4 * (LAZY >> 12);
  code(
    machine,
    PAGE_FAULT_HANDLER,
    // PUSH EAX; PUSH DS; MOV EAX, CR2; SHR EAX, 12; SUB EAX, page; CMP EAX, pages; JAE.
    ...[0x50, 0x1e, 0x6a, 0x23, 0x1f, 0x0f, 0x20, 0xd0, 0xc1, 0xe8, 12, 0x2d, ...bytesOf(LAZY >> 12)],
    ...[0x83, 0xf8, LAZY_PAGES, 0x73, 14],
    // OR the page's entry, 7; POP DS; POP EAX; ADD ESP, 4; IRET.
    ...[0x83, 0x0c, 0x85, ...bytesOf(lazyEntry), 7, 0x1f, 0x58, 0x83, 0xc4, 4, 0xcf],
    ...[0x1f, 0x58, 0xe9, ...bytesOf(HANDLER - (PAGE_FAULT_HANDLER + 42))],
  );
  code(
    machine,
    UNMAP_CALL,
    ...[
      0x50,
      0x1e,
      0x6a,
      0x23,
      0x1f,
      0x83,
      0x25,
      ...bytesOf(lazyEntry),
      0xfe,
      0x83,
      0x25,
      ...bytesOf(lazyEntry + 4),
      0xfd,
    ],
    // By CR3, or by INVLPG.
    ...(random.oneIn(2)
      ? [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8]
      : [0x0f, 0x01, 0x3d, ...bytesOf(LAZY), 0x0f, 0x01, 0x3d, ...bytesOf(LAZY + 0x1000)]),
    ...[0x1f, 0x58, 0xcf],
  );
  // PUSH DS; PUSH ES; MOV EAX, 0x10; MOV DS, EAX; MOV ES, EAX; POP ES; POP DS; IRET.
  code(machine, SYSTEM_CALL, 0x1e, 0x06, 0xb8, 0x10, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x07, 0x1f, 0xcf);
  // PUSH EAX; MOV AL, 0x20; OUT 0x20, AL; POP EAX; IRET.
  code(machine, TIMER_HANDLER, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf);
  if (random.oneIn(2)) startTimer(machine, random.between(20, 200));
  write(PAGE_DIRECTORY, PAGE_TABLE | 7);
  for (let page = 0; page < 0x100; page++) write(PAGE_TABLE + 4 * page, (page << 12) | 7);
  const data = DATA >> 12;
  // Pages that follow each other do not lie behind each other.
  write(PAGE_TABLE + 4 * data, ((data + 1) << 12) | 7);
  write(PAGE_TABLE + 4 * (data + 1), (data << 12) | 7);
  write(PAGE_TABLE + 4 * (data + READ_ONLY), ((data + READ_ONLY) << 12) | 5);
  write(PAGE_TABLE + 4 * (data + MISSING), 0);
  write(PAGE_TABLE + 4 * (data + SUPERVISOR), ((data + SUPERVISOR) << 12) | 3);
  write(lazyEntry, LAZY | 6);
  write(lazyEntry + 4, (LAZY + 0x1000) | 5);
  for (let i = 0; i < CODE_PAGES; i++) write(PAGE_TABLE + 4 * ((ALIAS >> 12) + i), (CODE + (i << 12)) | 7);
  for (let i = 0; i < DATA_PAGES * 0x400; i++) write(DATA + 4 * i, random.value());
  machine.load(bytes, CODE);
  write(TURNS, random.between(20, 60));
  write(RESUME, CODE);

  const cr0 = (random.oneIn(5) ? 0 : 0x80000000) | (random.oneIn(2) ? 0x10000 : 0) | 0x11;
  for (const core of machine.cores) {
    core.startup(0);
    core.gdtrBase = GDT;
    core.gdtrLimit = 0x37;
    core.idtrBase = IDT;
    core.idtrLimit = 8 * NULL_CALL + 7;
    core.cr3 = PAGE_DIRECTORY;
    core.cr0 = cr0;
    core.setSegment(7, 0x28, TSS + 0x80 * core.id, 0x67, 0x8b);
    const dpl = ring3 ? 0x60 : 0;
    for (const seg of [0, 2, 3, 4, 5]) core.setSegment(seg, ring3 ? 0x23 : 0x10, 0, -1, 0xc093 | dpl);
    core.setSegment(1, ring3 ? 0x1b : 0x08, 0, -1, 0xc09b | dpl);
    core.setCpl(ring3 ? 3 : 0);
    core.r[ESP] = STACK - 0x100 - 0x200 * core.id;
    core.setEflags(eflags);
    core.eip = CODE;
  }
}

/** IRQ 0 at vector TIMER, every `ticks` ticks of the 8254. */
function startTimer(machine: Machine, ticks: number): void {
  const pic = [0x11, TIMER, 0x04, 0x01, 0xfe].map((value, i) => [i === 0 ? 0x20 : 0x21, value]);
  const pit = [0x34, ticks, 0].map((value, i) => [i === 0 ? 0x43 : 0x40, value]);
  for (const [port, value] of [...pic, ...pit]) machine.ports.write8(port, value);
}
