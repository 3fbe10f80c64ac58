/**
 * The bridge: executes `hostcall`, one step of a hosted kernel function. EIP says which, EBP where its variables are;
 * nothing of a running kernel is kept here.
 */
import { type Core, Fault } from "../../emulator/index.ts";
import { ambient, type KernelHost } from "./context.ts";
import { HostedMemory } from "./hosted-memory.ts";
import type { Steps } from "./kernel-image.ts";

const EBP = 5;
const INVALID_OPCODE = 6;

/** What the bridge needs of the machine it is on. */
export interface BridgeOptions {
  readonly host: KernelHost;
  /** By number, the immediate of their hostcalls. */
  readonly steps: Steps;
  /** Linear addresses between which the kernel's own memory lies. */
  readonly lowest: number;
  readonly end: number;
  /** Takes down why the step whose hostcall is at `eip` cannot go on, for the oops. */
  readonly on_failure: (core: Core, eip: number, why: string) => void;
}

export class Bridge {
  readonly #host: KernelHost;
  readonly #steps: Steps;
  readonly #memory: HostedMemory;
  readonly #lowest: number;
  readonly #on_failure: BridgeOptions["on_failure"];

  constructor({ host, steps, lowest, end, on_failure }: BridgeOptions) {
    this.#host = host;
    this.#steps = steps;
    this.#memory = new HostedMemory(lowest, end);
    this.#lowest = lowest;
    this.#on_failure = on_failure;
  }

  /** Executes `hostcall id` on a core; EIP is already behind it. Raises #UD for a number that is no step's. */
  readonly hostcall = (core: Core, id: number): void => {
    const { functions, numbers } = this.#steps;
    const run = functions[id];
    if (run === undefined) core.raise(INVALID_OPCODE);
    const memory = this.#memory;
    memory.begin();
    if (ambient.core !== core || ambient.memory !== memory) {
      memory.core = core;
      ambient.enter(this.#host, memory, core);
    }
    const frame = core.r[EBP];
    try {
      if (frame >>> 0 < this.#lowest)
        throw new RangeError(`EBP is 0x${(frame >>> 0).toString(16)}, which is no frame of the kernel's`);
      run(core, frame, memory, numbers[id]);
    } catch (error) {
      this.#stop(core, error);
    }
  };

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

/** An exception in kernel TypeScript, as its oops names it. Nothing of the host's, such as its stack, gets into the guest. */
function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
