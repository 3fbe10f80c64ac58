/** `BUG()` (include/asm-i386/page.h): a broken invariant of the kernel. */

/** The exception behind an oops that reports a kernel bug. */
export class KernelBug extends Error {
  override readonly name = "kernel BUG";
}

/** Stops the running kernel function with an oops that says which invariant does not hold. */
export function BUG(message: string): never {
  throw new KernelBug(message);
}
