/**
 * How a kernel finds the task that runs and the number of its CPU (include/asm/current.h has the same for `.S` files): from the
 * stack that ESP is on, or, where nothing of a task is on its stack, from what the CPU's own GDT says.
 */
import type { GuestMemory } from "./guest-memory.ts";

interface Stacks {
  /** Bytes of a kernel stack, a power of two; all of them lie at multiples of it. */
  readonly size: number;
  /** The PCB of the boot CPU's idle task, linear. */
  readonly init_task: number;
  /** Whether the kernel is for several CPUs; one for one CPU looks nowhere for its number. */
  readonly has_cpus: boolean;
}

/** Offsets in bytes, addresses linear. */
export type StackLayout =
  /** The PCB is at the lower end of the stack. `processor` is the number's offset there. */
  | (Stacks & { readonly kind: "task_union"; readonly processor: number })
  /** A thread_info is there, which has the PCB's address at `task` and the number at `cpu`. */
  | (Stacks & { readonly kind: "thread_info"; readonly task: number; readonly cpu: number })
  /** Nothing is. `current_task` is a word for each CPU; the limit of the segment at `gdt_entry` is the number. */
  | (Stacks & { readonly kind: "vmap"; readonly current_task: number; readonly gdt_entry: number });

/** What of a core it takes. */
export interface StackRegisters {
  readonly esp: number;
  /** Linear address of the GDT. */
  readonly gdt: number;
}

const DESCRIPTOR_BYTES = 8;
/** Of a limit in a descriptor: there are not more CPUs than that. */
const LIMIT_LOW = 0xffff;

/** The lower end of the stack that an address is on; an address at a stack's very top is on the next one. */
export function stack_page({ size }: StackLayout, address: number): number {
  return (address & -size) >>> 0;
}

type Words = Pick<GuestMemory, "read32">;

/** The number of the CPU. */
export function cpu_number(layout: StackLayout, { esp, gdt }: StackRegisters, memory: Words): number {
  if (!layout.has_cpus) return 0;
  const end = stack_page(layout, esp);
  switch (layout.kind) {
    case "task_union":
      return memory.read32(end + layout.processor);
    case "thread_info":
      return memory.read32(end + layout.cpu);
    case "vmap":
      return memory.read32((gdt + layout.gdt_entry * DESCRIPTOR_BYTES) >>> 0) & LIMIT_LOW;
  }
}

/** Linear address of the PCB of the task that runs. */
export function current_of(layout: StackLayout, registers: StackRegisters, memory: Words): number {
  switch (layout.kind) {
    case "task_union":
      return stack_page(layout, registers.esp);
    case "thread_info":
      return memory.read32(stack_page(layout, registers.esp) + layout.task) >>> 0;
    case "vmap":
      return memory.read32(layout.current_task + 4 * cpu_number(layout, registers, memory)) >>> 0;
  }
}

/** Symbols of an image that tell its layout: absolute ones, which the linker is given, and variables. */
const ABSOLUTE = [
  "THREAD_SIZE",
  "task_struct_processor",
  "thread_info_task",
  "thread_info_cpu",
  "GDT_ENTRY_CPU_NUMBER",
] as const;

/** Those that the linker has to define, out of what `.S` files know. */
export function stack_symbols(defines: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(ABSOLUTE.flatMap((name) => (name in defines ? [[name, defines[name]]] : [])));
}

/** The layout of an image with these symbols; undefined for one that has no tasks. */
export function stack_layout(symbols: ReadonlyMap<string, number>): StackLayout | undefined {
  const size = symbols.get("THREAD_SIZE");
  const boot_stack = symbols.get("init_task_union");
  if (size === undefined || boot_stack === undefined) return undefined;
  const symbol = (name: string) => symbols.get(name) ?? 0;
  const stacks = { size, init_task: symbols.get("init_task") ?? boot_stack, has_cpus: symbols.has("CONFIG_SMP") };
  if (symbols.has("CONFIG_VMAP_STACK"))
    return {
      kind: "vmap",
      ...stacks,
      current_task: symbol("current_task"),
      gdt_entry: symbol("GDT_ENTRY_CPU_NUMBER"),
    };
  if (symbols.has("CONFIG_THREAD_INFO"))
    return { kind: "thread_info", ...stacks, task: symbol("thread_info_task"), cpu: symbol("thread_info_cpu") };
  return { kind: "task_union", ...stacks, processor: symbol("task_struct_processor") };
}
