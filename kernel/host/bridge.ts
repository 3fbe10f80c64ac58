/**
 * The bridge: executes `hostcall`, one step of a hosted kernel function. EIP says which, EBP where its variables are;
 * nothing of a running kernel is kept here.
 */
import { type Core, EBP, Fault } from "../../emulator/index.ts";
import { ambient, type KernelHost } from "./context.ts";
import { HostedMemory } from "./hosted-memory.ts";
import type { Steps } from "./kernel-image.ts";

const INVALID_OPCODE = 6;

/** What the bridge needs of the machine it is on. */
export interface BridgeOptions {
  readonly host: KernelHost;
  /** By number, the immediate of their hostcalls. */
  readonly steps: Steps;
  /** Linear addresses between which the kernel's own memory lies. */
  readonly lowest: number;
  readonly end: number;
  /**
   * Kernel stacks, which lie at multiples of their size, a power of two. A function whose frame begins in the bytes at the
   * lower end, but not its caller's, is stopped: what is left there is for saying so. From the linear address `end` on a guard page
   * stops it instead. undefined for stacks of any kind.
   */
  readonly stacks?: { readonly size: number; readonly reserved: number; readonly end: number };
  /** Takes down why the step whose hostcall is at `eip` cannot go on, for the oops. */
  readonly on_failure: (core: Core, eip: number, why: string) => void;
}

class StackOverflow extends Error {
  override readonly name = "stack overflow";
}

export class Bridge {
  readonly #host: KernelHost;
  readonly #steps: Steps;
  readonly #memory: HostedMemory;
  readonly #lowest: number;
  /** Bits of an address within its stack; none when nothing is known of stacks. */
  readonly #within_stack: number;
  readonly #reserved: number;
  readonly #guarded: number;
  readonly #on_failure: BridgeOptions["on_failure"];

  constructor({ host, steps, lowest, end, stacks, on_failure }: BridgeOptions) {
    this.#host = host;
    this.#steps = steps;
    this.#memory = new HostedMemory(lowest, end);
    this.#lowest = lowest;
    this.#within_stack = stacks === undefined ? 0 : stacks.size - 1;
    this.#reserved = stacks?.reserved ?? 0;
    this.#guarded = stacks?.end ?? 0;
    this.#on_failure = on_failure;
  }

  /** Executes `hostcall id` on a core; EIP is already behind it. Raises #UD for a number that is no step's. */
  readonly hostcall = (core: Core, id: number): void => {
    const { functions, numbers } = this.#steps;
    const run = functions[id];
    if (run === undefined) core.raise(INVALID_OPCODE);
    const memory = this.#memory;
    memory.begin();
    if (ambient.core !== core || ambient.memory !== memory) ambient.enter(this.#host, memory, core);
    const frame = core.r[EBP];
    try {
      if (frame >>> 0 < this.#lowest) throw new RangeError(`EBP is ${hex(frame)}, which is no frame of the kernel's`);
      if ((frame & this.#within_stack) < this.#reserved) this.#check_stack(core, frame);
      run(core, frame, memory, numbers[id]);
    } catch (error) {
      this.#stop(core, error);
    }
  };

  /** Where a frame lies in what is reserved, that of the caller, whose EBP it begins with, must, too. */
  #check_stack(core: Core, frame: number): void {
    if (frame >>> 0 >= this.#guarded) return;
    const within = this.#within_stack;
    const caller = core.read32(frame);
    if (((frame ^ caller) & ~within) !== 0 || (caller & within) >= this.#reserved)
      throw new StackOverflow(`EBP is ${hex(frame)}, that of its caller ${hex(caller)}`);
  }

  /** A step that faults has had no effect; one whose TypeScript threw is an invalid opcode. */
  #stop(core: Core, error: unknown): never {
    if (error instanceof Fault) {
      this.#memory.undo(core);
      throw error;
    }
    this.#on_failure(core, core.eipOfInstruction >>> 0, describe(error));
    core.raise(INVALID_OPCODE);
  }
}

function hex(address: number): string {
  return `0x${(address >>> 0).toString(16)}`;
}

/** An exception in kernel TypeScript, as its oops names it. Nothing of the host's, such as its stack, gets into the guest. */
function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
