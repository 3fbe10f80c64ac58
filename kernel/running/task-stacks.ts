/** Whose stack is whose: the task that a core runs, and the tasks and CPUs that stacks belong to. Only looks. */
import { type Core, ESP, TR } from "../../emulator/index.ts";
import { image } from "../host/context.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { memory } from "../host/memory.ts";
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

/** Stacks that belong to a CPU and no task, by the variable that has where they begin: those of all CPUs lie behind each other. */
const CPU_STACKS = {
  hardirq_stack: "hard IRQ stack",
  softirq_stack: "soft IRQ stack",
  nmi_stack: "NMI stack",
  debug_stack: "debug stack",
} as const;
/** The array of those for double faults, which every kernel has. */
const DOUBLEFAULT_STACK = "doublefault_stack";
export type CpuStackKind = (typeof CPU_STACKS)[keyof typeof CPU_STACKS] | "double fault stack";

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
  for (const [symbol, kind] of Object.entries(CPU_STACKS)) {
    const variable = kernel.find(symbol);
    if (variable === undefined) continue;
    const found = cpu_stack(kernel, kind, memory().read32(variable) >>> 0, address);
    if (found !== undefined) return found;
  }
  const array = kernel.find(DOUBLEFAULT_STACK);
  return array === undefined ? undefined : cpu_stack(kernel, "double fault stack", array, address);
}

/** @param first where that of CPU 0 begins; 0 when there are none yet */
function cpu_stack(kernel: KernelImage, kind: CpuStackKind, first: number, address: number): CpuStack | undefined {
  const size = kernel.stacks?.size ?? 0;
  const cpu = Math.ceil((address - first) / size) - 1;
  if (first === 0 || cpu < 0 || cpu >= kernel.cpus) return undefined;
  return { kind, cpu, start: first + cpu * size, end: first + (cpu + 1) * size };
}

/**
 * Linear address of the PCB of the task that a core executes: by the stack that it is on, or goes to when it leaves ring 3.
 * undefined before there are tasks.
 */
export function task_on(core: Core, { stacks }: KernelImage, words: Words): number | undefined {
  if (stacks === undefined || (core.cr0 & CR0_PG) === 0) return undefined;
  try {
    const esp = core.cpl === USER_CPL ? words.read32((core.segBase(TR) + ESP0) >>> 0) - 4 : core.r[ESP];
    if (esp >>> 0 < PAGE_OFFSET) return undefined;
    const task = current_of(stacks, { esp, gdt: core.gdtrBase }, words);
    if (task < PAGE_OFFSET) return undefined;
    words.read32(task); // it is there
    return task;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
