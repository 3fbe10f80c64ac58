/** Kernel stacks as Linux 2.6 has them: with a thread_info at the lower end, which leads to the PCB (include/asm-i386/thread_info.h). */
import { kernel_function } from "../host/declarations.ts";
import { u32 } from "../host/types.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";

/** Pages of a stack: 2^1. */
const THREAD_ORDER = 1;

/** @context might_sleep */
export const alloc_thread_stack = kernel_function("alloc_thread_stack", [], u32, function* () {
  return yield* __get_free_pages(GFP_KERNEL, THREAD_ORDER);
});

export const free_thread_stack = kernel_function("free_thread_stack", [u32], undefined, function* (stack) {
  yield* free_pages(stack, THREAD_ORDER);
});
