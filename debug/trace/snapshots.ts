/** Snapshots that a trace carries beside the kernel's events: page tables around forks, and kernel stacks. */

import type { RecordedEvent, TraceEvent } from "../../kernel/index.ts";
import {
  back_trace,
  idle_task,
  init_tss,
  type Kernel,
  memory,
  mm_struct,
  PAGE_OFFSET,
  pt_regs,
  syscall_numbers,
  THREAD_SIZE,
  task_list,
  task_struct,
  vm_area_struct,
} from "../../kernel/inspect.ts";
import { bareHex } from "../numbers.ts";
import { interrupt_stacks } from "./interrupt-stacks.ts";

const MOST_PAGE_TABLES = 64;
const MOST_ENTRIES = 512;
const MOST_STACKS = 256;
const MOST_STACKS_OF_A_TASK = 4;
const MOST_INTERRUPTS = 4;

const PAGE_SIZE = 4096;
const ENTRIES = 1024;
const PRESENT = 1;
const FRAME_MASK = 0xfffff000;
const WORD = 4;
const RPL = 3;
/** Of a list that may have been destroyed. */
const MOST_AREAS = 1024;
/** VM_READ, VM_WRITE, VM_EXEC and VM_GROWSDOWN (include/linux/mm.h). */
const AREA_FLAGS = [
  [0x001, "r"],
  [0x002, "w"],
  [0x004, "x"],
  [0x100, "g"],
] as const;

/** System calls that may make a task with an address space of its own. */
const FORKS: ReadonlySet<number | undefined> = new Set(["fork", "clone", "vfork"].map((name) => syscall_numbers[name]));
/** What switch_to leaves on the stack it switches from, from ESP upwards, below its return address. */
const SWITCH_FRAME = ["ebp of switch_to's caller", "edi", "esi", "ebx"];

/** Takes them, and stops when there are enough. Reads guest memory without side effects. */
export class Snapshots {
  readonly #kernel: Kernel;
  #page_tables = 0;
  #stacks = 0;
  #interrupts = 0;
  /** By CPU, what it took last. */
  readonly #interrupted = new Map<number, RecordedEvent>();
  readonly #stacks_of = new Map<number, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** What is to be recorded after `event`. */
  after(event: RecordedEvent): TraceEvent[] {
    switch (event.event) {
      case "syscall":
        return FORKS.has(Number(event.nr)) ? this.#page_tables_of("fork_begin", Number(event.pid)) : [];
      case "fork":
        return this.#page_tables_of("fork_end", Number(event.parent), Number(event.child));
      case "cow":
        return this.#page_tables_of("cow", Number(event.pid));
      case "switch_to":
        return this.#stacks_at(event);
      case "interrupt":
        this.#interrupted.set(event.cpu, event);
        return [];
      case "irq_entry":
        return this.#interrupt_stacks(event.cpu);
      default:
        return [];
    }
  }

  #page_tables_of(when: string, ...pids: number[]): TraceEvent[] {
    if (this.#page_tables >= MOST_PAGE_TABLES) return [];
    return pids.flatMap((pid) => {
      const entries = this.#kernel.inspect(() => user_pages(this.#kernel, pid));
      if (entries === undefined) return [];
      this.#page_tables++;
      const ptes = entries.slice(0, MOST_ENTRIES).join(" ");
      return [{ event: "page_tables", pid, when, ptes, left_off: Math.max(0, entries.length - MOST_ENTRIES) }];
    });
  }

  /** The stacks at an interrupt that came while a task was in the kernel. */
  #interrupt_stacks(cpu: number): TraceEvent[] {
    const interrupt = this.#interrupted.get(cpu);
    if (this.#interrupts >= MOST_INTERRUPTS || interrupt?.depth !== 1 || interrupt.pid === 0) return [];
    this.#interrupts++;
    return this.#kernel.inspect(() => interrupt_stacks(this.#kernel, cpu, Number(interrupt.pid)));
  }

  /** The stack that a core goes on with, and before it the one that it leaves. */
  #stacks_at(event: RecordedEvent): TraceEvent[] {
    const pid = Number(event.next);
    const taken = this.#stacks_of.get(pid) ?? 0;
    if (this.#stacks >= MOST_STACKS || taken >= MOST_STACKS_OF_A_TASK) return [];
    this.#stacks++;
    this.#stacks_of.set(pid, taken + 1);
    return this.#kernel.inspect(() => {
      const tss_esp0 = init_tss.of(event.cpu).esp0;
      return (["prev", "next"] as const).map((which) => {
        const [esp, eip] = which === "prev" ? [event.prev_esp, event.prev_eip] : [event.esp, event.eip];
        const words = annotated_stack(this.#kernel, Number(esp), Number(eip));
        const task = [...task_list(), idle_task(event.cpu)].find((one) => task_struct.at(one).thread.esp === esp);
        const esp0 = task === undefined ? 0 : task_struct.at(task).thread.esp0;
        const fields = { pid: Number(event[which]), which, esp: Number(esp), eip: Number(eip), esp0, tss_esp0 };
        return { event: "kernel_stack", ...fields, words: words.join(";") };
      });
    });
  }
}

/** `ADDRESS:ENTRY:AREA` of every present user page; undefined for a task without an address space. */
function user_pages(kernel: Kernel, pid: number): string[] | undefined {
  const address = task_list().find((task) => task_struct.at(task).pid === pid);
  const mm = address === undefined ? 0 : task_struct.at(address).mm;
  if (mm === 0) return undefined;
  const table_at = (physical: number) => {
    const bytes = kernel.machine.readPhysical(physical, PAGE_SIZE);
    return new DataView(bytes.buffer, bytes.byteOffset, PAGE_SIZE);
  };
  const directory = table_at(mm_struct.at(mm).pgd - PAGE_OFFSET);
  const areas = areas_of(mm);
  const pages: string[] = [];
  for (let i = 0; i < PAGE_OFFSET / (PAGE_SIZE * ENTRIES); i++) {
    const pde = directory.getUint32(i * WORD, true);
    if ((pde & PRESENT) === 0) continue;
    const table = table_at((pde & FRAME_MASK) >>> 0);
    for (let j = 0; j < ENTRIES; j++) {
      const pte = table.getUint32(j * WORD, true);
      if ((pte & PRESENT) === 0) continue;
      const at = (i * ENTRIES + j) * PAGE_SIZE;
      pages.push(
        `${bareHex(at)}:${bareHex(pte)}:${areas.find(({ start, end }) => at >= start && at < end)?.kind ?? "----"}`,
      );
    }
  }
  return pages;
}

interface Area {
  readonly start: number;
  readonly end: number;
  /** What may be done there: r, w, x, and g of a stack, which grows down; - for what may not. */
  readonly kind: string;
}

function areas_of(mm: number): Area[] {
  const areas: Area[] = [];
  for (let at = mm_struct.at(mm).mmap; at !== 0 && areas.length < MOST_AREAS; ) {
    const { vm_start, vm_end, vm_flags, vm_next } = vm_area_struct.at(at);
    const kind = AREA_FLAGS.map(([flag, letter]) => ((vm_flags & flag) === 0 ? "-" : letter)).join("");
    areas.push({ start: vm_start, end: vm_end, kind });
    at = vm_next;
  }
  return areas;
}

/** Every word of a sleeping task's kernel stack, from ESP upwards, with what is known about it. */
function annotated_stack(kernel: Kernel, esp: number, eip: number): string[] {
  const top = (esp & -THREAD_SIZE) + THREAD_SIZE;
  const notes = new Map<number, string>();
  const read = (at: number) => memory().read32(at) >>> 0;
  const registers = (top >>> 0) - pt_regs.size;
  const from_user = registers >= esp && (read(registers + pt_regs.offset("xcs")) & RPL) === RPL;
  if (eip === kernel.image.symbol("switch_to_resume")) {
    for (const [i, name] of SWITCH_FRAME.entries()) notes.set(esp + i * WORD, `switch frame: ${name}`);
    const returns_to = esp + SWITCH_FRAME.length * WORD;
    notes.set(returns_to, `return to ${kernel.image.symbolize(read(returns_to))}`);
    const end = from_user ? registers : top >>> 0;
    for (const { frame } of back_trace(memory(), kernel.image, eip, read(esp))) {
      if (frame < esp || frame + 2 * WORD > end) continue;
      notes.set(frame, "saved ebp");
      notes.set(frame + WORD, `return to ${kernel.image.symbolize(read(frame + WORD))}`);
    }
  }
  // A new kernel thread has its registers there, too, but no ESP and SS of ring 3.
  const is_new = eip === kernel.image.symbol("ret_from_fork");
  const lowest = from_user ? registers : is_new ? esp : undefined;
  if (lowest !== undefined) {
    for (const name of Object.keys(pt_regs.fields)) {
      const offset = pt_regs.offset(name);
      if (from_user || offset < pt_regs.offset("esp")) notes.set(lowest + offset, `pt_regs.${name}`);
    }
  }
  const words: string[] = [];
  for (let at = esp; at < top >>> 0; at += WORD) words.push(`${bareHex(read(at))} ${notes.get(at) ?? ""}`.trimEnd());
  return words;
}
