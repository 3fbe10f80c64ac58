/** A litmus test as a guest: a core for each processor, in flat 32-bit code, whose instructions are the test's, then HLT. */
import { assemble, link } from "../../asm/index.ts";
import { EAX, EBX, ECX, EDI, EDX, ESI, type Interleaver, Machine } from "../../emulator/index.ts";
import {
  formatState,
  type Instruction,
  type LitmusTest,
  observed,
  REGISTERS,
  type Register,
  type Value,
} from "./parse.ts";

const NUMBERS: Readonly<Record<Register, number>> = { EAX, EBX, ECX, EDX, ESI, EDI };
const CODE = 0x10000;
const GDT = 0x1000;
const LOCATIONS = 0x20000;
/** Bytes from a location to the next: each has a cache line. */
const LINE = 64;
const CODE_SEGMENT = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0];
const DATA_SEGMENT = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0];

function operand(value: Value): string {
  return typeof value === "number" ? `$${value}` : `%${value.toLowerCase()}`;
}

/** In AT&T syntax. */
function assembly(instruction: Instruction): string {
  switch (instruction.kind) {
    case "load":
      return `movl ${instruction.location}, ${operand(instruction.register)}`;
    case "store":
      return `movl ${operand(instruction.value)}, ${instruction.location}`;
    case "move":
      return `movl ${operand(instruction.value)}, ${operand(instruction.register)}`;
    case "fence":
      return instruction.name.toLowerCase();
    case "modify": {
      const { name, locked, value, location } = instruction;
      const operands = name === "INC" ? location : `${operand(value)}, ${location}`;
      return `${locked && name !== "XCHG" ? "lock; " : ""}${name.toLowerCase()}l ${operands}`;
    }
  }
}

/** A core's part of a state: EIP, the general registers, whether it sleeps, and its buffered stores. */
interface CoreState {
  readonly eip: number;
  readonly halted: boolean;
  readonly registers: Int32Array;
  readonly stores: readonly { readonly physical: number; readonly size: number; readonly value: number }[];
}

/** All of a state that a test's instructions depend on. */
interface GuestState {
  readonly cores: readonly CoreState[];
  readonly memory: readonly number[];
}

export class LitmusGuest {
  readonly machine: Machine;
  readonly names: readonly string[];
  readonly #test: LitmusTest;
  readonly #addresses: ReadonlyMap<string, number>;
  readonly #entries: readonly number[];

  constructor(test: LitmusTest, memoryModel: "sc" | "tso", interleaver: Interleaver) {
    this.#test = test;
    this.names = observed(test);
    this.#addresses = new Map(test.locations.map((location, i) => [location, LOCATIONS + LINE * i]));
    const symbols = [...this.#addresses].map(([name, address]) => `.set ${name}, ${address}\n`).join("");
    const code = test.threads
      .map((thread, i) => `.globl thread_${i}\nthread_${i}: ${thread.map(assembly).join("\n\t")}\n\thlt\n`)
      .join("");
    const source = `${symbols}.text\n.globl _start\n_start:\n${code}`;
    const image = link([assemble(source, { file: `${test.name}.S` })], { textAddress: CODE, pageSize: 16 });
    const cpus = test.threads.length;
    this.machine = new Machine({ memoryBytes: 1 << 20, cpus, memoryModel, interleaver, tier: "off" });
    for (const { data, physicalAddress } of image.segments) this.machine.load(data, physicalAddress);
    this.machine.load(Uint8Array.from([...new Array<number>(8).fill(0), ...CODE_SEGMENT, ...DATA_SEGMENT]), GDT);
    for (const { id } of this.machine.cores) {
      this.machine.setRegister("gdtr_base", GDT, id);
      this.machine.setRegister("gdtr_limit", 23, id);
      this.machine.setRegister("cr0", 0x11, id);
      this.machine.setRegister("cs", 0x08, id);
      for (const segment of ["ds", "es", "ss"] as const) this.machine.setRegister(segment, 0x10, id);
    }
    this.#entries = test.threads.map((_, i) => image.symbol(`thread_${i}`));
    this.begin();
  }

  /** The initial state. */
  begin(): void {
    const { initial } = this.#test;
    this.state = {
      cores: this.#entries.map((eip, i) => ({
        eip,
        halted: false,
        registers: Int32Array.from(REGISTERS, (name) => initial[`${i}:${name}`] ?? 0),
        stores: [],
      })),
      memory: this.#test.locations.map((location) => initial[location] ?? 0),
    };
  }

  get state(): GuestState {
    const { memory, cores } = this.machine;
    return {
      cores: cores.map((core) => ({
        eip: core.eip,
        halted: core.halted,
        registers: Int32Array.from(REGISTERS, (name) => core.r[NUMBERS[name]]),
        stores: core.storeBuffer?.stores ?? [],
      })),
      memory: [...this.#addresses.values()].map((address) => memory.read32(address)),
    };
  }

  set state({ cores, memory }: GuestState) {
    const { machine } = this;
    for (const core of machine.cores) core.drainStores();
    for (const [i, address] of [...this.#addresses.values()].entries()) machine.memory.write32(address, memory[i]);
    for (const [i, core] of machine.cores.entries()) {
      const { eip, halted, registers, stores } = cores[i];
      core.eip = eip;
      core.halted = halted;
      REGISTERS.forEach((name, n) => {
        core.r[NUMBERS[name]] = registers[n];
      });
      for (const { physical, size, value } of stores) {
        core.storeBuffer?.push(machine.memory.ramOffset + physical, size, value, machine.cycles);
      }
    }
  }

  /** What is told apart of a state that is final. */
  get outcome(): string {
    const { cores, memory } = this.state;
    const state: Record<string, number> = {};
    this.#test.locations.forEach((location, i) => {
      state[location] = memory[i];
    });
    cores.forEach(({ registers }, i) => {
      REGISTERS.forEach((name, n) => {
        state[`${i}:${name}`] = registers[n];
      });
    });
    return formatState(this.names, state);
  }

  /** Runs to the end, as the interleaver says. */
  run(): string {
    const reason = this.machine.run({ maxInstructions: 1000 });
    if (reason.kind !== "halted-forever") throw new Error(`${this.#test.name}: it ended with ${reason.kind}`);
    return this.outcome;
  }
}
