/** vmalloc as system calls. */
import { kernel_function } from "../../../kernel/host/declarations.ts";
import { memory } from "../../../kernel/host/memory.ts";
import { i32, u32 } from "../../../kernel/host/types.ts";
import { __vmalloc, vfree } from "../../../kernel/mm/vmalloc.ts";

kernel_function("sys_vmalloc", [u32, u32], u32, function* (size, alignment) {
  return yield* __vmalloc(size, alignment);
});

kernel_function("sys_vfree", [u32], i32, function* (address) {
  yield* vfree(address);
  return 0;
});

/** Writes every page's number to it and reads all of them back; returns how many were wrong. */
kernel_function("sys_touch", [u32, u32], i32, function* (address, size) {
  let wrong: i32 = 0;
  for (let at: u32 = 0; at < size; at += 4096) memory().write32(address + at, at);
  for (let at: u32 = 0; at < size; at += 4096) if (memory().read32(address + at) !== at) wrong++;
  return wrong;
});
