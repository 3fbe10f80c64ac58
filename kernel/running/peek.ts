/** What checks read of a running kernel. */
import { type Core, ESP } from "../../emulator/index.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { cpu_number, current_of } from "../host/stack-layout.ts";
import { kernel_physical } from "./kernel-physical.ts";

/** A word of the kernel's data or of its stack, as a signed number, without an effect on the TLB; 0 where nothing is mapped. */
export function peek(core: Core, linear: number): number {
  const at = kernel_physical(linear, core.memory.ramSize, core.cr3, (physical) => core.peekPhysical32(physical));
  return at < 0 ? 0 : core.peekPhysical32(at);
}

/** The number of the CPU that a core is. */
export function cpu_of(core: Core, { stacks }: KernelImage): number {
  return stacks === undefined ? 0 : cpu_number(stacks, registers_of(core), words_of(core));
}

/** Linear address of the PCB of the task that it runs. */
export function task_of(core: Core, { stacks }: KernelImage): number {
  return stacks === undefined ? 0 : current_of(stacks, registers_of(core), words_of(core));
}

function registers_of(core: Core) {
  return { esp: core.r[ESP], gdt: core.gdtrBase };
}

function words_of(core: Core) {
  return { read32: (at: number) => peek(core, at) };
}
