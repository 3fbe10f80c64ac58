/** Who comes into the kernel and leaves it, and what for: read from registers and kernel stacks, for tracing. */
import { callerRegisters, type FrameRegisters } from "../../asm/dwarf/reader/index.ts";
import { type Core, EAX, EDX } from "../../emulator/index.ts";
import type { TraceEvent } from "../host/context.ts";
import type { GuestMemory } from "../host/guest-memory.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { PAGE_OFFSET } from "../include/asm/page.ts";
import { kernel_entry } from "../include/asm/ptrace.ts";
import { FIRST_EXTERNAL_VECTOR } from "../include/linux/interrupt.ts";
import { task_struct } from "../include/linux/sched.ts";
import { task_on } from "./task-stacks.ts";

/** DWARF's number. */
const EIP = 8;
const USER_CPL = 3;
const SYSCALL_VECTOR = 0x80;
const DEEPEST = 256;
const THREAD_EIP = task_struct.offset("thread.eip");
const NOTHING = new Uint8Array(4);

/** Tells entries and returns (IRET). Only looks: it has no influence on the guest, and keeps nothing of it. */
export class KernelEntries {
  readonly #image: KernelImage;
  readonly #memory: GuestMemory;

  /** @param memory reads kernel memory without side effects */
  constructor(image: KernelImage, memory: GuestMemory) {
    this.#image = image;
    this.#memory = memory;
  }

  /** An interrupt or exception is about to be delivered. undefined when the kernel's stacks are not there yet. */
  entered(core: Core, vector: number): TraceEvent | undefined {
    const task = task_on(core, this.#image, this.#memory);
    if (task === undefined) return undefined;
    const where = { pid: this.#pid_of(task), depth: this.#depth(core, task), cpl: core.cpl };
    // A negative number loses its sign, as entry.S has it.
    if (vector === SYSCALL_VECTOR) return { event: "syscall", nr: core.r[EAX] & 0x7fffffff, ...where };
    const kind = vector < FIRST_EXTERNAL_VECTOR ? "exception" : "interrupt";
    return { event: kind, vector, eip: core.eip >>> 0, ...where };
  }

  /**
   * An IRET was executed. undefined when it is not of entry code.
   * @param esp what ESP was before: pt_regs.orig_eax is right below
   */
  returned(core: Core, esp: number): TraceEvent | undefined {
    const task = task_on(core, this.#image, this.#memory);
    const orig_eax = this.#word(esp - 4);
    if (task === undefined || orig_eax === undefined) return undefined;
    const entry = kernel_entry(orig_eax);
    if (entry === undefined) return undefined;
    const where = { pid: this.#pid_of(task), depth: this.#depth(core, task), cpl: core.cpl };
    return entry.kind === "syscall"
      ? { event: "syscall_exit", nr: entry.nr, result: core.r[EAX] | 0, ...where }
      : { event: `${entry.kind}_exit`, vector: entry.vector, ...where };
  }

  /** Entries that lie on the kernel stack that the core is on: unwinds it, by call frame information. */
  #depth(core: Core, task: number): number {
    if (core.cpl === USER_CPL) return 0;
    if (this.#has_never_run(core, task)) return 1;
    const { call_frames } = this.#image;
    let registers: FrameRegisters = [...Array.from(core.r.subarray(0, EIP), (value) => value >>> 0), core.eip >>> 0];
    let pc = registers[EIP];
    let called = false;
    let entries = 0;
    for (let frames = 0; frames < DEEPEST && pc !== undefined && pc >= PAGE_OFFSET; frames++) {
      const rules = call_frames.rules(pc, called);
      const caller = rules && callerRegisters(rules, registers, this.#read);
      if (caller === undefined) break;
      called = !rules!.isSignalFrame;
      if (!called) {
        entries++;
        if ((this.#read(caller.saved.get(EIP)! + 4)[0] & 3) === USER_CPL) break;
      }
      registers = caller.registers;
      pc = registers[EIP];
    }
    return entries;
  }

  /**
   * Whether switch_to has just changed to the stack of a new task: nothing is on it but the registers that it returns to
   * its program with.
   */
  #has_never_run(core: Core, task: number): boolean {
    const eip = core.eip >>> 0;
    const resume = this.#image.symbol("switch_to_resume");
    if (eip <= this.#image.symbol("switch_to") || eip >= resume) return false;
    return core.r[EDX] >>> 0 === task && this.#memory.read32(task + THREAD_EIP) >>> 0 !== resume;
  }

  /** A word of kernel memory; 0 where there is none. */
  readonly #read = (linear: number): Uint8Array => {
    const word = this.#word(linear);
    return word === undefined ? NOTHING : new Uint8Array(Int32Array.of(word).buffer);
  };

  #word(linear: number): number | undefined {
    if (linear >>> 0 < PAGE_OFFSET) return undefined;
    try {
      return this.#memory.read32(linear);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  #pid_of(task: number): number {
    return this.#memory.read32(task + task_struct.offset("pid"));
  }
}
