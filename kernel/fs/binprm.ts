/**
 * What every binary format needs of exec (fs/exec.c): argument strings on their way to the new stack, and
 * `flush_old_exec`, the point of no return.
 */
import { flush_fpu } from "../arch/i386/kernel/i387.ts";
import { load_TLS } from "../arch/i386/kernel/tls.ts";
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { atomic_dec_and_test } from "../include/asm/atomic.ts";
import { __pa, PAGE_SHIFT, PAGE_SIZE, page_align_down, TASK_SIZE } from "../include/asm/page.ts";
import { pgd_offset, pte_mkdirty, pte_mkwrite } from "../include/asm/pgtable.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { __USER_CS, __USER_DS } from "../include/asm/segment.ts";
import { spin_lock, spin_lock_init, spin_unlock } from "../include/asm/spinlock.ts";
import { memcpy, memset, strlcpy } from "../include/asm/string.ts";
import { FS, GS, load_cr3, loadsegment } from "../include/asm/system.ts";
import { copy_from_user, get_user, set_fs, strnlen_user, USER_DS } from "../include/asm/uaccess.ts";
import { linux_binprm, MAX_ARG_PAGES } from "../include/linux/binfmts.ts";
import { E2BIG, EFAULT, ENOMEM } from "../include/linux/errno.ts";
import { file, IS_ERR, inode } from "../include/linux/fs.ts";
import { list_del_init } from "../include/linux/list.ts";
import { GFP_KERNEL, mm_struct, VM_STACK_FLAGS } from "../include/linux/mm.ts";
import { down_write, up_write } from "../include/linux/rwsem.ts";
import { current, PF_FORKNOEXEC, signal_struct, task_struct, tasklist_lock } from "../include/linux/sched.ts";
import { SIG_DFL, SIG_IGN, SIGCHLD } from "../include/linux/signal.ts";
import { smp_switch_mm } from "../include/linux/smp.ts";
import { spin_lock_irq, spin_unlock_irq, write_lock_irq, write_unlock_irq } from "../include/linux/spinlock.ts";
import { zap_other_threads } from "../kernel/exit.ts";
import { mm_release, sigact_cachep } from "../kernel/fork.ts";
import { mm_alloc, mmdrop, mmput } from "../kernel/mm.ts";
import { mk_pte, pte_alloc } from "../mm/memory.ts";
import { free_pages, get_zeroed_page, virt_to_page } from "../mm/page_alloc.ts";
import { kmem_cache_alloc, kmem_cache_free } from "../mm/slab.ts";
import { insert_anonymous_area } from "../mm/vma.ts";
import { flush_old_files } from "./fcntl.ts";

const POINTER_SIZE = 4;
const STACK_TOP = TASK_SIZE;
const SLASH = 0x2f;
const COMM = task_struct.offset("comm");
const COMM_LENGTH = task_struct.fields.comm.size;
const SIGSET_SIZE = 8;
const SIGNAL_COUNT = signal_struct.offset("count");

/** Reads part of a file into kernel memory. Returns bytes read, fewer than asked for at the file's end. */
export function* kernel_read(filp: u32, offset: u32, to: u32, count: u32): Steps<u32> {
  const node = inode.at(file.at(filp).f_inode);
  const bytes: u32 = Math.min(count, Math.max(0, node.i_size - offset));
  yield* memcpy(to, node.i_data + offset, bytes);
  return bytes;
}

/**
 * The number of strings in a user's array that ends in a null pointer, or -EFAULT, or -E2BIG beyond `max`.
 * @context might_sleep
 */
export const count = kernel_function("count", [pointer("char *"), i32], i32, function* (argv, max) {
  if (argv === 0) return 0;
  const word = local(u32);
  for (let i: i32 = 0; ; i++) {
    if ((yield* get_user(word.address, argv + POINTER_SIZE * i)) !== 0) return -EFAULT;
    if (word.value === 0) return i;
    if (i >= max) return -E2BIG;
  }
});

/**
 * Copies strings in front of those that are in the argument pages already, the last first. Returns 0 or -errno.
 * @context might_sleep
 */
export const copy_strings = kernel_function(
  "copy_strings",
  [i32, pointer("char *"), pointer("linux_binprm")],
  i32,
  function* (argc, argv, bprm_address) {
    const bprm = linux_binprm.at(bprm_address);
    const word = local(u32);
    for (let i: i32 = argc - 1; i >= 0; i--) {
      if ((yield* get_user(word.address, argv + POINTER_SIZE * i)) !== 0) return -EFAULT;
      const string = word.value;
      const length = yield* strnlen_user(string, bprm.p);
      if (length === 0) return -EFAULT;
      if (length > bprm.p) return -E2BIG;
      bprm.p -= length;
      const error = yield* copy_to_pages(bprm, bprm.p, string, length);
      if (error !== 0) return error;
    }
    return 0;
  },
);

/** Copies user memory to an offset in the argument pages, a page at a time. @context might_sleep */
function* copy_to_pages(bprm: linux_binprm, offset: u32, from: u32, length: u32): Steps<i32> {
  for (let done: u32 = 0; done < length; ) {
    const position: u32 = offset + done;
    const index = position >>> PAGE_SHIFT;
    let page = bprm.page.get(index);
    if (page === 0) {
      page = yield* get_zeroed_page(GFP_KERNEL);
      if (page === 0) return -ENOMEM;
      bprm.page.set(index, page);
    }
    const within = position & (PAGE_SIZE - 1);
    const bytes: u32 = Math.min(length - done, PAGE_SIZE - within);
    if ((yield* copy_from_user(page + within, from + done, bytes)) !== 0) return -EFAULT;
    done += bytes;
  }
  return 0;
}

/** Frees the argument pages that no stack has taken over. */
export function* free_arg_pages(bprm: linux_binprm): Steps<void> {
  for (let i = 0; i < MAX_ARG_PAGES; i++) {
    const page = bprm.page.get(i);
    if (page === 0) continue;
    bprm.page.set(i, 0);
    yield* free_pages(page, 0);
  }
}

/** Gives the process its stack area, with the argument pages at its top. Returns 0 or -ENOMEM. @context might_sleep */
export const setup_arg_pages = kernel_function(
  "setup_arg_pages",
  [pointer("linux_binprm")],
  i32,
  function* (bprm_address) {
    const bprm = linux_binprm.at(bprm_address);
    const mm = mm_struct.at(current().mm);
    const base: u32 = STACK_TOP - MAX_ARG_PAGES * PAGE_SIZE;
    bprm.p += base;
    mm.arg_start = bprm.p;
    yield* down_write(mm.mmap_sem.address);
    const stack = yield* insert_anonymous_area(mm.address, page_align_down(bprm.p), STACK_TOP, VM_STACK_FLAGS);
    yield* up_write(mm.mmap_sem.address);
    if (stack === undefined) return -ENOMEM;
    for (let i = 0; i < MAX_ARG_PAGES; i++) {
      const page = bprm.page.get(i);
      if (page === 0) continue;
      const address: u32 = base + i * PAGE_SIZE;
      yield* spin_lock(mm.page_table_lock.address);
      const pte_address = yield* pte_alloc(mm.address, pgd_offset(mm.pgd, address), address);
      if (pte_address !== 0) {
        memory().write32(pte_address, pte_mkdirty(pte_mkwrite(mk_pte(virt_to_page(page), stack.vm_page_prot))));
        mm.rss++;
      }
      yield* spin_unlock(mm.page_table_lock.address);
      if (pte_address === 0) return -ENOMEM;
      bprm.page.set(i, 0);
    }
    return 0;
  },
);

/**
 * Makes sure that the signal table is the process's own. Returns the one shared before, or 0; -ENOMEM as an unsigned number.
 * @context might_sleep
 */
function* make_private_signals(): Steps<u32> {
  const shared = current().sig;
  if (signal_struct.at(shared).count <= 1) return 0;
  const own: u32 = yield* kmem_cache_alloc(sigact_cachep.value, GFP_KERNEL);
  if (own === 0) return -ENOMEM;
  yield* spin_lock(signal_struct.at(shared).siglock.address);
  yield* memcpy(own, shared, signal_struct.size);
  yield* spin_unlock(signal_struct.at(shared).siglock.address);
  signal_struct.at(own).count = 1;
  spin_lock_init(signal_struct.at(own).siglock.address);
  yield* use_signals(own);
  return shared;
}

/** Gives the current task another signal table, which whoever sends it a signal looks at with its sigmask_lock. */
function* use_signals(sig: u32): Steps<void> {
  const self = current();
  yield* spin_lock_irq(self.sigmask_lock.address);
  self.sig = sig;
  yield* spin_unlock_irq(self.sigmask_lock.address);
}

/** Drops the signal table that was shared before. */
function* release_old_signals(shared: u32): Steps<void> {
  if ((yield* atomic_dec_and_test(shared + SIGNAL_COUNT)) !== 0) yield* kmem_cache_free(sigact_cachep.value, shared);
}

/**
 * The new program is a process of its own: the other threads end, and one that was not the group's leader becomes the
 * leader of a new group, under its own pid.
 */
function* de_thread(tsk: task_struct): Steps<void> {
  yield* zap_other_threads(0);
  if (tsk.tgid === tsk.pid) return;
  yield* write_lock_irq(tasklist_lock.address);
  list_del_init(tsk.thread_group.address);
  tsk.tgid = tsk.pid;
  tsk.exit_signal = SIGCHLD;
  yield* write_unlock_irq(tasklist_lock.address);
}

/**
 * Every signal gets its default action, except those that are ignored: they stay so all the time, as an interrupt may send
 * one.
 */
function* flush_signal_handlers(): Steps<void> {
  const signals = signal_struct.at(current().sig);
  for (let i: u32 = 0; i < signals.action.length; i++) {
    const ka = signals.action.get(i);
    if (ka.sa_handler !== SIG_IGN) ka.sa_handler = SIG_DFL;
    ka.sa_flags = 0;
    ka.sa_restorer = 0;
    yield* memset(ka.sa_mask.address, 0, SIGSET_SIZE);
  }
}

/** Names the task after the last component of its program's name. */
function* set_comm(tsk: task_struct, filename: u32): Steps<void> {
  const m = memory();
  let name: u32 = filename;
  for (let at: u32 = filename; m.read8(at) !== 0; at++) if (m.read8(at) === SLASH) name = at + 1;
  const comm = tsk.address + COMM;
  yield* memset(comm, 0, COMM_LENGTH);
  yield* strlcpy(comm, name, COMM_LENGTH);
}

/** Gives the process a new, empty address space and drops the old one. Returns 0 or -ENOMEM. @context might_sleep */
function* exec_mmap(): Steps<i32> {
  const mm = yield* mm_alloc();
  if (mm === 0) return -ENOMEM;
  const tsk = current();
  const { mm: old, active_mm } = tsk;
  yield* mm_release(tsk);
  tsk.mm = mm;
  tsk.active_mm = mm;
  yield* smp_switch_mm(active_mm, mm);
  yield* load_cr3(__pa(mm_struct.at(mm).pgd));
  if (old !== 0) yield* mmput(old);
  else yield* mmdrop(active_mm);
  return 0;
}

/**
 * Gives up the old program: address space, signal handlers, descriptors marked close-on-exec, the name. Returns 0, or
 * -ENOMEM with the old program intact.
 * @context might_sleep
 */
export const flush_old_exec = kernel_function(
  "flush_old_exec",
  [pointer("linux_binprm")],
  i32,
  function* (bprm_address) {
    const tsk = current();
    const shared_signals = yield* make_private_signals();
    if (IS_ERR(shared_signals)) return shared_signals;
    const error = yield* exec_mmap();
    if (error !== 0) {
      if (shared_signals !== 0) {
        const own = tsk.sig;
        yield* use_signals(shared_signals);
        yield* kmem_cache_free(sigact_cachep.value, own);
      }
      return error;
    }
    if (shared_signals !== 0) yield* release_old_signals(shared_signals);
    yield* de_thread(tsk);
    yield* set_comm(tsk, linux_binprm.at(bprm_address).filename);
    tsk.flags &= ~PF_FORKNOEXEC;
    tsk.did_exec = 1;
    yield* flush_signal_handlers();
    yield* flush_old_files();
    return 0;
  },
);

/** Takes away what belonged to the old program's threads (arch/i386/kernel/process.c). */
function* flush_thread(): Steps<void> {
  yield* flush_fpu();
  const { thread } = current();
  yield* memset(thread.tls_array.address, 0, 4 * thread.tls_array.length);
  yield* load_TLS(thread.address);
}

/** Has the return from the system call enter a new program (include/asm-i386/processor.h). */
export function* start_thread(regs_address: u32, eip: u32, esp: u32): Steps<void> {
  yield* loadsegment(FS, 0);
  yield* loadsegment(GS, 0);
  yield* flush_thread();
  set_fs(USER_DS);
  const regs = pt_regs.at(regs_address);
  regs.ebx = regs.ecx = regs.edx = regs.esi = regs.edi = regs.ebp = regs.eax = 0;
  regs.xds = regs.xes = regs.xss = __USER_DS;
  regs.xcs = __USER_CS;
  regs.eip = eip;
  regs.esp = esp;
}
