/**
 * The bridge: executes `hostcall`, one step of a hosted kernel function at a time.
 *
 * A function's activation is found by the frame it executes on (EBP), never by "the current task": whoever changes ESP
 * and EBP decides which activation goes on. The frame's handle at -4(%ebp) must be the activation's, else it is stale.
 */
import { type Core, Fault } from "../../emulator/index.ts";
import { type KernelHost, with_context } from "./context.ts";
import { declarations, type FunctionDeclaration, GuestCall, type Steps } from "./declarations.ts";

const EAX = 0;
const ECX = 1;
const EDX = 2;
const ESP = 4;
const EBP = 5;
const INVALID_OPCODE = 6;
const HOSTCALL_LENGTH = 4;
/** Lines of a JavaScript stack that an oops names. */
const DEEPEST_PLACE = 4;
const FASTCALL_REGISTERS = [EAX, EDX, ECX];

interface Activation {
  readonly declaration: FunctionDeclaration;
  readonly handle: number;
  steps: Steps<unknown> | undefined;
  /** A call yielded but not yet pushed whole (a push may fault and be retried). */
  to_push: GuestCall | undefined;
  /** Bytes of arguments the callee leaves on the stack for us to drop; -1 when no call is under way. */
  argument_bytes: number;
  /** Why the function cannot go on: an exception in its TypeScript. */
  failure: string | undefined;
  /** Steps it has done. */
  done: number;
}

export class Bridge {
  /** Activations by frame address. A new call on the same frame replaces what an abandoned one left. */
  private readonly frames = new Map<number, Activation>();
  private handles = 0;
  private readonly functions = declarations().functions;

  constructor(private readonly host: KernelHost) {}

  /** The failure of the activation whose frame is at `ebp`, for the oops that reports it. */
  exception_of(ebp: number): string | undefined {
    return this.frames.get(ebp >>> 0)?.failure;
  }

  /** The hosted function whose frame is at `ebp`, if one is active there. */
  function_at(ebp: number): string | undefined {
    return this.frames.get(ebp >>> 0)?.declaration.name;
  }

  /** Steps that the function whose frame is at `ebp` has done; undefined when that is not `name`. */
  steps_of(ebp: number, name: string): number | undefined {
    const activation = this.frames.get(ebp >>> 0);
    return activation?.declaration.name === name ? activation.done : undefined;
  }

  /** Executes `hostcall id` on a core; EIP is already behind it. Raises #UD for ids and frames that are not ours. */
  readonly hostcall = (core: Core, id: number): void => {
    const declaration = this.functions[id];
    if (declaration === undefined) core.raise(INVALID_OPCODE);
    with_context(core, this.host, core, () => this.step(core, declaration));
  };

  private step(core: Core, declaration: FunctionDeclaration): void {
    const frame = core.r[EBP] >>> 0;
    const handle = core.read32(frame - 4);
    if (handle === 0) {
      this.begin(core, declaration, frame);
      return;
    }
    const activation = this.frames.get(frame);
    if (activation === undefined || activation.handle !== handle || activation.declaration !== declaration) {
      this.frames.set(
        frame,
        failed(
          declaration,
          handle,
          "its frame was overwritten: the handle at -4(%ebp) is not that of a function begun here",
        ),
      );
      core.raise(INVALID_OPCODE);
    }
    if (activation.failure !== undefined) core.raise(INVALID_OPCODE);
    if (activation.to_push !== undefined) {
      this.push_call(core, activation, activation.to_push);
      return;
    }
    if (activation.argument_bytes >= 0) {
      const expected = (frame - 4 - declaration.locals - activation.argument_bytes) | 0;
      if (core.r[ESP] !== expected) {
        this.fail(
          core,
          activation,
          `a function it called came back with ESP ${hex(core.r[ESP])} instead of ${hex(expected)}`,
        );
      }
      core.r[ESP] = (frame - 4 - declaration.locals) | 0;
      activation.argument_bytes = -1;
    }
    const { steps } = activation;
    this.advance(core, activation, frame, () => steps!.next(core.r[EAX]));
  }

  private begin(core: Core, declaration: FunctionDeclaration, frame: number): void {
    const args = this.arguments_of(core, declaration, frame);
    const handle = (this.handles = (this.handles % 0x7fffffff) + 1);
    const activation: Activation = {
      declaration,
      handle,
      steps: undefined,
      to_push: undefined,
      argument_bytes: -1,
      failure: undefined,
      done: 0,
    };
    core.write32(frame - 4, handle);
    this.frames.set(frame, activation);
    this.advance(core, activation, frame, () => {
      const result = (declaration.body as (...args: unknown[]) => unknown)(...args);
      if (!is_steps(result)) return { done: true, value: result };
      activation.steps = result;
      return result.next(0);
    });
  }

  private arguments_of(core: Core, { parameters, fastcall }: FunctionDeclaration, frame: number): unknown[] {
    let at = frame + 8;
    let registers = 0;
    return parameters.map((parameter) => {
      if (parameter.kind === "by_value") {
        const view = parameter.struct.at(at);
        at += parameter.struct.size;
        return view;
      }
      if (fastcall && registers < FASTCALL_REGISTERS.length)
        return parameter.from_register(core.r[FASTCALL_REGISTERS[registers++]]);
      const value = parameter.from_register(core.read32(at));
      at += 4;
      return value;
    });
  }

  private advance(
    core: Core,
    activation: Activation,
    frame: number,
    resume: () => IteratorResult<unknown, unknown>,
  ): void {
    let result: IteratorResult<unknown, unknown>;
    activation.done++;
    try {
      result = resume();
    } catch (error) {
      if (error instanceof Fault) {
        activation.failure = "a memory access of it faulted";
        throw error;
      }
      this.fail(core, activation, describe(error));
    }
    if (result.done) {
      this.frames.delete(frame);
      if (activation.declaration.returns !== undefined) core.r[EAX] = (result.value as number) | 0;
      return;
    }
    if (result.value instanceof GuestCall) {
      activation.to_push = result.value;
      this.push_call(core, activation, result.value);
    } else {
      core.eip = core.eip - HOSTCALL_LENGTH;
    }
  }

  /** Pushes arguments and return address and jumps. The return address is the hostcall itself: it resumes us. */
  private push_call(core: Core, activation: Activation, call: GuestCall): void {
    const { args } = call;
    const return_address = core.eip - HOSTCALL_LENGTH;
    const in_registers = call.fastcall ? Math.min(args.length, FASTCALL_REGISTERS.length) : 0;
    let at = core.r[ESP];
    for (let i = args.length - 1; i >= in_registers; i--) core.write32((at -= 4) >>> 0, args[i] | 0);
    core.write32((at -= 4) >>> 0, return_address);
    for (let i = 0; i < in_registers; i++) core.r[FASTCALL_REGISTERS[i]] = args[i] | 0;
    core.r[ESP] = at | 0;
    core.eip = call.address | 0;
    activation.argument_bytes = 4 * (args.length - in_registers);
    activation.to_push = undefined;
  }

  private fail(core: Core, activation: Activation, why: string): never {
    activation.failure = why;
    core.raise(INVALID_OPCODE);
  }
}

function failed(declaration: FunctionDeclaration, handle: number, failure: string): Activation {
  return { declaration, handle, steps: undefined, to_push: undefined, argument_bytes: -1, failure, done: 0 };
}

function is_steps(value: unknown): value is Steps<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}

/** An exception in kernel TypeScript, as its oops names it: the message and where in the kernel's sources it was thrown. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const places: string[] = [];
  for (const line of (error.stack ?? "").split("\n")) {
    const place = /([^/\\\s(]+:\d+):\d+\)?$/.exec(line)?.[1];
    if (place?.startsWith("bridge.ts")) break;
    if (place !== undefined) places.push(place);
  }
  return `${error.name}: ${error.message}${places.length > 0 ? ` (${places.slice(0, DEEPEST_PLACE).join(" < ")})` : ""}`;
}
