/** What is debugged: a kernel on its machine, or a bare machine, seen alike. */
import {
  type JournalTarget,
  type Machine,
  type RunLimits,
  SnapshotError,
  type StopReason,
  serialTarget,
} from "../../emulator/index.ts";
import type { Kernel, KernelCapture, KernelStop } from "../../kernel/index.ts";

/** How a run of a target ended. */
export type TargetStop = KernelStop;

/** The whole state of a target at one moment. */
export type TargetCapture = KernelCapture;

export interface Target extends JournalTarget {
  readonly kernel: Kernel | undefined;
  run(limits: Omit<RunLimits, "until"> & { readonly until?: () => boolean }): TargetStop;
  /** Its state, or null while that is not all in the machine; it is made and run again then. */
  capture(): TargetCapture | null;
  restore(capture: TargetCapture): void;
  /** Sets who hears what the guest sends. */
  onOutput(listener: (stream: "serial1" | "serial2" | "log", byte: number) => void): void;
}

export function kernelTarget(kernel: Kernel): Target {
  return {
    machine: kernel.machine,
    kernel,
    run: (limits) => kernel.run(limits),
    capture: () => captureOf(() => kernel.capture()),
    restore: (capture) => kernel.restore(capture),
    input: (bytes) => kernel.input(bytes),
    closeInput: () => kernel.close_input(),
    onOutput: (listener) => {
      kernel.on_output = (byte) => listener("serial1", byte);
      kernel.on_log = (byte) => listener("log", byte);
    },
  };
}

export function machineTarget(machine: Machine): Target {
  return {
    ...serialTarget(machine),
    kernel: undefined,
    run: (limits) => kernelStop(machine.run(limits)),
    capture: () => captureOf(() => ({ machine: machine.capture(), input_closed: false })),
    restore: (capture) => machine.restore(capture.machine),
    onOutput: (listener) => {
      machine.onSerialOutput = (byte, port) => listener(port === 1 ? "serial1" : "serial2", byte);
      machine.onDebugOutput = (byte) => listener("log", byte);
    },
  };
}

/** Null while the machine's clock holds events of its host's. */
function captureOf(capture: () => TargetCapture): TargetCapture | null {
  try {
    return capture();
  } catch (error) {
    if (error instanceof SnapshotError) return null;
    throw error;
  }
}

function kernelStop(stop: StopReason): TargetStop {
  if (stop.kind === "exit") return { kind: "exit", status: stop.value };
  return stop.kind === "halted-forever" ? { kind: "asleep" } : stop;
}
