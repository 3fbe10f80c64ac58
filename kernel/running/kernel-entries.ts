/** Who is in the kernel, and why: the entries of each task that have not been left, for tracing. */
import type { Core } from "../../emulator/index.ts";
import type { TraceEvent } from "../host/context.ts";
import { PAGE_OFFSET } from "../include/asm/page.ts";
import { THREAD_SIZE, tss_struct } from "../include/asm/processor.ts";
import { FIRST_EXTERNAL_VECTOR } from "../include/linux/interrupt.ts";
import { task_struct } from "../include/linux/sched.ts";

const EAX = 0;
const ESP = 4;
const TR = 7;
const USER_CPL = 3;
const SYSCALL_VECTOR = 0x80;
const CR0_PG = 0x80000000;

/** What a task came into the kernel for: a system call's number, else the vector of an exception or interrupt. */
type Entry =
  | { readonly kind: "syscall"; readonly nr: number }
  | { readonly kind: "exception" | "interrupt"; readonly vector: number };

/**
 * Follows entries and returns (IRET) on each kernel stack. Only looks: it has no influence on the guest. A return whose
 * entry came before the first call of `entered` is not reported.
 */
export class KernelEntries {
  readonly #open = new Map<number, Entry[]>();
  readonly #read32: (linear: number) => number;
  readonly #memory_end: number;

  /**
   * @param read32 reads kernel memory without side effects
   * @param memory_end linear address behind the memory that the kernel maps at PAGE_OFFSET
   */
  constructor(read32: (linear: number) => number, memory_end: number) {
    this.#read32 = read32;
    this.#memory_end = memory_end;
  }

  /** Forgets what is open. */
  clear(): void {
    this.#open.clear();
  }

  /** What is open now, by task. */
  copy(): ReadonlyMap<number, readonly Entry[]> {
    return new Map([...this.#open].map(([task, open]) => [task, [...open]]));
  }

  /** Takes over what was open when it was copied, instead of what is open. */
  adopt(open: ReadonlyMap<number, readonly Entry[]>): void {
    this.#open.clear();
    for (const [task, entries] of open) this.#open.set(task, [...entries]);
  }

  /** An interrupt or exception is about to be delivered. undefined when the kernel's stacks are not there yet. */
  entered(core: Core, vector: number): TraceEvent | undefined {
    const task = this.#task_on(core);
    if (task === undefined) return undefined;
    let open = this.#open.get(task);
    if (open === undefined) this.#open.set(task, (open = []));
    const where = { pid: this.#pid_of(task), depth: open.length, cpl: core.cpl };
    if (vector === SYSCALL_VECTOR) {
      const nr = core.r[EAX]!;
      open.push({ kind: "syscall", nr });
      return { event: "syscall", nr, ...where };
    }
    const kind = vector < FIRST_EXTERNAL_VECTOR ? "exception" : "interrupt";
    open.push({ kind, vector });
    return { event: kind, vector, eip: core.eip >>> 0, ...where };
  }

  /** An IRET was executed. undefined when it ends nothing that was seen to begin. */
  returned(core: Core): TraceEvent | undefined {
    const task = this.#task_on(core);
    const open = task === undefined ? undefined : this.#open.get(task);
    const entry = open?.pop();
    if (entry === undefined || task === undefined) return undefined;
    const where = { pid: this.#pid_of(task), depth: open!.length, cpl: core.cpl };
    // Back in ring 3 the kernel stack is empty, whatever the kernel has given up on the way.
    if (core.cpl === USER_CPL) open!.length = 0;
    return entry.kind === "syscall"
      ? { event: "syscall_exit", nr: entry.nr, result: core.r[EAX]! | 0, ...where }
      : { event: `${entry.kind}_exit`, vector: entry.vector, ...where };
  }

  /** A task was made by the system call that its parent is in: it returns from that, too. */
  forked(core: Core, child: number): void {
    const parent = this.#task_on(core);
    const call = parent === undefined ? undefined : this.#open.get(parent)?.findLast(({ kind }) => kind === "syscall");
    this.#open.set(child, call === undefined ? [] : [call]);
  }

  /** The task whose kernel stack the core is on, or goes to when it leaves ring 3: linear address of its PCB. */
  #task_on(core: Core): number | undefined {
    if ((core.cr0 & CR0_PG) === 0) return undefined;
    let task = (core.r[ESP]! & -THREAD_SIZE) >>> 0;
    if (core.cpl === USER_CPL) {
      const tss = core.segBase(TR) >>> 0;
      if (!this.#is_mapped(tss, tss_struct.size)) return undefined;
      task = (this.#read32(tss + tss_struct.offset("esp0")) - THREAD_SIZE) >>> 0;
    }
    return this.#is_mapped(task, THREAD_SIZE) ? task : undefined;
  }

  #is_mapped(linear: number, bytes: number): boolean {
    return linear >= PAGE_OFFSET && linear + bytes <= this.#memory_end;
  }

  #pid_of(task: number): number {
    return this.#read32(task + task_struct.offset("pid"));
  }
}
