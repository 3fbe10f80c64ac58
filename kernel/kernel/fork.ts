/** New tasks (kernel/fork.c and the entry points of arch/i386/kernel/process.c, Linux 2.4). */
import { copy_thread } from "../arch/i386/kernel/process.ts";
import { filp_close, get_file } from "../fs/file_table.ts";
import { trace, tracing } from "../host/context.ts";
import {
  asm_function,
  by_value,
  config_function,
  cstring,
  kernel_function,
  kernel_variable,
  local,
  type Steps,
} from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { atomic_dec_and_test, atomic_inc } from "../include/asm/atomic.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { init_rlimits } from "../include/asm/resource.ts";
import {
  read_lock,
  read_unlock,
  rwlock_init,
  spin_lock,
  spin_lock_init,
  spin_unlock,
} from "../include/asm/spinlock.ts";
import { find_nonzero, memcpy } from "../include/asm/string.ts";
import { KERNEL_DS, put_user } from "../include/asm/uaccess.ts";
import { completion, init_completion } from "../include/linux/completion.ts";
import { EAGAIN, EINVAL, ENOMEM } from "../include/linux/errno.ts";
import { INIT_LIST_HEAD, list_add } from "../include/linux/list.ts";
import { GFP_KERNEL, mm_struct } from "../include/linux/mm.ts";
import { task_pid_vnr } from "../include/linux/pid.ts";
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWPID,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PID,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  current,
  files_struct,
  fs_struct,
  init_task,
  init_task_union,
  kstat,
  NO_EXIT_SIGNAL,
  NR_OPEN_DEFAULT,
  PF_FORKNOEXEC,
  PF_STARTING,
  PF_UNKILLABLE,
  PF_USEDFPU,
  PIDTYPE_PID,
  signal_struct,
  TASK_UNINTERRUPTIBLE,
  task_release_cpu,
  task_struct,
  task_thread_info,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { CSIGNAL, SIGCHLD } from "../include/linux/signal.ts";
import { spin_lock_irq, spin_unlock_irq, write_lock_irq, write_unlock_irq } from "../include/linux/spinlock.ts";
import { init_waitqueue_head } from "../include/linux/wait.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "../mm/slab.ts";
import { complete, wait_for_completion } from "./completion.ts";
import { futex_wake } from "./futex.ts";
import { copy_mm, mm_cachep, mmput } from "./mm.ts";
import { get_pid, hash_pid, set_links } from "./pid.ts";
import { alloc_numbers, attach_pids, free_numbers, inherit_groups, needs_numbers } from "./pid_namespace.ts";
import { sched_exit, sched_fork, try_to_wake_up, WF_NEW } from "./sched.ts";
import { init_timer, jiffies } from "./timer.ts";

const FILES_COUNT = files_struct.offset("count");
const FS_COUNT = fs_struct.offset("count");
const SIGNAL_COUNT = signal_struct.offset("count");

/** lock_depth of a task that does not have the big kernel lock. */
const NOT_LOCKED = -1;

// By the configuration: task_union.ts, thread_info.ts or vmap_stack.ts.

/** A copy of a PCB with a kernel stack of its own, whose top is `thread.esp0`; 0 when out of memory. */
const dup_task_struct = asm_function("dup_task_struct", [pointer("task_struct")], u32);
/** Frees PCB and stack. @throws when a CPU is still on it */
export const free_task_struct = asm_function("free_task_struct", [pointer("task_struct")], undefined);
/** Makes the cache of PCBs, where they have one. */
const task_caches_init = config_function("task_caches_init", [], "CONFIG_TASK_SLAB");

export const files_cachep = kernel_variable("files_cachep", pointer("kmem_cache_t"));
export const fs_cachep = kernel_variable("fs_cachep", pointer("kmem_cache_t"));
export const sigact_cachep = kernel_variable("sigact_cachep", pointer("kmem_cache_t"));

/** Tasks besides the idle one; at most max_threads. */
export const nr_threads = kernel_variable("nr_threads", i32);
export const max_threads = kernel_variable("max_threads", i32);

const names = {
  mm: cstring("mm_struct"),
  files: cstring("files_cache"),
  fs: cstring("fs_cache"),
  sigact: cstring("signal_act"),
};

/** Limits the number of tasks so that their stacks take at most an eighth of memory. */
export const fork_init = kernel_function("fork_init", [u32], undefined, function* (mempages) {
  max_threads.value = Math.max(20, Math.floor(mempages / (THREAD_SIZE / 4096) / 8));
});

/** Creates the caches of what every process has (proc_caches_init). @context might_sleep */
export const proc_caches_init = kernel_function("proc_caches_init", [], undefined, function* () {
  sigact_cachep.value = yield* kmem_cache_create(names.sigact.address, signal_struct.size, 4);
  files_cachep.value = yield* kmem_cache_create(names.files.address, files_struct.size, 4);
  fs_cachep.value = yield* kmem_cache_create(names.fs.address, fs_struct.size, 4);
  mm_cachep.value = yield* kmem_cache_create(names.mm.address, mm_struct.size, 4);
  yield* task_caches_init();
});

/**
 * Makes a copied table of files one of its own. Descriptors that another thread is about to use are free in it.
 * @bounded by the descriptors, of which there are 32
 */
function be_first_user_of(files: files_struct): void {
  files.count = 1;
  rwlock_init(files.file_lock.address);
  let open_fds = 0;
  for (let fd = 0; fd < NR_OPEN_DEFAULT; fd++) if (files.fd.get(fd) !== 0) open_fds |= 1 << fd;
  files.open_fds = open_fds;
  files.close_on_exec &= open_fds;
}

/** @context might_sleep */
function* copy_files(clone_flags: u32, tsk: task_struct): Steps<i32> {
  const old = current().files;
  if (clone_flags & CLONE_FILES) {
    yield* atomic_inc(old + FILES_COUNT);
    return 0;
  }
  const address = yield* kmem_cache_alloc(files_cachep.value, GFP_KERNEL);
  if (address === 0) return -ENOMEM;
  yield* read_lock(files_struct.at(old).file_lock.address);
  yield* memcpy(address, old, files_struct.size);
  const files = files_struct.at(address);
  be_first_user_of(files);
  for (let fd: u32 = 0; ; fd++) {
    fd += yield* find_nonzero(files.fd.address + 4 * fd, NR_OPEN_DEFAULT - fd);
    if (fd === NR_OPEN_DEFAULT) break;
    yield* get_file(files.fd.get(fd));
  }
  yield* read_unlock(files_struct.at(old).file_lock.address);
  tsk.files = address;
  return 0;
}

/** Drops a task's table of open files; the last user closes them. */
export const exit_files = kernel_function("exit_files", [pointer("task_struct")], undefined, function* (task) {
  const tsk = task_struct.at(task);
  const address = tsk.files;
  if (address === 0) return;
  tsk.files = 0;
  if ((yield* atomic_dec_and_test(address + FILES_COUNT)) === 0) return;
  const files = files_struct.at(address);
  for (let fd: u32 = 0; ; fd++) {
    fd += yield* find_nonzero(files.fd.address + 4 * fd, NR_OPEN_DEFAULT - fd);
    if (fd === NR_OPEN_DEFAULT) break;
    yield* filp_close(files.fd.get(fd));
  }
  yield* kmem_cache_free(files_cachep.value, address);
});

/** @context might_sleep */
function* copy_fs(clone_flags: u32, tsk: task_struct): Steps<i32> {
  const old = current().fs;
  if (clone_flags & CLONE_FS) {
    yield* atomic_inc(old + FS_COUNT);
    return 0;
  }
  const address = yield* kmem_cache_alloc(fs_cachep.value, GFP_KERNEL);
  if (address === 0) return -ENOMEM;
  yield* memcpy(address, old, fs_struct.size);
  fs_struct.at(address).count = 1;
  tsk.fs = address;
  return 0;
}

export const exit_fs = kernel_function("exit_fs", [pointer("task_struct")], undefined, function* (task) {
  const tsk = task_struct.at(task);
  const address = tsk.fs;
  if (address === 0) return;
  tsk.fs = 0;
  if ((yield* atomic_dec_and_test(address + FS_COUNT)) !== 0) yield* kmem_cache_free(fs_cachep.value, address);
});

/** @context might_sleep */
function* copy_sighand(clone_flags: u32, tsk: task_struct): Steps<i32> {
  const old = current().sig;
  if (clone_flags & CLONE_SIGHAND) {
    yield* atomic_inc(old + SIGNAL_COUNT);
    return 0;
  }
  const address = yield* kmem_cache_alloc(sigact_cachep.value, GFP_KERNEL);
  if (address === 0) return -ENOMEM;
  yield* spin_lock(signal_struct.at(old).siglock.address);
  yield* memcpy(address, old, signal_struct.size);
  yield* spin_unlock(signal_struct.at(old).siglock.address);
  signal_struct.at(address).count = 1;
  spin_lock_init(signal_struct.at(address).siglock.address);
  tsk.sig = address;
  return 0;
}

export const exit_sighand = kernel_function("exit_sighand", [pointer("task_struct")], undefined, function* (task) {
  const tsk = task_struct.at(task);
  const address = tsk.sig;
  if (address === 0) return;
  yield* spin_lock_irq(tsk.sigmask_lock.address); // whoever sends a signal has looked at it, or finds none
  tsk.sig = 0;
  yield* spin_unlock_irq(tsk.sigmask_lock.address);
  if ((yield* atomic_dec_and_test(address + SIGNAL_COUNT)) !== 0) yield* kmem_cache_free(sigact_cachep.value, address);
});

/**
 * The current task is about to give its address space up (mm_release): lets a vfork parent go on, and tells threads that
 * wait for this one (CLONE_CHILD_CLEARTID).
 * @context might_sleep
 */
export function* mm_release(tsk: task_struct): Steps<void> {
  const { vfork_done, clear_child_tid, mm } = tsk;
  if (vfork_done !== 0) {
    tsk.vfork_done = 0;
    yield* complete(vfork_done);
  }
  if (clear_child_tid === 0) return;
  tsk.clear_child_tid = 0;
  if (mm === 0 || mm_struct.at(mm).mm_users <= 1) return;
  yield* put_user(0, clear_child_tid); // a bad address is the program's loss
  yield* futex_wake(clear_child_tid, 1);
}

/**
 * Everything of the parent's that the child copies or shares; -errno after undoing what was done.
 * @context might_sleep
 */
function* copy_process(clone_flags: u32, stack_start: u32, regs: u32, stack_size: u32, p: task_struct): Steps<i32> {
  let error = yield* copy_files(clone_flags, p);
  if (error !== 0) {
    p.files = 0;
    return error;
  }
  error = yield* copy_fs(clone_flags, p);
  if (error === 0) {
    error = yield* copy_sighand(clone_flags, p);
    if (error === 0) {
      error = yield* copy_mm(clone_flags, p.address);
      if (error === 0) {
        error = yield* copy_thread(0, clone_flags, stack_start, stack_size, p.address, regs);
        if (error === 0) return 0;
        if (p.mm !== 0) yield* mmput(p.mm);
      }
      yield* exit_sighand(p.address);
    }
    yield* exit_fs(p.address);
  }
  yield* exit_files(p.address);
  return error;
}

function has_used_nothing(p: task_struct): void {
  p.utime = p.stime = p.cutime = p.cstime = 0;
  p.min_flt = p.maj_flt = 0;
  p.start_time = jiffies.value;
}

/** Takes copy_process back, for a child that could not be made known after all. @context might_sleep */
function* discard_copies(p: task_struct): Steps<void> {
  if (p.mm !== 0) yield* mmput(p.mm);
  yield* exit_sighand(p.address);
  yield* exit_fs(p.address);
  yield* exit_files(p.address);
}

/** Creates a task: returns its pid, or -errno with everything undone. @context might_sleep */
export const do_fork = kernel_function(
  "do_fork",
  [u32, u32, pointer("pt_regs"), u32, u32, u32],
  i32,
  function* (clone_flags, stack_start, regs, stack_size, parent_tidptr, child_tidptr) {
    const parent = current();
    // CLONE_PID is for the boot of further CPUs; a thread shares its group's memory and signals.
    if (clone_flags & CLONE_PID && parent.pid !== 0) return -EINVAL;
    if (clone_flags & CLONE_SIGHAND && !(clone_flags & CLONE_VM)) return -EINVAL;
    if (clone_flags & CLONE_THREAD && !(clone_flags & CLONE_SIGHAND)) return -EINVAL;
    if (clone_flags & CLONE_NEWPID && clone_flags & (CLONE_THREAD | CLONE_PARENT)) return -EINVAL;
    // Who is not in a namespace cannot have children in it.
    if (clone_flags & CLONE_PARENT && parent.flags & PF_UNKILLABLE) return -EINVAL;
    if (nr_threads.value >= max_threads.value) return -EAGAIN;
    const address = yield* dup_task_struct(parent.address);
    if (address === 0) return -ENOMEM;
    const p = task_struct.at(address);
    p.state = TASK_UNINTERRUPTIBLE;
    task_release_cpu(p);
    p.flags = (p.flags & ~PF_STARTING) | PF_FORKNOEXEC;
    p.did_exec = 0;
    p.pid = yield* get_pid(clone_flags);
    if (p.pid === 0 && parent.pid !== 0) {
      yield* free_task_struct(address);
      return -EAGAIN;
    }
    let error: i32 = 0;
    if (needs_numbers(p, clone_flags)) error = yield* alloc_numbers(p, clone_flags);
    if (error !== 0) {
      yield* free_task_struct(address);
      return error;
    }
    p.lock_depth = NOT_LOCKED;
    spin_lock_init(p.sigmask_lock.address);
    p.p_cptr = 0;
    init_waitqueue_head(p.wait_chldexit.address);
    p.vfork_done = 0;
    p.exit_code = 0;
    p.sigpending = 0;
    p.pending.sig.set(0, 0);
    p.pending.sig.set(1, 0);
    p.need_resched = 0;
    p.flags &= ~PF_USEDFPU;
    p.group_exit = 0;
    p.sas_ss_sp = 0;
    p.sas_ss_size = 0;
    p.it_real_incr = 0;
    init_timer(p.real_timer.address);
    has_used_nothing(p);

    error = yield* copy_process(clone_flags, stack_start, regs, stack_size, p);
    if (error !== 0) {
      if (p.pids.get(PIDTYPE_PID) !== 0) yield* free_numbers(p);
      yield* free_task_struct(address);
      return error;
    }
    p.set_child_tid = clone_flags & CLONE_CHILD_SETTID ? child_tidptr : 0;
    p.clear_child_tid = clone_flags & CLONE_CHILD_CLEARTID ? child_tidptr : 0;
    if (clone_flags & CLONE_PARENT_SETTID) yield* put_user(task_pid_vnr(p), parent_tidptr);
    // A thread's end is its group's own business: nobody waits for it.
    p.exit_signal = clone_flags & CLONE_THREAD ? NO_EXIT_SIGNAL : clone_flags & CSIGNAL;

    yield* sched_fork(p, parent);

    INIT_LIST_HEAD(p.thread_group.address);
    p.tgid = p.pid;
    yield* write_lock_irq(tasklist_lock.address);
    if (inherit_groups(p, parent)) error = yield* attach_pids(p, parent, clone_flags);
    if (error !== 0) {
      yield* write_unlock_irq(tasklist_lock.address);
      yield* sched_exit(p, parent);
      yield* discard_copies(p);
      yield* free_numbers(p);
      yield* free_task_struct(address);
      return error;
    }
    if (clone_flags & CLONE_THREAD) {
      p.tgid = parent.tgid;
      list_add(p.thread_group.address, parent.thread_group.address);
    }
    if (clone_flags & (CLONE_PARENT | CLONE_THREAD)) {
      p.p_opptr = parent.p_opptr;
      p.p_pptr = parent.p_pptr;
    } else {
      p.p_opptr = parent.address;
      p.p_pptr = parent.address;
    }
    set_links(p);
    hash_pid(p);
    nr_threads.value++;
    yield* write_unlock_irq(tasklist_lock.address);

    const vfork = local(completion);
    if (clone_flags & CLONE_VFORK) {
      init_completion(vfork.address);
      p.vfork_done = vfork.address;
    }
    kstat.value.forks++;
    const pid = task_pid_vnr(p);
    if (tracing()) trace({ event: "fork", parent: parent.pid, child: p.pid, clone_flags, task: address });
    yield* try_to_wake_up(address, WF_NEW); // last: from here on the child may run, and be gone
    if (clone_flags & CLONE_VFORK) yield* wait_for_completion(vfork.address);
    return pid;
  },
);

/** @context might_sleep */
export const sys_fork = kernel_function("sys_fork", [by_value(pt_regs)], i32, function* (regs) {
  return yield* do_fork(SIGCHLD, regs.esp, regs.address, 0, 0, 0);
});

/**
 * clone(flags in EBX, stack in ECX): a stack of 0 is the caller's own address. EDX and EDI are where the CLONE_ flags for
 * thread ids want these stored, ESI describes the TLS segment.
 * @context might_sleep
 */
export const sys_clone = kernel_function("sys_clone", [by_value(pt_regs)], i32, function* (regs) {
  return yield* do_fork(regs.ebx, regs.ecx || regs.esp, regs.address, 0, regs.edx, regs.edi);
});

/** @context might_sleep */
export const sys_vfork = kernel_function("sys_vfork", [by_value(pt_regs)], i32, function* (regs) {
  return yield* do_fork(CLONE_VFORK | CLONE_VM | SIGCHLD, regs.esp, regs.address, 0, 0, 0);
});

/** set_tid_address(2): where to store 0 when the caller ends and others share its memory. Returns the caller's id. */
export const sys_set_tid_address = kernel_function("sys_set_tid_address", [u32], i32, function* (tidptr) {
  const self = current();
  self.clear_child_tid = tidptr;
  return task_pid_vnr(self);
});

/** What every task inherits in the end: the idle task's signal table, open files and file-system context. */
const init_signals = kernel_variable("init_signals", signal_struct);
const init_files = kernel_variable("init_files", files_struct);
const init_fs = kernel_variable("init_fs", fs_struct);

/** Fills in the PCB of pid 0, which C does at compile time (INIT_TASK). @bounded by the fields, and by init_rlimits */
export function init_task_fields(init_mm: number): void {
  const task = init_task();
  task.thread.esp0 = init_task_union.address + THREAD_SIZE;
  const info = task_thread_info(task);
  if (info !== undefined) info.task = task.address;
  task.addr_limit = KERNEL_DS;
  task.lock_depth = NOT_LOCKED;
  spin_lock_init(task.sigmask_lock.address);
  task.counter = 6;
  task.nice = 0;
  task.active_mm = init_mm;
  task.cpus_runnable = 0xffffffff;
  task.cpus_allowed = 0xffffffff;
  task.next_task = task.address;
  task.prev_task = task.address;
  task.p_opptr = task.address;
  task.p_pptr = task.address;
  INIT_LIST_HEAD(task.thread_group.address);
  init_waitqueue_head(task.wait_chldexit.address);
  task.comm = "swapper";
  init_signals.value.count = 1;
  spin_lock_init(init_signals.value.siglock.address);
  task.sig = init_signals.address;
  init_files.value.count = 1;
  rwlock_init(init_files.value.file_lock.address);
  init_files.value.max_fds = init_files.value.fd.length;
  task.files = init_files.address;
  init_fs.value.count = 1;
  init_fs.value.umask = 0o22;
  task.fs = init_fs.address;
  init_rlimits(task, max_threads.value);
}
