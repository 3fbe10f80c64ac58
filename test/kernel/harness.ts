/**
 * Hosted functions over plain arrays, without a machine: memory at PAGE_OFFSET, calls driven by hand. For property tests
 * that make thousands of calls; what depends on instructions, faults or interrupts is tested on a booted kernel.
 */
import type { Core } from "../../emulator/index.ts";
import { type KernelHost, with_context } from "../../kernel/host/context.ts";
import { declarations, type FunctionDeclaration, GuestCall, type Steps } from "../../kernel/host/declarations.ts";
import type { GuestMemory } from "../../kernel/host/memory.ts";
import { PAGE_OFFSET, PAGE_SIZE } from "../../kernel/include/asm/page.ts";
import { THREAD_SIZE } from "../../kernel/include/asm/processor.ts";
import { page } from "../../kernel/include/linux/mm.ts";
import { current } from "../../kernel/include/linux/sched.ts";
import { free_area_init, free_boot_block, largest_order } from "../../kernel/mm/page_alloc.ts";
import { kmem_cache_init } from "../../kernel/mm/slab.ts";
import "../../kernel/mm/vmscan.ts";

const TEXT = 0xf0000000;
const ESP = 4;

/** What stands in for the assembly functions that memory management calls. */
const assembly: Readonly<Record<string, (memory: ArrayMemory, ...args: number[]) => number>> = {
  clear_page: (memory, to) => memory.fill(to, PAGE_SIZE),
  copy_page: (memory, to, from) => memory.copy(to, from, PAGE_SIZE),
  __flush_tlb: () => 0,
  __flush_tlb_one: () => 0,
};

class ArrayMemory implements GuestMemory {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  private offset(linear: number): number {
    const offset = linear - PAGE_OFFSET;
    if (!(offset >= 0 && offset < this.bytes.length)) throw new RangeError(`no memory at 0x${linear.toString(16)}`);
    return offset;
  }

  read8 = (linear: number) => this.view.getUint8(this.offset(linear));
  read16 = (linear: number) => this.view.getUint16(this.offset(linear), true);
  read32 = (linear: number) => this.view.getInt32(this.offset(linear), true);
  write8 = (linear: number, value: number) => this.view.setUint8(this.offset(linear), value);
  write16 = (linear: number, value: number) => this.view.setUint16(this.offset(linear), value, true);
  write32 = (linear: number, value: number) => this.view.setInt32(this.offset(linear), value, true);

  fill(to: number, length: number): number {
    this.bytes.fill(0, this.offset(to), this.offset(to) + length);
    return 0;
  }

  copy(to: number, from: number, length: number): number {
    this.bytes.copyWithin(this.offset(to), this.offset(from), this.offset(from) + length);
    return 0;
  }
}

export class Harness {
  private readonly memory: ArrayMemory;
  private readonly symbols = new Map<string, number>();
  private readonly by_address = new Map<number, FunctionDeclaration | string>();
  private readonly core: Core;
  private readonly host: KernelHost;
  private readonly first_frame: number;
  /** What printk wrote. */
  log = "";

  /** Memory of `frames` page frames: kernel data and the idle task's stack first, then mem_map, then free pages. */
  constructor(readonly frames: number) {
    this.memory = new ArrayMemory(frames * PAGE_SIZE);
    let text = TEXT;
    const { functions, data } = declarations();
    for (const declaration of functions) {
      this.by_address.set(text, declaration);
      this.symbols.set(declaration.name, text++);
    }
    for (const name of Object.keys(assembly)) {
      this.by_address.set(text, name);
      this.symbols.set(name, text++);
    }
    let at = PAGE_OFFSET;
    const place = (name: string, size: number, alignment: number) => {
      at = Math.ceil(at / alignment) * alignment;
      this.symbols.set(name, at);
      at += size;
      return this.symbols.get(name)!;
    };
    place("empty_zero_page", PAGE_SIZE, PAGE_SIZE);
    place("swapper_pg_dir", PAGE_SIZE, PAGE_SIZE);
    for (const { name, size, alignment, bytes } of data) {
      const start = place(name, size, alignment);
      bytes?.forEach((byte, i) => {
        this.memory.write8(start + i, byte);
      });
    }
    for (const { name, words } of data) {
      words?.forEach((word, i) => {
        const value = typeof word === "number" ? word : (this.symbols.get(word) ?? 0);
        this.memory.write32(this.symbols.get(name)! + 4 * i, value);
      });
    }
    const map = place("mem_map_array", frames * page.size, PAGE_SIZE);
    this.first_frame = Math.ceil((at - PAGE_OFFSET) / PAGE_SIZE);
    const registers = new Int32Array(9);
    registers[ESP] = this.symbols.get("init_task_union")! + THREAD_SIZE - 64;
    const write8 = (_port: number, value: number) => {
      this.log += String.fromCharCode(value);
    };
    this.core = { r: registers, id: 0, ports: { write8 }, getEflags: () => 0, setEflags: () => {} } as unknown as Core;
    this.host = {
      image: {
        symbol: (name: string) => {
          const address = this.symbols.get(name);
          if (address === undefined) throw new RangeError(`no symbol ${name}`);
          return address;
        },
        symbolize: (address: number) => `0x${address.toString(16)}`,
        function_at: () => undefined,
      },
      exception_of: () => undefined,
      trace: () => {},
      tracing: false,
    };
    this.inspect(() => {
      free_area_init(map, frames);
      for (let pfn = this.first_frame; pfn < frames; ) {
        const order = largest_order(pfn, frames);
        free_boot_block(pfn, order);
        pfn += 1 << order;
      }
    });
  }

  /** A harness with the slab allocator running. */
  static with_slabs(frames: number): Harness {
    const harness = new Harness(frames);
    harness.run(() => kmem_cache_init());
    return harness;
  }

  /** Page frames that were free at the start. */
  get usable_frames(): number {
    return this.frames - this.first_frame;
  }

  inspect<T>(look: () => T): T {
    return with_context(this.core, this.host, this.memory, look);
  }

  /** Runs a kernel function to its end. */
  run<R>(start: () => Steps<R>): R {
    return this.inspect(() => this.drive(start()));
  }

  /** Makes `mm` the current task's address space, as far as the kernel's data say. */
  use_mm(mm: number): void {
    this.inspect(() => {
      current().mm = mm;
      current().active_mm = mm;
    });
  }

  private drive<R>(steps: Steps<R>): R {
    let result = steps.next(0);
    while (!result.done) result = steps.next(result.value instanceof GuestCall ? this.call(result.value) : 0);
    return result.value;
  }

  private call({ address, args }: GuestCall): number {
    const target = this.by_address.get(address);
    if (target === undefined) throw new RangeError(`no function at 0x${address.toString(16)}`);
    if (typeof target === "string") return assembly[target](this.memory, ...args);
    const values = target.parameters.map((parameter, i) => {
      if (parameter.kind !== "scalar") throw new TypeError(`${target.name} takes a struct by value`);
      return parameter.from_register(args[i]);
    });
    const result = (target.body as (...args: number[]) => Steps<number> | number)(...values);
    return (typeof result === "object" ? this.drive(result) : result) | 0;
  }
}
