/** System calls whose arguments are peculiar to i386 (arch/i386/kernel/sys_i386.c). */
import { fget, fput } from "../../../fs/file_table.ts";
import { sys_pipe2 } from "../../../fs/pipe.ts";
import { kernel_function, local, type Steps } from "../../../host/declarations.ts";
import { i32, struct, u32 } from "../../../host/types.ts";
import { MAP_ANONYMOUS, MAP_DENYWRITE, MAP_EXECUTABLE } from "../../../include/asm/mman.ts";
import { PAGE_MASK, PAGE_SHIFT } from "../../../include/asm/page.ts";
import { copy_from_user } from "../../../include/asm/uaccess.ts";
import { EBADF, EFAULT, EINVAL } from "../../../include/linux/errno.ts";
import { mm_struct } from "../../../include/linux/mm.ts";
import { down_write, up_write } from "../../../include/linux/rwsem.ts";
import { current } from "../../../include/linux/sched.ts";
import { do_mmap_pgoff } from "../../../mm/mmap.ts";

/** @context might_sleep */
function* do_mmap2(address: u32, length: u32, prot: u32, flags: u32, fd: i32, pgoff: u32): Steps<u32> {
  // Flags of the kernel's own: programs may not lock files with them.
  const allowed = flags & ~(MAP_EXECUTABLE | MAP_DENYWRITE);
  let file: u32 = 0;
  if ((allowed & MAP_ANONYMOUS) === 0) {
    file = yield* fget(fd);
    if (file === 0) return -EBADF;
  }
  const sem = mm_struct.at(current().mm).mmap_sem.address;
  yield* down_write(sem);
  const mapped = yield* do_mmap_pgoff(file, address, length, prot, allowed, pgoff);
  yield* up_write(sem);
  if (file !== 0) yield* fput(file);
  return mapped;
}

/** mmap2(2): the offset in pages. @context might_sleep */
export const sys_mmap2 = kernel_function(
  "sys_mmap2",
  [u32, u32, u32, u32, i32, u32],
  u32,
  function* (address, length, prot, flags, fd, pgoff) {
    return yield* do_mmap2(address, length, prot, flags, fd, pgoff);
  },
);

const mmap_arg_struct = struct("mmap_arg_struct", {
  addr: u32,
  len: u32,
  prot: u32,
  flags: u32,
  fd: i32,
  offset: u32,
});

/** mmap(2) as it first was: the arguments in memory, the offset in bytes. @context might_sleep */
export const old_mmap = kernel_function("sys_old_mmap", [u32], u32, function* (arg) {
  const a = local(mmap_arg_struct);
  if ((yield* copy_from_user(a.address, arg, mmap_arg_struct.size)) !== 0) return -EFAULT;
  if (a.offset & ~PAGE_MASK) return -EINVAL;
  return yield* do_mmap2(a.addr, a.len, a.prot, a.flags, a.fd, a.offset >>> PAGE_SHIFT);
});

/** pipe(2). @context might_sleep */
export const sys_pipe = kernel_function("sys_pipe", [u32], i32, function* (fildes) {
  return yield* sys_pipe2(fildes, 0);
});
