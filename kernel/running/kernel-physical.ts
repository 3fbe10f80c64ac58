/** Where in physical memory the kernel's own addresses are: directly mapped RAM, and what page tables map above it. */
import { __pa, MAXMEM, PAGE_MASK, PAGE_OFFSET } from "../include/asm/page.ts";

const PRESENT = 1;

/**
 * The physical address behind a kernel address, -1 when nothing is mapped there.
 * @param ram bytes of RAM
 * @param directory CR3
 * @param read a word of physical memory
 */
export function kernel_physical(
  linear: number,
  ram: number,
  directory: number,
  read: (physical: number) => number,
): number {
  const at = linear >>> 0;
  const direct = __pa(at);
  if (at >= PAGE_OFFSET && direct < Math.min(ram, MAXMEM)) return direct;
  const pde = read(((directory & PAGE_MASK) | ((at >>> 20) & 0xffc)) >>> 0);
  if ((pde & PRESENT) === 0) return -1;
  const pte = read(((pde & PAGE_MASK) | ((at >>> 10) & 0xffc)) >>> 0);
  return (pte & PRESENT) === 0 ? -1 : ((pte & PAGE_MASK) | (at & ~PAGE_MASK)) >>> 0;
}
