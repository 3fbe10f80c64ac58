/** What GDB is told of a stop (GDB manual, appendix E.3). */
import type { BreakpointRequest, Stop } from "../session/index.ts";

/** Signals by GDB's numbers. */
const SIGINT = 2;
const SIGTRAP = 5;
const SIGABRT = 6;
const SIGSEGV = 11;
const SIGSTOP = 17;

const SIGNALS: Readonly<Partial<Record<Stop["reason"], number>>> = {
  interrupted: SIGINT,
  panic: SIGABRT,
  "triple-fault": SIGSEGV,
  // Nothing will happen until something comes from outside.
  asleep: SIGSTOP,
  input: SIGSTOP,
};

const WATCHES = { change: "watch", write: "watch", read: "rwatch", access: "awatch" } as const;

/** Numbers of GDB's threads, the cores, count from 1. */
export function threadOf(core: number): string {
  return (core + 1).toString(16);
}

function hex2(value: number): string {
  return (value & 0xff).toString(16).padStart(2, "0");
}

function because(request: BreakpointRequest | undefined, isHardware: boolean): string {
  if (request?.kind === "address") return isHardware ? "hwbreak:;" : "swbreak:;";
  if (request?.kind === "watch") return `${WATCHES[request.on]}:${request.address.toString(16)};`;
  return "";
}

/** What a stop is told with. */
export interface StopCircumstances {
  /** Whether the breakpoint that stopped it was asked for as one of hardware. */
  readonly isHardware: boolean;
  /** Whether it was on its way back. */
  readonly isBackward: boolean;
  /**
   * Whether EIP is the linear address of the instruction: the base of CS is 0. GDB knows no segments. Told of a breakpoint
   * where it sees none, it takes it for one that it has removed, and goes on.
   */
  readonly isFlat: boolean;
}

/** The packet that tells GDB of a stop. */
export function stopReply(stop: Stop, { isHardware, isBackward, isFlat }: StopCircumstances): string {
  if (stop.reason === "exit" || stop.reason === "power-off") return `W${hex2(stop.status ?? 0)}`;
  const signal = hex2(SIGNALS[stop.reason] ?? SIGTRAP);
  const log = isBackward && stop.reason === "start" ? "replaylog:begin;" : "";
  const request = stop.breakpoint?.request;
  const why = request?.kind === "address" && !isFlat ? "" : because(request, isHardware);
  return `T${signal}${why}${log}thread:${threadOf(stop.core)};`;
}
