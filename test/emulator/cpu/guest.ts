import { assembleBinary } from "../../../asm/index.ts";
import { CodeCache } from "../../../emulator/cpu/block-cache.ts";
import { Core } from "../../../emulator/cpu/core.ts";
import { CS, DS, ES, FS, GS, SS } from "../../../emulator/cpu/state-layout.ts";
import { type TierSettings, tierDefaults } from "../../../emulator/cpu/tier/settings.ts";
import { PortBus, type PortDevice } from "../../../emulator/devices/ports.ts";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.ts";

/** Where test programs are loaded, and the top of their stack. */
export const ORIGIN = 0x10000;
export const STACK = 0x8000;

/** Access bits of flat 4 GiB segments: 32-bit data and code. */
export const FLAT_DATA = 0xc093;
export const FLAT_CODE = 0xc09b;

/** EAX ECX EDX EBX ESP EBP ESI EDI by name. */
export const REGISTERS = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"] as const;

/** A core with memory, and the things tests ask about it. */
export class Guest {
  readonly memory: PhysicalMemory;
  readonly ports = new PortBus();
  readonly codeCache: CodeCache;
  readonly core: Core;

  constructor(ramSize = 1 << 20, cores = 1, tier: TierSettings = tierDefaults) {
    this.memory = new PhysicalMemory(ramSize, cores);
    this.codeCache = new CodeCache(this.memory, tier);
    this.core = new Core(0, this.memory, this.ports, this.codeCache);
  }

  /** 32-bit protected mode, flat segments, CPL 0, no paging. */
  static flat(program: string | Uint8Array = new Uint8Array(0), ramSize?: number, tier?: TierSettings): Guest {
    const guest = new Guest(ramSize, 1, tier);
    const { core } = guest;
    for (const seg of [ES, SS, DS, FS, GS]) core.setSegment(seg, 0x10, 0, -1, FLAT_DATA);
    core.setSegment(CS, 0x08, 0, -1, FLAT_CODE);
    core.cr0 |= 1;
    core.r[2] = 0;
    core.r[4] = STACK;
    guest.load(program);
    return guest;
  }

  /** Real mode with all segments at 0 but CS at ORIGIN / 16. */
  static real(program: string | Uint8Array = new Uint8Array(0)): Guest {
    const guest = new Guest();
    guest.core.setSegment(CS, ORIGIN >>> 4, ORIGIN, 0xffff, 0x93);
    guest.core.r[4] = STACK;
    const bytes = typeof program === "string" ? assembleBinary(`.code16\n${program}`, { file: "test.S" }) : program;
    guest.memory.load(bytes, ORIGIN);
    guest.core.eip = 0;
    return guest;
  }

  /** Loads code (bytes, or AT&T source) and points EIP at it; flat code only. */
  load(program: string | Uint8Array, origin = ORIGIN): void {
    const bytes = typeof program === "string" ? assembleBinary(program, { file: "test.S", origin }) : program;
    this.memory.load(bytes, origin);
    this.core.eip = origin;
  }

  /** Runs until HLT; fails when that takes more than `budget` instructions. */
  run(budget = 100_000): this {
    this.core.run(budget);
    if (!this.core.halted) throw new Error(`no HLT within ${budget} instructions; EIP = ${hex(this.core.eip)}`);
    return this;
  }

  get(name: (typeof REGISTERS)[number]): number {
    return this.core.r[REGISTERS.indexOf(name)] >>> 0;
  }

  set(name: (typeof REGISTERS)[number], value: number): void {
    this.core.r[REGISTERS.indexOf(name)] = value;
  }

  /** A 32-bit word of physical memory, unsigned. */
  read32(physical: number): number {
    return this.memory.read32(physical) >>> 0;
  }

  /**
   * An IDT for flat code whose handlers halt, with the vector in EAX; the frame of the exception is on the stack.
   * Descriptors: 8 = code, 0x10 = data.
   */
  catchExceptions(): void {
    const gdt = 0x1000;
    const idt = 0x1800;
    const handlers = 0x2000;
    this.memory.load(
      Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0]),
      gdt,
    );
    for (let vector = 0; vector < 64; vector++) {
      const handler = handlers + 16 * vector;
      // mov $vector, %eax; hlt
      this.memory.load(Uint8Array.from([0xb8, vector, 0, 0, 0, 0xf4]), handler);
      this.memory.write32(idt + 8 * vector, (0x08 << 16) | handler);
      this.memory.write32(idt + 8 * vector + 4, 0x8e00);
    }
    this.core.gdtrBase = gdt;
    this.core.gdtrLimit = 23;
    this.core.idtrBase = idt;
    this.core.idtrLimit = 64 * 8 - 1;
  }

  /** Records what is written to ports 0x80 to 0x8F, and answers reads with the port number repeated. */
  attachTestPorts(): { port: number; size: number; value: number }[] {
    const writes: { port: number; size: number; value: number }[] = [];
    const device: PortDevice = {
      readPort8: (port) => port,
      readPort16: (port) => (port << 8) | port,
      readPort32: (port) => (port << 24) | (port << 16) | (port << 8) | port,
      writePort8: (port, value) => void writes.push({ port, size: 1, value }),
      writePort16: (port, value) => void writes.push({ port, size: 2, value }),
      writePort32: (port, value) => void writes.push({ port, size: 4, value: value >>> 0 }),
    };
    this.ports.register(0x80, 16, device, "test ports");
    return writes;
  }
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
