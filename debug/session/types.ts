/** What a debugging session says and is told: stops, breakpoints, watchpoints, catchpoints. */
import type { WatchedAccess } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import type { SessionView } from "./view.ts";

export type { WatchedAccess };

/** Why a session stands where it stands. */
export type StopReason =
  /** The steps asked for are done: `step`, `next`, `finish`, `until`, `goto` and their reverse. */
  | "step"
  | "breakpoint"
  | "watchpoint"
  | "catch"
  /** The function has returned that has the variable that a watchpoint is on; it is removed. */
  | "scope"
  /** The guest ended: `status` is pid 1's exit status, or the value written to the exit port. */
  | "exit"
  /** The guest switched its machine off. */
  | "power-off"
  | "panic"
  /** Everything sleeps, and nothing can wake it. */
  | "asleep"
  /** The same, but a task waits for input that the host can still give. */
  | "input"
  | "triple-fault"
  /** `interrupt` was called. */
  | "interrupted"
  /** `maxInstructions` were executed. */
  | "budget"
  /** Nothing has run yet, or a reverse operation found nothing to stop at. */
  | "start";

/** What has stopped a session. */
export interface StopCause {
  readonly reason: StopReason;
  /** The breakpoint, watchpoint or catchpoint that stopped it. */
  readonly breakpoint?: Breakpoint;
  /** The access that a watchpoint saw. The instruction that made it is done. */
  readonly access?: WatchedAccess;
  /** What a catchpoint caught. The instruction that caused it is done; of an exception, the delivery. */
  readonly event?: SessionEvent;
}

/** A place where a session stands. */
export interface Stop extends StopCause {
  /** The core that stopped; after `step` the selected one. */
  readonly core: number;
  /** `DebugSession.position` of the stop. */
  readonly position: number;
  /** Other breakpoints and watchpoints that the same core has met there, by number; absent without any. */
  readonly others?: readonly StopCause[];
  /** For "exit". */
  readonly status?: number;
}

/** What can be caught: kernel events by name; exceptions and interrupts on any machine. */
export type CatchKind =
  | "exception"
  /** Of a device or another CPU, or by INT. */
  | "interrupt"
  /** The same without INT, which system calls are made with. */
  | "irq"
  | "syscall"
  | "switch"
  | "fork"
  | "cow"
  | "signal"
  | "softirq"
  | "exec"
  | "exit"
  /** A task became runnable. */
  | "wakeup";

/**
 * A kernel event, or the delivery of an exception or interrupt, which has `vector` and `eip`; a device's interrupt has
 * `irq`, its line.
 */
export type SessionEvent = RecordedEvent;

/** Decides at a hit whether to stop. It may look at the session and must change nothing. */
export type Condition = (session: SessionView) => boolean;

/** What all kinds have in common. */
interface StopRequest {
  readonly condition?: Condition | undefined;
  /** Hits (with the condition true) to pass over before stopping. */
  readonly ignore?: number | undefined;
  /** Removed at its first stop. */
  readonly temporary?: boolean | undefined;
  /** Only on this core. */
  readonly core?: number | undefined;
  /** What the user wrote, for lists. */
  readonly text?: string | undefined;
}

/** Stop before the instruction at a linear address. */
export interface AddressRequest extends StopRequest {
  readonly kind: "address";
  readonly linear: number;
}

/** The frame of a variable is gone when the core is at its return address again, with the frame popped. */
export interface WatchScope {
  /** Linear address that the frame returns to. */
  readonly returns: number;
  /** ESP when it has, or more. */
  readonly esp: number;
  /** Of a user program: its page directory. */
  readonly cr3?: number | undefined;
}

/** Stop after an instruction that accessed memory. */
export interface WatchRequest extends StopRequest {
  readonly kind: "watch";
  readonly space: "linear" | "physical";
  readonly address: number;
  /** Bytes, 1 or more. */
  readonly length: number;
  /** Of a local variable: where the watchpoint ends. */
  readonly scope?: WatchScope | undefined;
  /** "change" is a write that leaves another value. */
  readonly on: "read" | "write" | "change" | "access";
}

/** Stop after the instruction that caused an event. */
export interface CatchRequest extends StopRequest {
  readonly kind: "catch";
  readonly event: CatchKind;
  /** Which of them; all without it. */
  readonly filter?: ((event: SessionEvent) => boolean) | undefined;
}

export type BreakpointRequest = AddressRequest | WatchRequest | CatchRequest;

/** A request that was added. */
export interface Breakpoint {
  /** Counts from 1. */
  readonly number: number;
  readonly request: BreakpointRequest;
  readonly enabled: boolean;
  /** How often it was hit, with the condition true: going forward, passed-over hits too; going back, where it stopped. */
  readonly hits: number;
  /** Hits that will still be passed over. */
  readonly ignore: number;
}

/** A run of bytes the guest sent, with the position at which it did. */
export interface SessionOutput {
  /** `serial1`, `serial2`: what was sent; `log`: the kernel log or debug console. */
  readonly stream: "serial1" | "serial2" | "log";
  readonly byte: number;
  readonly position: number;
}
