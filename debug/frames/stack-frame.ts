/** Frames as a source has them: the function, where in its text, its arguments and variables. */
import {
  type CType,
  type DebugInformation,
  type ExpressionContext,
  frameAddress,
  type Place,
  plainType,
  type Scope,
  type Variable,
} from "../../asm/dwarf/reader/index.ts";
import { ElfError } from "../../asm/index.ts";
import { codeAddressOf } from "./entry.ts";
import { DWARF_NAMES, EIP } from "./frame-registers.ts";
import { backtrace, currentPointers, type Frame, type StackPointers } from "./frame-walk.ts";
import { type Guest, MemoryError } from "./guest.ts";

/** Where the value of a variable is, or what it is. */
export type Located =
  /** In memory. */
  | { readonly kind: "memory"; readonly address: number }
  /** In a register of the CPU. */
  | { readonly kind: "register"; readonly register: (typeof DWARF_NAMES)[number]; readonly bytes: Uint8Array }
  /** These bytes, which lie nowhere as a whole. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** It cannot be known. */
  | { readonly kind: "unavailable"; readonly why: "optimized out" | "unavailable" };

/** A place in a source. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

const OPTIMIZED_OUT: Located = { kind: "unavailable", why: "optimized out" };
/** Bytes of an array or struct that is put together from registers at most. */
const MOST_BYTES = 1 << 16;

/** A frame of a function, or of one that the compiler has put into another: such frames share their registers. */
export class StackFrame {
  readonly #guest: Guest;
  readonly #information: DebugInformation | undefined;
  /** The function in whose code it is, and all that is inlined on the way to it. */
  readonly #chain: readonly Scope[];

  /**
   * @param scopes those of this frame: the function, and the blocks around the instruction
   * @param place where it stands in the source
   * @param task whose frame it is, if not the current one's: its user memory is read from there
   * @param isLive whether its registers are those of the selected core
   */
  constructor(
    guest: Guest,
    readonly level: number,
    readonly walked: Frame,
    information: DebugInformation | undefined,
    chain: readonly Scope[],
    readonly scopes: readonly Scope[],
    readonly place: SourcePlace | undefined,
    readonly task: number | undefined,
    readonly isLive: boolean,
  ) {
    this.#guest = guest;
    this.#information = information;
    this.#chain = chain;
  }

  /** Linear address of its next instruction. */
  get pc(): number {
    return this.walked.pc;
  }

  /** An address of the instruction that it is at, or that has called. */
  get codeAddress(): number {
    return codeAddressOf(this.walked);
  }

  get function(): Scope | undefined {
    return this.scopes[0];
  }

  get isInlined(): boolean {
    return this.function?.isInlined === true;
  }

  /** Whether something inlined lies between it and the instruction: its place is that of the call. */
  get isInlinedOver(): boolean {
    return this.scopes.at(-1) !== this.#chain.at(-1);
  }

  /** Whether it is in a function: its own, or one that the compiler has put around or into it here. */
  isIn(scope: Scope): boolean {
    return this.#chain.some(({ entry }) => entry === scope.entry);
  }

  get parameters(): readonly Variable[] {
    return this.function?.parameters ?? [];
  }

  /** Variables of the blocks around the instruction, the innermost block first; the function's own are the last. */
  get blocks(): readonly (readonly Variable[])[] {
    return [...this.scopes].reverse().map((scope) => scope.variables);
  }

  /** The variable or parameter that a name means here. */
  variable(name: string): Variable | undefined {
    for (const block of this.blocks) {
      const found = block.findLast((variable) => variable.name === name);
      if (found !== undefined) return found;
    }
    return this.parameters.find((parameter) => parameter.name === name);
  }

  /** ESP before the call that made the frame; undefined when it is not told. */
  get cfa(): number | undefined {
    if (this.walked.cfa !== undefined) return this.walked.cfa;
    try {
      const rules = this.#information?.callFrames.rules(this.pc, !this.walked.isExact);
      return rules === undefined ? undefined : frameAddress(rules, this.walked.registers, this.#read);
    } catch (error) {
      if (error instanceof ElfError || error instanceof MemoryError) return undefined;
      throw error;
    }
  }

  /** Where a variable of this frame is now. @throws MemoryError */
  locate(variable: Variable): Located {
    try {
      return this.#located(variable.place(this.codeAddress, this.#context), plainType(variable.type));
    } catch (error) {
      if (error instanceof ElfError) return OPTIMIZED_OUT;
      throw error;
    }
  }

  readonly #read = (linear: number, length: number): Uint8Array => this.#guest.read(linear, length, this.task);

  get #context(): ExpressionContext {
    const context: ExpressionContext = {
      register: (number) => this.walked.registers[number],
      read: this.#read,
      frameBase: () => this.#chain[0]?.frameBase(this.codeAddress, context),
      cfa: () => this.cfa,
    };
    return context;
  }

  #located(place: Place, type: CType): Located {
    switch (place.kind) {
      case "memory":
        return { kind: "memory", address: place.address >>> 0 };
      case "register":
        return this.#inRegister(place.register, type.size);
      case "nowhere":
        return OPTIMIZED_OUT;
      default: {
        const bytes = this.#bytesOf(place, type.size);
        return bytes === undefined ? OPTIMIZED_OUT : { kind: "bytes", bytes };
      }
    }
  }

  #inRegister(register: number, size: number): Located {
    const value = this.walked.registers[register];
    const name = DWARF_NAMES[register];
    if (value === undefined || name === undefined) return { kind: "unavailable", why: "unavailable" };
    const address = register === EIP ? undefined : this.walked.saved.get(register);
    if (address !== undefined) return { kind: "memory", address };
    return { kind: "register", register: name, bytes: word(value).subarray(0, Math.min(size, 4)) };
  }

  #bytesOf(place: Place, size: number): Uint8Array | undefined {
    if (size > MOST_BYTES) return undefined;
    switch (place.kind) {
      case "memory":
        return this.#read(place.address, size);
      case "register": {
        const value = this.walked.registers[place.register];
        return value === undefined || size > 4 ? undefined : word(value).subarray(0, size);
      }
      case "value":
        return padded(word(place.value), size);
      case "bytes":
        return padded(place.bytes, size);
      case "nowhere":
        return undefined;
      case "pieces": {
        const whole = new Uint8Array(size);
        let at = 0;
        for (const piece of place.pieces) {
          const bytes = this.#bytesOf(piece.place, Math.min(piece.size, size - at));
          if (bytes === undefined) return undefined;
          whole.set(bytes, at);
          at += bytes.length;
        }
        return at < size ? undefined : whole;
      }
    }
  }
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes;
}

/** A constant of 32 bits may stand for one of 64: its sign goes on. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length >= size) return bytes.subarray(0, size);
  const whole = new Uint8Array(size);
  const isNegative = bytes.length > 0 && bytes.at(-1)! >= 0x80;
  if (isNegative) whole.fill(0xff);
  whole.set(bytes);
  return whole;
}

/** The frames that one frame on the stack is: its function, and what is inlined there, from the innermost outwards. */
function framesOf(guest: Guest, walked: Frame, level: number, task: number | undefined, isLive: boolean): StackFrame[] {
  const { session } = guest;
  const address = codeAddressOf(walked);
  const information = session.programs.at(address);
  const chain = information?.scopesAt(address) ?? [];
  const line = session.symbols.lineEntry(address);
  let place: SourcePlace | undefined = line === undefined ? undefined : { file: line.file, line: line.line };
  const frames: StackFrame[] = [];
  let end = chain.length;
  for (let i = chain.length - 1; i >= 0; i--) {
    const scope = chain[i];
    if (i > 0 && !scope.isInlined) continue;
    frames.push(
      new StackFrame(
        guest,
        level + frames.length,
        walked,
        information,
        chain,
        chain.slice(i, end),
        place,
        task,
        isLive,
      ),
    );
    end = i;
    if (!scope.isInlined) break;
    const { file, line: number } = scope.call;
    const name = file === undefined ? undefined : information?.fileOf(scope, file);
    place = name === undefined || number === undefined ? undefined : { file: name, line: number };
  }
  if (frames.length === 0) frames.push(new StackFrame(guest, level, walked, information, [], [], place, task, isLive));
  return frames;
}

/** All frames, from the innermost outwards. @param task whose user frames they are, if not those of the current one */
export function stackFrames(guest: Guest, start: StackPointers, task?: number): StackFrame[] {
  const frames: StackFrame[] = [];
  for (const [index, walked] of backtrace(guest, start, task).entries()) {
    frames.push(...framesOf(guest, walked, frames.length, task, task === undefined && index === 0));
  }
  return frames;
}

/** The frame that the selected core is in. */
export function innermostFrame(guest: Guest): StackFrame {
  const walked: Frame = {
    ...currentPointers(guest),
    kind: guest.isUser() ? "user" : "kernel",
    interrupted: false,
    isExact: true,
  };
  return framesOf(guest, walked, 0, undefined, true)[0];
}
