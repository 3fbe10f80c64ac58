/** Snapshots that a trace carries beside the kernel's events: page tables around forks, and kernel stacks. */

import type { RecordedEvent, TraceEvent } from "../../kernel/index.ts";
import {
  back_trace,
  type Kernel,
  memory,
  mm_struct,
  PAGE_OFFSET,
  pt_regs,
  syscall_numbers,
  THREAD_SIZE,
  task_list,
  task_struct,
} from "../../kernel/inspect.ts";

const MOST_PAGE_TABLES = 64;
const MOST_ENTRIES = 512;
const MOST_STACKS = 256;
const MOST_STACKS_OF_A_TASK = 4;

const PAGE_SIZE = 4096;
const ENTRIES = 1024;
const PRESENT = 1;
const FRAME_MASK = 0xfffff000;
const WORD = 4;
const RPL = 3;

/** System calls that may make a task with an address space of its own. */
const FORKS: ReadonlySet<number | undefined> = new Set(["fork", "clone", "vfork"].map((name) => syscall_numbers[name]));
/** What switch_to leaves on the stack it switches from, from ESP upwards, below its return address. */
const SWITCH_FRAME = ["ebp of switch_to's caller", "edi", "esi", "ebx"];

/** Takes them, and stops when there are enough. Reads guest memory without side effects. */
export class Snapshots {
  readonly #kernel: Kernel;
  #page_tables = 0;
  #stacks = 0;
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
        return this.#stack_of(event);
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

  #stack_of(event: RecordedEvent): TraceEvent[] {
    const pid = Number(event.next);
    const taken = this.#stacks_of.get(pid) ?? 0;
    if (this.#stacks >= MOST_STACKS || taken >= MOST_STACKS_OF_A_TASK) return [];
    this.#stacks++;
    this.#stacks_of.set(pid, taken + 1);
    const esp = Number(event.esp);
    const eip = Number(event.eip);
    const words = this.#kernel.inspect(() => annotated_stack(this.#kernel, esp, eip));
    return [{ event: "kernel_stack", pid, esp, eip, words: words.join(";") }];
  }
}

/** `ADDRESS:ENTRY` of every present user page; undefined for a task without an address space. */
function user_pages(kernel: Kernel, pid: number): string[] | undefined {
  const address = task_list().find((task) => task_struct.at(task).pid === pid);
  const mm = address === undefined ? 0 : task_struct.at(address).mm;
  if (mm === 0) return undefined;
  const table_at = (physical: number) => {
    const bytes = kernel.machine.readPhysical(physical, PAGE_SIZE);
    return new DataView(bytes.buffer, bytes.byteOffset, PAGE_SIZE);
  };
  const directory = table_at(mm_struct.at(mm).pgd - PAGE_OFFSET);
  const pages: string[] = [];
  for (let i = 0; i < PAGE_OFFSET / (PAGE_SIZE * ENTRIES); i++) {
    const pde = directory.getUint32(i * WORD, true);
    if ((pde & PRESENT) === 0) continue;
    const table = table_at((pde & FRAME_MASK) >>> 0);
    for (let j = 0; j < ENTRIES; j++) {
      const pte = table.getUint32(j * WORD, true);
      if ((pte & PRESENT) !== 0) pages.push(`${hex((i * ENTRIES + j) * PAGE_SIZE)}:${hex(pte)}`);
    }
  }
  return pages;
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
  for (let at = esp; at < top >>> 0; at += WORD) words.push(`${hex(read(at))} ${notes.get(at) ?? ""}`.trimEnd());
  return words;
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
