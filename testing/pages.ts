/** Page tables and page frames as tests see them. */
import type { Machine } from "../emulator/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { mem_map, memory, mm_struct, PAGE_OFFSET, page, task_struct, vm_area_struct } from "../kernel/inspect.ts";

const PAGE_SIZE = 4096;
const PRESENT = 0x001;
const WRITABLE = 0x002;
const USER = 0x004;
const ACCESSED = 0x020;
const DIRTY = 0x040;
const LARGE = 0x080;
const FRAME_MASK = 0xfffff000;
const LARGE_FRAME_MASK = 0xffc00000;
const ENTRIES = 1024;
const VM_WRITE = 0x00000002;
const VM_SHARED = 0x00000008;

/** A page of a task's address space: its entry, its frame and the area it belongs to. */
export interface PageView {
  readonly pid: number;
  /** Linear address of the page's first byte. */
  readonly address: number;
  /** The page-table entry (of a large page the directory's); 0 when there is none. */
  readonly entry: number;
  readonly present: boolean;
  readonly writable: boolean;
  readonly user: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
  /** Physical address of the frame; undefined when not present. */
  readonly frame: number | undefined;
  /** Users that struct page counts; undefined when not present or no RAM. */
  readonly count: number | undefined;
  /** The area the page lies in; undefined when it lies in none. */
  readonly area: AreaView | undefined;
}

/** A vm_area_struct. */
export interface AreaView {
  /** First byte, and first byte behind the end. */
  readonly start: number;
  readonly end: number;
  /** VM_WRITE: the program may write there. */
  readonly writable: boolean;
  /** VM_SHARED: its pages are not to be copied. */
  readonly shared: boolean;
}

function read32(machine: Machine, physical: number): number {
  const bytes = machine.readPhysical(physical >>> 0, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** Physical address of a task's page directory. @throws RangeError for a task without an address space of its own */
function directoryOf(kernel: Kernel, task: number, pid: number): number {
  const mm = kernel.inspect(() => task_struct.at(task).mm);
  if (mm === 0) throw new RangeError(`pid ${pid} has no address space of its own: it is a kernel thread or has ended`);
  return kernel.inspect(() => mm_struct.at(mm).pgd) - PAGE_OFFSET;
}

function areaOf(kernel: Kernel, task: number, address: number): AreaView | undefined {
  return kernel.inspect(() => {
    for (let at = mm_struct.at(task_struct.at(task).mm).mmap; at !== 0; ) {
      const { vm_start, vm_end, vm_flags, vm_next } = vm_area_struct.at(at);
      if (address >= vm_start && address < vm_end) {
        const writable = (vm_flags & VM_WRITE) !== 0;
        return { start: vm_start, end: vm_end, writable, shared: (vm_flags & VM_SHARED) !== 0 };
      }
      at = vm_next;
    }
    return undefined;
  });
}

/** struct page's count of a frame; undefined for what mem_map does not describe. */
export function frameCount(kernel: Kernel, frame: number): number | undefined {
  if (frame >= kernel.machine.memory.ramSize) return undefined;
  return kernel.inspect(() => page.at(mem_map.value + (frame / PAGE_SIZE) * page.size).count);
}

/** The page that a linear address of a task lies in. @throws RangeError for a task without an address space */
export function pageOf(kernel: Kernel, task: number, linear: number): PageView {
  const { machine } = kernel;
  const pid = kernel.inspect(() => task_struct.at(task).pid);
  const address = (linear & FRAME_MASK) >>> 0;
  const pde = read32(machine, directoryOf(kernel, task, pid) + 4 * (address >>> 22));
  const large = (pde & PRESENT) !== 0 && (pde & LARGE) !== 0;
  const table = (pde & PRESENT) === 0 || large;
  const entry = table ? (large ? pde : 0) : read32(machine, (pde & FRAME_MASK) + 4 * ((address >>> 12) % ENTRIES));
  const present = (entry & PRESENT) !== 0;
  const inLarge = large ? (pde & LARGE_FRAME_MASK) | (address & ~LARGE_FRAME_MASK) : entry & FRAME_MASK;
  const frame = present ? inLarge >>> 0 : undefined;
  const rights = large ? pde : entry & pde;
  return {
    pid,
    address,
    entry,
    present,
    writable: present && (rights & WRITABLE) !== 0,
    user: present && (rights & USER) !== 0,
    accessed: (entry & ACCESSED) !== 0,
    dirty: (entry & DIRTY) !== 0,
    frame,
    count: frame === undefined ? undefined : frameCount(kernel, frame),
    area: areaOf(kernel, task, address),
  };
}

/** Every page present in the user part of a task's page tables, by address. */
export function pageTableOf(kernel: Kernel, task: number): PageView[] {
  const { machine } = kernel;
  const pid = kernel.inspect(() => task_struct.at(task).pid);
  const directory = directoryOf(kernel, task, pid);
  const pages: PageView[] = [];
  for (let i = 0; i < PAGE_OFFSET / (ENTRIES * PAGE_SIZE); i++) {
    const pde = read32(machine, directory + 4 * i);
    if ((pde & PRESENT) === 0) continue;
    for (let j = 0; j < ENTRIES; j++) {
      if ((read32(machine, (pde & FRAME_MASK) + 4 * j) & PRESENT) !== 0) {
        pages.push(pageOf(kernel, task, (i * ENTRIES + j) * PAGE_SIZE));
      }
    }
  }
  return pages;
}

/** Bytes of a task's memory, through its own page tables. @throws RangeError when a page is not present */
export function readTask(kernel: Kernel, task: number, address: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = (address + done) >>> 0;
    const { frame, pid } = pageOf(kernel, task, at);
    if (frame === undefined) throw new RangeError(`pid ${pid} has no page at 0x${at.toString(16)}`);
    const count = Math.min(length - done, PAGE_SIZE - (at % PAGE_SIZE));
    bytes.set(kernel.machine.readPhysical(frame + (at % PAGE_SIZE), count), done);
    done += count;
  }
  return bytes;
}

/** A word of kernel memory. */
export function kernelWord(kernel: Kernel, address: number): number {
  return kernel.inspect(() => memory().read32(address) >>> 0);
}

/** `present, read-only, user, frame 0x…, used 2 times` */
export function formatPage({ present, writable, user, dirty, frame, count, area }: PageView): string {
  const where = area === undefined ? "in no area" : `in a ${area.writable ? "writable" : "read-only"} area`;
  const shared = area?.shared ? " with VM_SHARED" : "";
  if (!present) return `not present, ${where}${shared}`;
  const rights = [writable ? "writable" : "read-only", user ? "user" : "supervisor", ...(dirty ? ["dirty"] : [])];
  return `present, ${rights.join(", ")}, frame 0x${frame!.toString(16)} used ${count ?? "?"} time(s), ${where}${shared}`;
}
