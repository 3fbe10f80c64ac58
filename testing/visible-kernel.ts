/** Looking at a kernel under test: registers, tasks, stacks, pages, memory in use, symbols. */
import { didYouMean, nearNames } from "../asm/index.ts";
import type { Machine } from "../emulator/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { init_tss, nr_free_pages, nr_threads, slab_caches } from "../kernel/inspect.ts";
import { frameCount, kernelWord, type PageView, pageOf, pageTableOf, readTask } from "./pages.ts";
import type { Program } from "./program.ts";
import { type Registers, readRegisters } from "./registers.ts";
import { annotateStack, type StackWord } from "./stack.ts";
import { currentTask, type TaskView, viewTask, viewTasks } from "./tasks.ts";
import type { MemoryAccounting, SlabCache, TssView } from "./views.ts";

const ESP = 4;

/** Kernels by the views and events taken from them, for matchers that are given only those. */
const owners = new WeakMap<object, VisibleKernel>();

/** The kernel that a view came from. */
export function ownerOf(view: unknown): VisibleKernel | undefined {
  return typeof view === "object" && view !== null ? owners.get(view) : undefined;
}

/** What is to be seen of a kernel under test. Every view is of the moment it was asked for. */
export abstract class VisibleKernel {
  abstract readonly kernel: Kernel;
  abstract readonly program: Program;

  get machine(): Machine {
    return this.kernel.machine;
  }

  /** The CPU that has executed last, or is about to at the place that was run to: the one meant where none is named. */
  get cpu(): number {
    return this.machine.turnCore;
  }

  /** A CPU's registers. @throws RangeError when there is no such CPU */
  registers(cpu = this.cpu): Registers {
    return this.own(readRegisters(this.machine, cpu));
  }

  /** A CPU's TSS. @throws RangeError when there is no such CPU */
  tss(cpu = this.cpu): TssView {
    return this.own(
      this.kernel.inspect(() => {
        const { address, esp0, ss0 } = init_tss.of(cpu);
        return { address, esp0, ss0 };
      }),
    );
  }

  /** Every task, the idle one first. */
  tasks(): TaskView[] {
    return viewTasks(this.kernel).map((task) => this.own(task));
  }

  /** @throws RangeError when no task has this pid; the message names those that there are */
  task(pid: number): TaskView {
    const all = this.tasks();
    const found = all.find((task) => task.pid === pid);
    if (found !== undefined) return found;
    const there = all.map((task) => `${task.pid} (${task.comm})`).join(", ");
    throw new RangeError(`there is no task with pid ${pid}; there are ${there}`);
  }

  /** The task that a CPU executes; undefined early in the boot. @throws RangeError when there is no such CPU */
  current(cpu = this.cpu): TaskView | undefined {
    const address = currentTask(this.kernel, cpu);
    return address === undefined ? undefined : this.own(viewTask(this.kernel, address, cpu));
  }

  /** A task's kernel stack, from its ESP to its top, each word with what it is. Empty while the task is in user mode. */
  stack(pid: number): StackWord[] {
    const task = this.task(pid);
    const cpu = this.machine.cores.find(({ id }) => currentTask(this.kernel, id) === task.address);
    return annotateStack(this.kernel, task, cpu === undefined ? task.thread.esp : cpu.r[ESP] >>> 0);
  }

  /** The page of a task in which an address, or a symbol of the program, lies. @throws RangeError */
  page(pid: number, where: number | string): PageView {
    return this.own(pageOf(this.kernel, this.task(pid).address, this.address(where)));
  }

  /** Physical address of the frame behind an address of a task; undefined when no page is present there. */
  frameOf(pid: number, where: number | string): number | undefined {
    return this.page(pid, where).frame;
  }

  /** Users of the frame at a physical address, as struct page counts them. */
  frameCount(frame: number): number | undefined {
    return frameCount(this.kernel, frame);
  }

  /** Every page present in user space of a task, by address. */
  pageTable(pid: number): PageView[] {
    return pageTableOf(this.kernel, this.task(pid).address).map((page) => this.own(page));
  }

  /** Bytes of a task's memory. @throws RangeError when a page of it is not present */
  read(pid: number, where: number | string, length: number): Uint8Array {
    return readTask(this.kernel, this.task(pid).address, this.address(where), length);
  }

  /** A 32-bit word of kernel memory, at an address or a symbol, unsigned. */
  word(where: number | string): number {
    return kernelWord(this.kernel, this.address(where));
  }

  /** What is free and what is in use: keep it as a mark for `toHaveBalancedMemory`. */
  memory(): MemoryAccounting {
    return this.kernel.inspect(() => ({
      free_pages: nr_free_pages(),
      threads: nr_threads.value,
      ...(Object.fromEntries(slab_caches().map(({ name, active }) => [name, active])) as Record<SlabCache, number>),
    }));
  }

  /** Looks at the kernel's own variables and structs, with what `esp0/kernel` exports. Changes nothing. */
  inspect<T>(look: () => T): T {
    return this.kernel.inspect(look);
  }

  /** Linear address of a symbol, the program's before the kernel's. @throws RangeError that suggests near names */
  symbol(name: string): number {
    const own = this.program.symbol(name);
    if (own !== undefined) return own;
    const { symbols } = this.kernel.image;
    const found = symbols.find((symbol) => symbol.name === name);
    if (found !== undefined) return found.address;
    const near = nearNames(name, [...this.program.symbolNames, ...symbols.map((symbol) => symbol.name)]);
    const hint = didYouMean(near);
    throw new RangeError(`neither the program nor the kernel has a symbol ${name}${hint}`);
  }

  /** Of a symbol, or a number as it is, unsigned. */
  protected address(where: number | string): number {
    return typeof where === "string" ? this.symbol(where) : where >>> 0;
  }

  /** Remembers whose view it is. */
  protected own<T extends object>(view: T): T {
    owners.set(view, this);
    return view;
  }
}
