/** Programs on a kernel for several CPUs. */
import { type Interleaver, RoundRobin } from "../../../emulator/index.ts";
import type { Kernel } from "../../../kernel/index.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { for_each_cache } from "../../../kernel/mm/slab.ts";
import { boot, CONFIG, type Options, type Run } from "../run.ts";
import * as calls from "./calls.kernel.ts";

/** With the system calls of calls.kernel.ts, from number 250 on. */
export const image = link_kernel({
  config: { ...CONFIG, smp: true },
  modules: [calls],
  system_calls: {
    250: "sys_call_others",
    251: "sys_kick",
    252: "sys_flush_all",
    253: "sys_panic",
    254: "sys_shoot_down",
    255: "sys_move",
  },
});

export const HELLO = `
.globl _start
_start:
	PRINT "hello"
	EXIT
`;

/** A program that spins for some ticks between two texts. */
export const SPIN = `
.globl _start
_start:
	movl $500000, %ecx
1:	loop 1b
	PRINT "done"
	EXIT
`;

export function boot_smp(cpus: number, source = HELLO, options: Options = {}): Run {
  return boot(source, { image, cpus, ...options });
}

/** The physical address of a kernel symbol of the image. */
export const physical = (name: string): number => image.symbol(name) - 0xc0000000;

/** Does what another interleaver says, which can be changed. */
export class Exchangeable implements Interleaver {
  now: Interleaver = new RoundRobin();
  get quantum(): number {
    return this.now.quantum;
  }
  next(runnable: number, executed: number): number {
    return this.now.next(runnable, executed);
  }
}

/** Pages of all slabs: how many slabs the same objects are in depends on when they came and went. */
function slab_pages(): number {
  let pages = 0;
  for (const { num_slabs, gfporder } of for_each_cache()) pages += num_slabs << gfporder;
  return pages;
}

/** What must be the same after every run: as `memory`, with the pages of slabs. */
export function balance(kernel: Kernel, memory: () => Record<string, number>): Record<string, number> {
  const after = memory();
  after.free_pages += kernel.inspect(slab_pages);
  return after;
}
