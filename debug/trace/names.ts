/** Names for the numbers in traces. */
import {
  CALL_FUNCTION_VECTOR,
  INVALIDATE_TLB_VECTOR,
  RESCHEDULE_VECTOR,
  STOP_VECTOR,
  signal_constants,
  syscall_numbers,
} from "../../kernel/inspect.ts";
import type { Activity, Slice } from "./activity.ts";

const EXCEPTIONS = "#DE #DB NMI #BP #OF #BR #UD #NM #DF CSO #TS #NP #SS #GP #PF - #MF #AC #MC #XM".split(" ");
const BOTTOM_HALVES: Readonly<Record<number, string>> = { 0: "timer", 1: "tqueue", 8: "serial", 10: "immediate" };

const syscalls = new Map(Object.entries(syscall_numbers).map(([name, nr]) => [nr, name]));
const signals = new Map<number, string>(
  Object.entries(signal_constants).flatMap(([name, value]) =>
    typeof value === "number" && /^SIG[A-Z0-9]+$/.test(name) ? [[value, name] as const] : [],
  ),
);

/** `read`, without `sys_`; the number of one this kernel does not have. */
export function syscallName(nr: number): string {
  return syscalls.get(nr) ?? `syscall ${nr}`;
}

export function signalName(sig: number): string {
  return signals.get(sig) ?? `signal ${sig}`;
}

/** `#PF`. */
export function exceptionName(vector: number): string {
  return EXCEPTIONS[vector] ?? `exception ${vector}`;
}

export function bottomHalfName(nr: number): string {
  return BOTTOM_HALVES[nr] ?? `${nr}`;
}

const IPIS: Readonly<Record<number, string>> = {
  [STOP_VECTOR]: "stop",
  [CALL_FUNCTION_VECTOR]: "call function",
  [RESCHEDULE_VECTOR]: "reschedule",
  [INVALIDATE_TLB_VECTOR]: "TLB shoot-down",
};

/** What CPUs interrupt each other for. */
export function ipiName(vector: number): string {
  return IPIS[vector] ?? `vector ${vector}`;
}

export function sliceName({ kind, number }: Slice): string {
  switch (kind) {
    case "syscall":
      return syscallName(number);
    case "exception":
      return exceptionName(number);
    case "interrupt":
      return `interrupt 0x${number.toString(16)}`;
    case "irq":
      return `IRQ ${number}`;
    case "bh":
      return `bh ${bottomHalfName(number)}`;
    case "idle":
      return "idle";
  }
}

/** `cow (2)`, `swapper/0`. */
export function taskName({ pid, cpu, comm }: Activity): string {
  return pid === 0 ? `${comm}/${cpu}` : `${comm || "task"} (${pid})`;
}
