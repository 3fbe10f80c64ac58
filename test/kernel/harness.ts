/**
 * Kernel functions called by hand, on a kernel that has got through part of its boot and goes no further. For property
 * tests that make thousands of calls.
 */

import { EAX, ECX, EDX, ESP } from "../../emulator/index.ts";
import { hosted_exception } from "../../kernel/arch/i386/kernel/traps.ts";
import { with_context } from "../../kernel/host/context.ts";
import { GuestCall, type Steps } from "../../kernel/host/declarations.ts";
import { HostedMemory } from "../../kernel/host/hosted-memory.ts";
import type { KernelImage } from "../../kernel/host/kernel-image.ts";
import { PAGE_OFFSET, PAGE_SIZE } from "../../kernel/include/asm/page.ts";
import { current } from "../../kernel/include/linux/sched.ts";
import { kernel_image } from "../../kernel/link.ts";
import { nr_free_pages } from "../../kernel/mm/page_alloc.ts";
import { Kernel, type KernelCapture } from "../../kernel/running/kernel.ts";

const FEWEST_FRAMES = 1024;
const EBP = 5;
const FASTCALL_REGISTERS = [EAX, EDX, ECX];
const EFLAGS_RESERVED = 2;
/** Where calls return to: nothing is ever executed there. */
const RETURN_TO = PAGE_OFFSET + 0x800;

const prepared: { readonly key: string; readonly image: KernelImage; readonly capture: KernelCapture }[] = [];

/** A kernel of `frames` page frames, stopped at the first instruction of `at`. */
function stopped_at(frames: number, at: string, image: KernelImage): Kernel {
  const key = `${frames} ${at}`;
  let known = prepared.find((one) => one.key === key && one.image === image);
  if (known === undefined) {
    const kernel = new Kernel({ image, memoryBytes: frames * PAGE_SIZE, initramfs: new Uint8Array(0) });
    kernel.machine.setBreakpoints([image.symbol(at)]);
    const stop = kernel.run();
    if (stop.kind !== "breakpoint") throw new Error(`the kernel did not get to ${at}: ${JSON.stringify(stop)}`);
    kernel.machine.setBreakpoints([]);
    known = { key, image, capture: kernel.capture() };
    prepared.push(known);
  }
  return Kernel.resume(known.capture, { image });
}

export class Harness {
  private readonly kernel: Kernel;
  private readonly memory: HostedMemory;
  /** Page frames that were free at the start. */
  readonly usable_frames: number;
  /** What printk wrote. */
  log = "";

  /**
   * @param frames page frames of memory; at least 1,024
   * @param at the function of start_kernel before which it stops: the page allocator works
   */
  constructor(
    frames: number,
    at = "kmem_cache_init",
    readonly image: KernelImage = kernel_image(),
  ) {
    this.kernel = stopped_at(Math.max(frames, FEWEST_FRAMES), at, image);
    this.kernel.on_log = (byte) => {
      this.log += String.fromCharCode(byte);
    };
    const { machine } = this.kernel;
    const view = (linear: number, size: number) =>
      new DataView(machine.readPhysical((linear - PAGE_OFFSET) >>> 0, size).buffer);
    const write = (linear: number, value: number, size: number) =>
      machine.writePhysical(
        (linear - PAGE_OFFSET) >>> 0,
        Uint8Array.from({ length: size }, (_, i) => (value >> (8 * i)) & 0xff),
      );
    this.memory = HostedMemory.of({
      read8: (linear) => view(linear, 1).getUint8(0),
      read16: (linear) => view(linear, 2).getUint16(0, true),
      read32: (linear) => view(linear, 4).getInt32(0, true),
      write8: (linear, value) => write(linear, value, 1),
      write16: (linear, value) => write(linear, value, 2),
      write32: (linear, value) => write(linear, value, 4),
    });
    this.usable_frames = this.inspect(nr_free_pages);
  }

  /** A harness with the slab allocator running. */
  static with_slabs(frames: number): Harness {
    return new Harness(frames, "fork_init");
  }

  /** Looks at the kernel's data, and may change them. */
  inspect<T>(look: () => T): T {
    return with_context(this.kernel.machine.cores[0], this.kernel, this.memory, look);
  }

  /**
   * Runs kernel functions to their end: `run(() => kmalloc(32, GFP_KERNEL))`, or a `function*` that calls several.
   * @throws Error with the exception's text when one of them ends in an oops; the kernel is as it was before that call
   */
  run<R>(start: () => Steps<R>): R {
    const steps = this.inspect(start);
    let result = this.inspect(() => steps.next(0));
    while (!result.done) {
      const call = result.value;
      const value = call instanceof GuestCall ? this.call(call) : 0;
      result = this.inspect(() => steps.next(value));
    }
    return result.value;
  }

  /** Makes `mm` the current task's address space, as far as the kernel's data say. */
  use_mm(mm: number): void {
    this.inspect(() => {
      current().mm = mm;
      current().active_mm = mm;
    });
  }

  private call({ address, args, fastcall, is_wide }: GuestCall): number {
    const { machine } = this.kernel;
    const core = machine.cores[0];
    const before = this.kernel.capture();
    const esp = core.r[ESP];
    let at = (esp - 64) & -16;
    const in_registers = fastcall ? Math.min(args.length, FASTCALL_REGISTERS.length) : 0;
    for (let i = args.length - 1; i >= in_registers; i--) this.memory.write32((at -= 4), args[i]);
    this.memory.write32((at -= 4), RETURN_TO);
    for (let i = 0; i < in_registers; i++) core.r[FASTCALL_REGISTERS[i]] = args[i] | 0;
    core.r[ESP] = at;
    core.r[EBP] = 0;
    core.eip = address | 0;
    core.setEflags(EFLAGS_RESERVED);
    machine.setBreakpoints([RETURN_TO]);
    const stop = this.kernel.run({ maxInstructions: 20_000_000 });
    machine.setBreakpoints([]);
    if (stop.kind !== "breakpoint") {
      const why = this.inspect(() => hosted_exception.value.text) || JSON.stringify(stop);
      this.kernel.restore(before);
      throw new Error(`${why}\n${this.log}`);
    }
    const low = core.r[EAX];
    const high = core.r[EDX];
    core.r[ESP] = esp;
    return is_wide ? high * 0x1_0000_0000 + (low >>> 0) : low;
  }
}
