/** What the names of expressions stand for: registers, the kernel's variables, symbols, constants, `current`. */
import { nearNames } from "../../asm/index.ts";
import type { RegisterName } from "../../emulator/index.ts";
import { asm_offsets, declarations, declared_structs, type Kernel, PAGE_OFFSET } from "../../kernel/inspect.ts";
import type { Environment } from "./expression/evaluate.ts";
import { CODE, type CType, pointerTo, TypeNames, UNSIGNED, UNTYPED } from "./expression/types.ts";
import { plain, unsigned, type Value } from "./expression/value.ts";
import { FLAG_BITS } from "./format/flags.ts";
import { type Guest, REGISTERS } from "./guest.ts";

/** Parts of registers: which, from which bit, how many bits. */
const PARTS: Readonly<Record<string, readonly [register: RegisterName, shift: number, bits: number]>> = {
  ...Object.fromEntries(["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"].map((name) => [name, [`e${name}`, 0, 16]])),
  ...Object.fromEntries(["a", "c", "d", "b"].map((name) => [`${name}l`, [`e${name}x`, 0, 8]])),
  ...Object.fromEntries(["a", "c", "d", "b"].map((name) => [`${name}h`, [`e${name}x`, 8, 8]])),
  ip: ["eip", 0, 16],
};
/** Other names of registers, as gdb has them. */
const OTHER_NAMES: Readonly<Record<string, RegisterName>> = { pc: "eip", sp: "esp", fp: "ebp", flags: "eflags" };

/** Types of the kernel's variables, by symbol. */
function variableTypes(types: TypeNames): Map<string, CType> {
  const found = new Map<string, CType>();
  for (const { name, type } of declarations().data) {
    if (type !== undefined) found.set(name, types.ofKernel(type));
  }
  return found;
}

export class GuestEnvironment implements Environment {
  readonly types: TypeNames;
  readonly read: Environment["read"];
  readonly #guest: Guest;
  readonly #variables: ReadonlyMap<string, CType>;
  readonly #constants: Readonly<Record<string, number>>;

  /** @param history the values printed so far, and the one that `$` means */
  constructor(
    guest: Guest,
    readonly history: readonly Value[] = [],
  ) {
    this.#guest = guest;
    this.read = (linear, length) => guest.read(linear, length);
    const isKernel = guest.session.kernel !== undefined;
    this.types = new TypeNames(isKernel ? declared_structs() : new Map());
    this.#variables = isKernel ? variableTypes(this.types) : new Map();
    this.#constants = isKernel ? { ...asm_offsets(), PAGE_OFFSET } : {};
  }

  readonly functions: Environment["functions"] = {
    /** The task with a pid. */
    task: (pid) => ({ type: pointerTo("task_struct"), number: this.#guest.task(pid).address }),
  };

  readonly name = (name: string): Value | undefined => {
    if (name === "current") return this.#current();
    return this.#symbol(name) ?? this.#register(name) ?? this.#constant(name);
  };

  readonly variable = (name: string): Value | undefined => {
    if (name === "") return this.history.at(-1);
    if (/^\d+$/.test(name)) return this.history[Number(name) - 1];
    const { session } = this.#guest;
    switch (name) {
      case "cpu":
        return plain(session.core);
      case "position":
        return plain(session.position);
      case "cycle":
        return plain(session.machine.cycles);
      case "cpl":
        return plain(this.#guest.core.cpl);
      case "pid":
        return plain(this.#guest.requireCurrent().pid);
      default:
        return this.#register(name);
    }
  };

  readonly near = (name: string): readonly string[] => nearNames(name, this.names());

  /** Every name that an expression may use without `$`. */
  names(): string[] {
    return [
      ...this.#guest.session.symbols.names(),
      ...this.types.names(),
      ...registerNames(),
      ...(this.#guest.session.kernel === undefined ? [] : ["current"]),
    ];
  }

  #current(): Value {
    return { type: pointerTo("task_struct"), number: this.#guest.requireCurrent().address };
  }

  #symbol(name: string): Value | undefined {
    const address = this.#guest.session.symbols.lookup(name);
    if (address === undefined) return undefined;
    const type = this.#variables.get(name);
    if (type !== undefined) return { type, address };
    return { type: this.#isCode(address) ? CODE : UNTYPED, address };
  }

  #isCode(address: number): boolean {
    const { session } = this.#guest;
    const kernel: Kernel | undefined = session.kernel;
    return kernel?.image.function_at(address) !== undefined || session.symbols.line(address) !== undefined;
  }

  #register(name: string): Value | undefined {
    const lower = name.toLowerCase();
    const register = REGISTERS.find((known) => known === lower) ?? OTHER_NAMES[lower];
    if (register !== undefined) return { ...unsigned(this.#guest.register(register)), register };
    const part = Object.hasOwn(PARTS, lower) ? PARTS[lower] : undefined;
    if (part !== undefined) {
      const [whole, shift, bits] = part;
      return { type: UNSIGNED, number: (this.#guest.register(whole) >>> shift) & (2 ** bits - 1) };
    }
    const flag = FLAG_BITS.find(({ name: known }) => known.toLowerCase() === lower);
    return flag === undefined ? undefined : plain((this.#guest.register("eflags") & flag.mask) >>> flag.shift);
  }

  #constant(name: string): Value | undefined {
    return Object.hasOwn(this.#constants, name) ? plain(this.#constants[name]!) : undefined;
  }
}

/** Names of registers, parts of registers and flags, for completion behind `$`. */
export function registerNames(): string[] {
  return [
    ...REGISTERS,
    ...Object.keys(PARTS),
    ...Object.keys(OTHER_NAMES),
    ...["cpu", "position", "cycle", "cpl", "pid"],
    ...FLAG_BITS.map(({ name }) => name.toLowerCase()),
  ];
}
