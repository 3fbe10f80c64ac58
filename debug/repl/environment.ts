/** What the names of expressions stand for: variables of the frame, the programs' symbols, registers, `current`. */
import type { DebugInformation, Variable } from "../../asm/dwarf/reader/index.ts";
import { plainType, pointerTo } from "../../asm/dwarf/reader/index.ts";
import { nearNames } from "../../asm/index.ts";
import type { RegisterName } from "../../emulator/index.ts";
import { asm_offsets, type Kernel, PAGE_OFFSET } from "../../kernel/inspect.ts";
import { dwarfNumber } from "../frames/frame-registers.ts";
import { type Guest, REGISTERS } from "../frames/guest.ts";
import type { StackFrame } from "../frames/stack-frame.ts";
import type { Environment } from "./expression/environment.ts";
import { CODE, TypeNames, UNSIGNED, UNTYPED, WORD } from "./expression/types.ts";
import { encode, plain, type Scalar, type Value } from "./expression/value.ts";
import { FLAG_BITS } from "./format/flags.ts";

/** Parts of registers: which, from which bit, how many bits. */
const PARTS: Readonly<Record<string, readonly [register: RegisterName, shift: number, bits: number]>> = {
  ...Object.fromEntries(["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"].map((name) => [name, [`e${name}`, 0, 16]])),
  ...Object.fromEntries(["a", "c", "d", "b"].map((name) => [`${name}l`, [`e${name}x`, 0, 8]])),
  ...Object.fromEntries(["a", "c", "d", "b"].map((name) => [`${name}h`, [`e${name}x`, 8, 8]])),
  ip: ["eip", 0, 16],
};
/** Other names of registers, as gdb has them. */
const OTHER_NAMES: Readonly<Record<string, RegisterName>> = { pc: "eip", sp: "esp", fp: "ebp", flags: "eflags" };
/** A variable with the file or function that it is in. */
const SCOPED = /^(?:'([^']+)'|([^:]+))::(\w+)$/;

export class GuestEnvironment implements Environment {
  readonly types: TypeNames;
  readonly read: Environment["read"];
  readonly #guest: Guest;
  readonly #frame: () => StackFrame;
  readonly #onAssign: () => void;
  readonly #constants: Readonly<Record<string, number>>;
  /** What `set $name = …` has kept. */
  readonly #kept = new Map<string, Value>();

  /**
   * @param history the values printed so far, and the one that `$` means
   * @param frame the selected frame, whose variables names mean
   * @param onAssign hears that the guest is being changed
   */
  constructor(
    guest: Guest,
    readonly history: readonly Value[],
    frame: () => StackFrame,
    onAssign: () => void,
  ) {
    this.#guest = guest;
    this.#frame = frame;
    this.#onAssign = onAssign;
    this.read = (linear, length) => guest.read(linear, length, this.#frame().task);
    this.types = new TypeNames(() => this.#programs());
    const { kernel } = guest.session;
    const structs = kernel?.image.modules.flatMap((module) => module.structs) ?? [];
    this.#constants = kernel === undefined ? {} : { ...asm_offsets(structs), PAGE_OFFSET };
  }

  readonly functions: Environment["functions"] = {
    /** The task with a pid. */
    task: (pid) => ({ type: pointerTo(this.types.find("task_struct")!), scalar: this.#guest.task(pid).address }),
  };

  readonly name = (name: string): Value | undefined => {
    const scoped = SCOPED.exec(name);
    if (scoped !== null) return this.#scoped(scoped[1] ?? scoped[2], scoped[3]);
    const local = this.#frame().variable(name);
    if (local !== undefined) return this.valueOf(local, this.#frame());
    if (name === "current" && this.#guest.session.kernel !== undefined) return this.#current();
    const found = this.#symbol(name) ?? this.#enumerator(name) ?? this.#register(name) ?? this.#constant(name);
    return found ?? (name === "current" ? this.#current() : undefined);
  };

  readonly variable = (name: string): Value | undefined => {
    const history = /^(\$?)(\d*)$/.exec(name);
    if (history !== null) return this.#past(history[1] === "$", history[2]);
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
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

  readonly keep = (name: string, value: Value): void => {
    this.#kept.set(name, value);
  };

  readonly assign = (target: Value, scalar: Scalar): void => {
    this.#onAssign();
    if (target.register === undefined) this.#assignMemory(target, scalar);
    else this.#assignRegister(target.register, encode(scalar, target.type));
  };

  /**
   * The same for who asks for types alone: it neither reads nor changes memory, and there need be no tasks, so that what an
   * expression will be is known before the guest runs.
   */
  forTypes(): Environment {
    // No pointer in it is null, behind which nothing would be.
    const read: Environment["read"] = (_, length) => new Uint8Array(length).fill(1);
    const task = (): Value => ({ type: pointerTo(this.types.find("task_struct")!), scalar: PAGE_OFFSET });
    const isCurrent = (name: string) =>
      name === "current" && this.#guest.session.kernel !== undefined && this.#frame().variable(name) === undefined;
    return {
      types: this.types,
      read,
      assign: () => {},
      keep: () => {},
      name: (name) => (isCurrent(name) ? task() : this.name(name)),
      variable: this.variable,
      functions: this.#guest.session.kernel === undefined ? {} : { task },
      near: () => [],
    };
  }

  readonly near = (name: string): readonly string[] => nearNames(name, this.names());

  /** Every name that an expression may use without `$`. */
  names(): string[] {
    const frame = this.#frame();
    return [
      ...frame.blocks.flat().map((variable) => variable.name),
      ...frame.parameters.map((parameter) => parameter.name),
      ...this.#guest.session.symbols.names(),
      ...this.types.names(),
      ...registerNames(),
      ...(this.#guest.session.kernel === undefined ? [] : ["current"]),
    ];
  }

  /** Of a register that a smaller variable is in, the low bytes. */
  #assignRegister(register: RegisterName, bytes: Uint8Array): void {
    const { session } = this.#guest;
    const whole = new Uint8Array(4);
    const view = new DataView(whole.buffer);
    view.setUint32(0, this.#guest.register(register), true);
    whole.set(bytes.subarray(0, 4));
    session.setRegister(register, view.getUint32(0, true));
  }

  #assignMemory({ address, type, bits }: Value, scalar: Scalar): void {
    const { task } = this.#frame();
    const options = task === undefined ? {} : { task };
    if (bits === undefined) {
      const bytes = encode(scalar, type);
      this.read(address!, bytes.length);
      this.#guest.session.writeLinear(address!, bytes, options);
      return;
    }
    const bytes = this.read(address!, (bits.first + bits.count + 7) >> 3).slice();
    const mask = ((1n << BigInt(bits.count)) - 1n) << BigInt(bits.first);
    let whole = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) whole = (whole << 8n) | BigInt(bytes[i]);
    whole = (whole & ~mask) | ((BigInt(scalar) << BigInt(bits.first)) & mask);
    for (let i = 0; i < bytes.length; i++, whole >>= 8n) bytes[i] = Number(whole & 0xffn);
    this.#guest.session.writeLinear(address!, bytes, options);
  }

  /** The value of a variable in a frame. */
  valueOf(variable: Variable, frame: StackFrame): Value {
    const { type } = variable;
    const located = frame.locate(variable);
    switch (located.kind) {
      case "memory":
        return { type, address: located.address };
      case "register":
        return { type, register: located.register, bytes: located.bytes };
      case "bytes":
        return { type, bytes: located.bytes };
      case "unavailable":
        return { type, absent: located.why };
    }
  }

  /** What is known of programs, that of the selected frame first. */
  #programs(): Iterable<DebugInformation> {
    return this.#guest.session.programs.from(this.#frame().pc);
  }

  #past(isBack: boolean, digits: string): Value | undefined {
    if (!isBack) return digits === "" ? this.history.at(-1) : this.history[Number(digits) - 1];
    return this.history.at(-1 - (digits === "" ? 1 : Number(digits)));
  }

  /** A variable by the file or the function that it is in. */
  #scoped(where: string, name: string): Value | undefined {
    for (const program of this.#programs()) {
      for (const scope of program.functions(where)) {
        const frame = this.#frame();
        const found = [scope, ...scope.blocks].flatMap((block) => block.variables).find((each) => each.name === name);
        if (found?.address !== undefined) return { type: found.type, address: found.address };
        if (frame.function?.name === where) {
          const local = frame.variable(name);
          if (local !== undefined) return this.valueOf(local, frame);
        }
      }
      const found = program.variables(name).find(({ file }) => file === where || file.endsWith(`/${where}`));
      if (found?.address !== undefined) return { type: found.type, address: found.address };
    }
    return undefined;
  }

  #current(): Value {
    const { address } = this.#guest.requireCurrent();
    return { type: pointerTo(this.types.find("task_struct")!), scalar: address };
  }

  #symbol(name: string): Value | undefined {
    const { session } = this.#guest;
    const address = session.symbols.lookup(name);
    const told = this.#ofPrograms(name);
    if (told !== undefined) return told;
    if (address === undefined) return undefined;
    return { type: this.#isCode(address) ? CODE : UNTYPED, address };
  }

  /** A variable or function of a program's; of several the one of the file that the frame is in. */
  #ofPrograms(name: string): Value | undefined {
    const frame = this.#frame();
    for (const program of this.#programs()) {
      const variables = program.variables(name);
      const variable = variables.find(({ file }) => file === frame.function?.file) ?? variables[0];
      if (variable?.address !== undefined) return { type: variable.type, address: variable.address };
      const [routine] = program.functions(name);
      if (routine !== undefined && plainType(routine.type).kind === "function") {
        return { type: routine.type, address: routine.start };
      }
    }
    return undefined;
  }

  #enumerator(name: string): Value | undefined {
    for (const program of this.#programs()) {
      const found = program.enumerator(name);
      if (found !== undefined) return { type: found.type, scalar: found.value };
    }
    return undefined;
  }

  #isCode(address: number): boolean {
    const { session } = this.#guest;
    const kernel: Kernel | undefined = session.kernel;
    return kernel?.image.function_at(address) !== undefined || session.symbols.lineEntry(address) !== undefined;
  }

  /** A register, of the frame where frames have their own. */
  #register(name: string): Value | undefined {
    const lower = name.toLowerCase();
    const register = REGISTERS.find((known) => known === lower) ?? OTHER_NAMES[lower];
    if (register !== undefined) return this.#whole(register);
    const part = Object.hasOwn(PARTS, lower) ? PARTS[lower] : undefined;
    if (part !== undefined) {
      const [whole, shift, bits] = part;
      const value = this.#whole(whole);
      if (value.scalar === undefined) return value;
      return { type: UNSIGNED, scalar: (Number(value.scalar) >>> shift) & (2 ** bits - 1) };
    }
    const flag = FLAG_BITS.find(({ name: known }) => known.toLowerCase() === lower);
    return flag === undefined ? undefined : plain((this.#guest.register("eflags") & flag.mask) >>> flag.shift);
  }

  #whole(register: RegisterName): Value {
    const frame = this.#frame();
    const number = dwarfNumber(register);
    if (frame.isLive || number === undefined) return { type: WORD, scalar: this.#guest.register(register), register };
    const value = frame.walked.registers[number];
    const type = WORD;
    if (value === undefined) return { type, absent: "unavailable" };
    const address = frame.walked.saved.get(number);
    return address === undefined ? { type, scalar: value } : { type, address };
  }

  #constant(name: string): Value | undefined {
    return Object.hasOwn(this.#constants, name) ? plain(this.#constants[name]) : undefined;
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
