/** The guest as a debugger reads it: memory of any task, the current task, what the kernel's names stand for. */
import type { Core, Machine, RegisterName } from "../../emulator/index.ts";
import { CS, REGISTER_NAMES } from "../../emulator/index.ts";
import {
  for_each_task,
  idle_task,
  init_task,
  type Kernel,
  type KernelStack,
  NR_CPUS,
  type StackRange,
  smp_num_cpus,
  stack_of,
  task_struct,
} from "../../kernel/inspect.ts";
import { hex } from "../numbers.ts";
import { addressSpaceOfTask } from "../session/guest-memory.ts";
import type { DebugSession } from "../session/index.ts";
import { explain, walkPages } from "./page-walk.ts";

const USER_CPL = 3;
/** Tasks at most: a list that is longer leads in a circle. */
const PID_MAX = 0x8000;

/** Memory that cannot be read; the message says which address and why. */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
}

/** What somebody asks of the guest and it does not have, such as a task; the message is for the user. */
export class GuestError extends Error {
  override readonly name = "GuestError";
}

/** A task as a debugger names it. */
export interface TaskName {
  /** Linear address of its task_struct. */
  readonly address: number;
  readonly pid: number;
  readonly comm: string;
}

export class Guest {
  constructor(readonly session: DebugSession) {}

  get machine(): Machine {
    return this.session.machine;
  }

  /** The selected core. */
  get core(): Core {
    return this.machine.cores[this.session.core];
  }

  /** The kernel. @throws GuestError on a bare machine */
  kernel(what: string): Kernel {
    const { kernel } = this.session;
    if (kernel === undefined) throw new GuestError(`${what}: this is a bare machine; only a kernel of esp0's has that`);
    return kernel;
  }

  register(name: RegisterName): number {
    return this.machine.getRegister(name, this.session.core);
  }

  /** Linear address of the selected core's next instruction. */
  get pc(): number {
    return this.session.linearEip();
  }

  /** Linear address of the top of the selected core's stack. */
  get sp(): number {
    return this.register("esp");
  }

  isUser(core: Core = this.core): boolean {
    return core.cpl === USER_CPL;
  }

  /** Whether the selected core executes code of 32 bits. */
  get bits(): 16 | 32 {
    return this.core.codeSize32 ? 32 : 16;
  }

  /** Linear base of the code segment, to be added to offsets in branches. */
  get codeBase(): number {
    return this.core.segBase(CS) >>> 0;
  }

  // ---- Memory --------------------------------------------------------------------------------------------------------

  /** Bytes at a linear address, of the selected core's address space or a task's. @throws MemoryError */
  readonly read = (linear: number, length: number, task?: number): Uint8Array => {
    const at = linear >>> 0;
    try {
      return this.session.readLinear(at, length, task === undefined ? {} : { task });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new MemoryError(this.#whyNot(at, length, task));
    }
  };

  /** @throws MemoryError */
  readPhysical(physical: number, length: number): Uint8Array {
    try {
      return this.session.readPhysical(physical, length);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new MemoryError(`${hex(physical)} and ${length} bytes leave the physical address space of 4 GiB`);
    }
  }

  read8(linear: number, task?: number): number {
    return this.read(linear, 1, task)[0];
  }

  read32(linear: number, task?: number): number {
    const bytes = this.read(linear, 4, task);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  /** The string at a linear address, up to its NUL or `limit` bytes. @throws MemoryError when its first byte is none */
  readString(linear: number, limit = 200, task?: number): string {
    let text = String.fromCharCode(this.read8(linear, task));
    if (text === "\0") return "";
    for (let i = 1; i < limit; i++) {
      let byte: number;
      try {
        byte = this.read8(linear + i, task);
      } catch (error) {
        if (error instanceof MemoryError) break;
        throw error;
      }
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** CR3 of a task: that of its own page tables, or of those it borrows. */
  cr3Of(task: number): number {
    return addressSpaceOfTask(this.kernel("page tables of a task"), task).directory;
  }

  #whyNot(at: number, length: number, task: number | undefined): string {
    const { cr0, cr3, cr4 } = this.core;
    const directory = task === undefined ? cr3 : this.cr3Of(task);
    for (let page = at; page < at + length; page = (page & ~0xfff) + 0x1000 + (page < 0 ? 2 ** 32 : 0)) {
      const walk = walkPages(this.machine, { cr0, cr3: directory, cr4 }, page);
      if (walk.physical === undefined) return `${hex(page)} is not mapped: ${explain(walk)}`;
      if (page >= 0xfffff000) break;
      page >>>= 0;
    }
    return `${hex(at)} and ${length} bytes cannot be read`;
  }

  // ---- Tasks ---------------------------------------------------------------------------------------------------------

  /** The task that a core runs: of the kernel stack that it is on, or would be on. Undefined before there is one. */
  currentTask(core: Core = this.core): TaskName | undefined {
    const { kernel } = this.session;
    if (kernel === undefined) return undefined;
    try {
      const address = kernel.task_on(core.id);
      if (address === undefined) return undefined;
      return kernel.inspect(() => (taskAddresses()?.includes(address) === true ? nameOf(address) : undefined));
    } catch {
      // The task list is not there yet.
      return undefined;
    }
  }

  /** A task's kernel stack. */
  stackOf(task: number): StackRange {
    return this.kernel("kernel stacks").inspect(() => stack_of(task));
  }

  /** Whose kernel stack an address is on; undefined for none, and before there are any. */
  stackAt(address: number): KernelStack | undefined {
    try {
      return this.session.kernel?.stack_at(address);
    } catch {
      // The task list is not there yet.
      return undefined;
    }
  }

  /** A core that is on this task's stack. */
  coreOf(task: number): Core | undefined {
    return this.machine.cores.find((core) => this.currentTask(core)?.address === task);
  }

  /** All tasks, the CPUs' idle ones first. @throws GuestError on a bare machine, or when there are none yet */
  tasks(): TaskName[] {
    const kernel = this.kernel("tasks");
    let names: TaskName[] | undefined;
    try {
      names = kernel.inspect(() => taskAddresses()?.map(nameOf));
    } catch {
      // What the list leads to is no memory.
    }
    if (names === undefined) throw new GuestError("there are no tasks yet: the kernel has not set up its task list");
    return names;
  }

  /** @throws GuestError when there is no such task */
  task(pid: number): TaskName {
    const tasks = this.tasks();
    const found = tasks.find((task) => task.pid === pid);
    if (found !== undefined) return found;
    throw new GuestError(`no task with pid ${pid}; there are ${tasks.map((task) => task.pid).join(", ")}`);
  }

  /** @throws GuestError when there is none */
  requireCurrent(): TaskName {
    this.kernel("current");
    const task = this.currentTask();
    if (task === undefined) throw new GuestError("there is no current task yet: the kernel is still booting");
    return task;
  }
}

/**
 * The idle tasks, of which only the boot CPU's is on the kernel's task list, and the others there; undefined while that is not set
 * up, or has been destroyed.
 */
function taskAddresses(): number[] | undefined {
  const first = init_task();
  if (first.next_task === 0) return undefined;
  const addresses = [first.address];
  for (let cpu = 1; cpu < Math.min(smp_num_cpus.value, NR_CPUS); cpu++) addresses.push(idle_task(cpu));
  for (const { address } of for_each_task()) {
    if (addresses.push(address) > PID_MAX) return undefined;
  }
  return addresses;
}

function nameOf(address: number): TaskName {
  const { pid, comm, processor } = task_struct.at(address);
  return { address, pid, comm: pid === 0 && processor > 0 ? `${comm}/${processor}` : comm };
}

/** Names of the registers that `registers()` gives. */
export const REGISTERS: readonly RegisterName[] = REGISTER_NAMES;
