/** Linear memory of a target, as a core or a task sees it. */
import type { Kernel } from "../../kernel/index.ts";
import { mm_struct, task_struct } from "../../kernel/inspect.ts";
import { CR0_PG } from "../paging.ts";
import { type AddressSpace, addressSpaceOf, type Piece, piecesOf } from "./page-tables.ts";
import type { Target } from "./target.ts";

/** Page tables of the kernel itself, for tasks that have none. */
const KERNEL_PAGE_DIRECTORY = "swapper_pg_dir";
const PAGE_OFFSET = 0xc0000000;

/**
 * Where a range of linear addresses lies, page by page, as a core sees it, or a task: the address of a `task_struct`.
 * Before paging is on, a kernel's addresses lie where it was loaded.
 * @throws RangeError when part of it is not mapped
 */
export function memoryPieces(
  { machine, kernel }: Target,
  address: number,
  length: number,
  core: number,
  task: number | undefined,
): Piece[] {
  const offset = (address >>> 0) - PAGE_OFFSET;
  const isPaged = (machine.cores[core].cr0 & CR0_PG) !== 0;
  if (kernel !== undefined && !isPaged && offset >= 0 && offset + length <= machine.memory.ramSize) {
    return [{ physical: offset, start: 0, end: length }];
  }
  const space = task === undefined ? addressSpaceOf(machine, core) : addressSpaceOfTask(kernel, task);
  return piecesOf(machine, space, address, length);
}

/**
 * The address space of a task, by the address of its `task_struct`; a kernel thread, which has none of its own, has the
 * kernel's.
 * @throws RangeError on a bare machine
 */
export function addressSpaceOfTask(
  kernel: Kernel | undefined,
  task: number,
): AddressSpace & { readonly directory: number } {
  if (kernel === undefined) throw new RangeError("a bare machine has no tasks that are known");
  const directory = kernel.inspect(() => {
    const { mm, active_mm } = task_struct.at(task);
    const own = mm !== 0 ? mm : active_mm;
    return own === 0 ? kernel.image.symbol(KERNEL_PAGE_DIRECTORY) : mm_struct.at(own).pgd;
  });
  return { directory: (directory - PAGE_OFFSET) >>> 0, largePages: true };
}
