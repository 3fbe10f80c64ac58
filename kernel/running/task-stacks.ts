/** Whose stack is whose: the task that a core runs, and the tasks and CPUs that stacks belong to. Only looks. */
import { type Core, ESP, TR } from "../../emulator/index.ts";
import { image } from "../host/context.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { current_of } from "../host/stack-layout.ts";
import { PAGE_OFFSET } from "../include/asm/page.ts";
import { THREAD_SIZE, tss_struct } from "../include/asm/processor.ts";
import { idle_task, init_task, task_stack_page, task_struct } from "../include/linux/sched.ts";
import { task_list } from "../kernel/pid.ts";

const USER_CPL = 3;
const CR0_PG = 0x80000000;
const ESP0 = tss_struct.offset("esp0");

/** A kernel stack: linear addresses of its lowest byte and of the first one behind its top. */
export interface StackRange {
  readonly start: number;
  readonly end: number;
}

/** Stacks that belong to a CPU and no task, by the symbols of where those of all CPUs lie behind each other. */
export const CPU_STACKS = {
  hardirq_stack: "hard IRQ stack",
  softirq_stack: "soft IRQ stack",
  nmi_stack: "NMI stack",
  debug_stack: "debug stack",
  doublefault_stack: "double fault stack",
} as const;
export type CpuStackKind = (typeof CPU_STACKS)[keyof typeof CPU_STACKS];

export interface CpuStack extends StackRange {
  readonly kind: CpuStackKind;
  readonly cpu: number;
}

/** A task's, by the address of its PCB, or a CPU's. */
export type KernelStack = (StackRange & { readonly kind: "task"; readonly task: number }) | CpuStack;

interface Words {
  /** @throws RangeError where nothing is mapped */
  read32(linear: number): number;
}

/** A task's kernel stack, whatever has become of its PCB if that is at the stack's end. Inside `kernel.inspect()`. */
export function stack_of(task: number): StackRange {
  const start = image().stacks?.kind === "task_union" ? task : task_stack_page(task_struct.at(task));
  return { start, end: start + THREAD_SIZE };
}

/** Whose stack an address is on; a stack's top counts. undefined for what is on none. Inside `kernel.inspect()`. */
export function stack_at(kernel: KernelImage, address: number): KernelStack | undefined {
  const own = cpu_stack_at(kernel, address);
  if (own !== undefined) return own;
  const idle = Array.from({ length: kernel.cpus }, (_, cpu) => idle_task(cpu)).filter((task) => task !== 0);
  const task = [...idle, ...(init_task().next_task === 0 ? [] : task_list())].find((one) => {
    const { start, end } = stack_of(one);
    return address > start && address <= end;
  });
  return task === undefined ? undefined : { kind: "task", task, ...stack_of(task) };
}

/** The stack, of those that belong to a CPU, that an address is on; a stack's top counts. */
function cpu_stack_at(kernel: KernelImage, address: number): CpuStack | undefined {
  const size = kernel.stacks?.size ?? 0;
  for (const [symbol, kind] of Object.entries(CPU_STACKS)) {
    const found = kernel.find(symbol);
    if (found === undefined) continue;
    const cpu = Math.ceil((address - found) / size) - 1;
    if (cpu < 0 || cpu >= kernel.cpus) continue;
    return { kind, cpu, start: found + cpu * size, end: found + (cpu + 1) * size };
  }
  return undefined;
}

/**
 * Linear address of the PCB of the task that a core executes: by the stack that it is on, or goes to when it leaves ring 3.
 * undefined before there are tasks.
 */
export function task_on(core: Core, { stacks }: KernelImage, memory: Words): number | undefined {
  if (stacks === undefined || (core.cr0 & CR0_PG) === 0) return undefined;
  try {
    const esp = core.cpl === USER_CPL ? memory.read32((core.segBase(TR) + ESP0) >>> 0) - 4 : core.r[ESP];
    if (esp >>> 0 < PAGE_OFFSET) return undefined;
    const task = current_of(stacks, { esp, gdt: core.gdtrBase }, memory);
    if (task < PAGE_OFFSET) return undefined;
    memory.read32(task); // it is there
    return task;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
