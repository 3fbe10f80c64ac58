/** What is debugged: a kernel on its machine, or a bare machine, seen alike. */
import type { Machine, StopReason as MachineStop, RunLimits } from "../../emulator/index.ts";
import type { Kernel, KernelStop } from "../../kernel/index.ts";

/** How a run of a target ended. */
export type TargetStop = KernelStop;

export interface Target {
  readonly machine: Machine;
  readonly kernel: Kernel | undefined;
  run(limits: Omit<RunLimits, "until">): TargetStop;
  /** Bytes for the first serial port. */
  input(bytes: Uint8Array): void;
  closeInput(): void;
  /** Sets who hears what the guest sends. */
  onOutput(listener: (stream: "serial1" | "serial2" | "log", byte: number) => void): void;
}

export function kernelTarget(kernel: Kernel): Target {
  return {
    machine: kernel.machine,
    kernel,
    run: (limits) => kernel.run(limits),
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
    machine,
    kernel: undefined,
    run: (limits) => kernelStop(machine.run(limits)),
    input: (bytes) => machine.com1.receive(bytes),
    closeInput: () => machine.com1.setCarrier(false),
    onOutput: (listener) => {
      machine.onSerialOutput = (byte, port) => listener(port === 1 ? "serial1" : "serial2", byte);
      machine.onDebugOutput = (byte) => listener("log", byte);
    },
  };
}

function kernelStop(stop: MachineStop): TargetStop {
  if (stop.kind === "exit") return { kind: "exit", status: stop.value };
  return stop.kind === "halted-forever" ? { kind: "asleep" } : stop;
}
