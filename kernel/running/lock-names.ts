/** What to call a lock: by the variable that it is, by the kind of object that it is in, or by the stack that it is on. */
import { type KernelImage, path_to } from "../host/kernel-image.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { file, inode } from "../include/linux/fs.ts";
import { mm_struct } from "../include/linux/mm.ts";
import { files_struct, signal_struct, task_struct } from "../include/linux/sched.ts";
import { kmem_cache_t, slab_object_at } from "../mm/slab.ts";

/** What caches have objects of. */
const OBJECTS = {
  task_struct,
  mm_struct,
  files_cache: files_struct,
  signal_act: signal_struct,
  inode_cache: inode,
  filp: file,
  kmem_cache: kmem_cache_t,
} as const;

/**
 * `runqueue_lock`, `runqueues(1)`, `files_struct.file_lock`, `size-64+0x8`: locks of one kind of object have one name. Those on
 * kernel stacks, of things that somebody waits for there, are `on a stack`. Inside `kernel.inspect()`.
 */
export function lock_name_at(image: KernelImage, lock: number): string {
  return image.data_at(lock) ?? object_name(lock) ?? name_on_stack(image, lock);
}

function object_name(lock: number): string | undefined {
  const found = slab_object_at(lock);
  if (found === undefined) return undefined;
  const { cache, offset } = found;
  const type = Object.entries(OBJECTS).find(([name]) => name === cache)?.[1];
  return type === undefined ? `${cache}+0x${offset.toString(16)}` : `${type.name}${path_to(type, offset)}`;
}

/** A block for a PCB and a stack is in no list yet while fork fills it, so that it is known by its alignment. */
function name_on_stack(image: KernelImage, lock: number): string {
  const offset = lock & (THREAD_SIZE - 1);
  const is_in_pcb = image.stacks?.kind === "task_union" && offset < task_struct.size;
  return is_in_pcb ? `task_struct${path_to(task_struct, offset)}` : "on a stack";
}
