/** select(2) and poll(2) (fs/select.c). */
import { do_signal } from "../arch/i386/kernel/signal.ts";
import { by_value, call_pointer, kernel_function, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { memcpy } from "../include/asm/string.ts";
import { copy_from_user, copy_to_user, get_user, put_user } from "../include/asm/uaccess.ts";
import { EBADF, EFAULT, EINTR, EINVAL, ENOMEM, ERESTARTNOHAND } from "../include/linux/errno.ts";
import { file, file_operations } from "../include/linux/fs.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import {
  DEFAULT_POLLMASK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  poll_entries,
  poll_entry,
  poll_table_entry,
  pollfd,
} from "../include/linux/poll.ts";
import {
  current,
  files_struct,
  MAX_SCHEDULE_TIMEOUT,
  set_current_state,
  sigset,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
} from "../include/linux/sched.ts";
import { spin_lock_irq, spin_unlock_irq } from "../include/linux/spinlock.ts";
import { schedule_timeout } from "../kernel/sched.ts";
import { set_blocked, signal_pending } from "../kernel/signal.ts";
import {
  jiffies_to_timespec,
  jiffies_to_timeval,
  timespec,
  timespec_is_valid,
  timespec_to_jiffies,
  timeval,
  timeval_to_jiffies,
} from "../kernel/time.ts";
import { remove_wait_queue } from "../kernel/wait.ts";
import { free_pages, get_zeroed_page } from "../mm/page_alloc.ts";
import { fcheck, fget, fput } from "./file_table.ts";

/** Descriptors are fewer than the bits of a word, so that each set of select is one. */
const SET_BITS = 32;
const POLLIN_SET = POLLRDNORM | POLLIN | POLLHUP | POLLERR;
const POLLOUT_SET = POLLWRNORM | POLLOUT | POLLERR;
const MILLISECOND = 1_000_000;

/** Asks a file what it is ready for, and with a table to wake the caller when that changes. POLLNVAL for no file. */
function* poll_file(fd: i32, table: u32): Steps<u32> {
  const at = yield* fget(fd);
  if (at === 0) return POLLNVAL;
  const { f_op } = file.at(at);
  const poll: u32 = f_op === 0 ? 0 : file_operations.at(f_op).poll;
  const known: u32 = table === 0 ? 0 : poll_entries(table);
  const mask: u32 = poll === 0 ? DEFAULT_POLLMASK : yield* call_pointer(poll, u32, at, table);
  // While the caller is on its queues the file stays, whoever closes it.
  if (table !== 0 && poll_entries(table) > known) poll_table_entry.at(poll_entry(table, known)).filp = at;
  else yield* fput(at);
  return mask;
}

/** Leaves all queues of the table, and frees it. */
function* poll_freewait(table: u32): Steps<void> {
  for (let i: u32 = 0; i < poll_entries(table); i++) {
    const entry = poll_table_entry.at(poll_entry(table, i));
    yield* remove_wait_queue(entry.wait_address, entry.wait.address);
  }
  for (let i: u32 = 0; i < poll_entries(table); i++) {
    const { filp } = poll_table_entry.at(poll_entry(table, i));
    if (filp !== 0) yield* fput(filp);
  }
  yield* free_pages(table, 0);
}

/** The sets that a select is given, and those that it finds ready. Nothing has exceptions. */
const fd_set_bits = struct("fd_set_bits", { in: u32, out: u32, ex: u32, res_in: u32, res_out: u32, res_ex: u32 });
type fd_set_bits = ViewOf<typeof fd_set_bits>;

/** One look at the descriptors of a select: fills in the results and returns the number of bits in them. */
function* look_at_sets(fds: fd_set_bits, n: i32, table: u32): Steps<i32> {
  fds.res_in = fds.res_out = fds.res_ex = 0;
  let ready: i32 = 0;
  for (let fd: i32 = 0; fd < n; fd++) {
    const bit: u32 = 1 << fd;
    if (((fds.in | fds.out | fds.ex) & bit) === 0) continue;
    const mask = yield* poll_file(fd, ready === 0 ? table : 0);
    if (mask & POLLIN_SET && fds.in & bit) {
      fds.res_in |= bit;
      ready++;
    }
    if (mask & POLLOUT_SET && fds.out & bit) {
      fds.res_out |= bit;
      ready++;
    }
  }
  return ready;
}

/** One look at the pollfds in a kernel page: fills in revents and returns how many are not 0. */
function* look_at_pollfds(fds: u32, nfds: u32, table: u32): Steps<i32> {
  let ready: i32 = 0;
  for (let i: u32 = 0; i < nfds; i++) {
    const entry = pollfd.at(fds + i * pollfd.size);
    entry.revents = 0;
    if (entry.fd < 0) continue;
    const mask = yield* poll_file(entry.fd, ready === 0 ? table : 0);
    entry.revents = mask & (entry.events | POLLERR | POLLHUP | POLLNVAL);
    if (entry.revents !== 0) ready++;
  }
  return ready;
}

/**
 * Sleeps until a look finds something, a signal comes or the time is up. Returns how many are ready, or -ENOMEM.
 * @param timeout address of the ticks, which become those that were left
 * @param fds what is looked at: the fd_set_bits of a select, or the pollfds of a poll
 * @param n the descriptors of a select, or the pollfds
 * @context might_sleep
 */
function* wait_until_ready(timeout: u32, selects: boolean, fds: u32, n: u32): Steps<i32> {
  const m = memory();
  const table = yield* get_zeroed_page(GFP_KERNEL);
  if (table === 0) return -ENOMEM;
  let joining: u32 = m.read32(timeout) === 0 ? 0 : table;
  let ready: i32 = 0;
  for (;;) {
    // Before the look, so that a wake-up between it and the sleep is not lost.
    yield* set_current_state(TASK_INTERRUPTIBLE);
    ready = selects ? yield* look_at_sets(fd_set_bits.at(fds), n, joining) : yield* look_at_pollfds(fds, n, joining);
    joining = 0;
    if (ready !== 0 || m.read32(timeout) === 0 || signal_pending(current())) break;
    m.write32(timeout, yield* schedule_timeout(m.read32(timeout)));
  }
  current().state = TASK_RUNNING;
  yield* poll_freewait(table);
  return ready;
}

/**
 * Reads a set that the program gives, without bits for descriptors from `n` on, to a kernel word. 0 or -errno.
 * @context might_sleep
 */
function* get_fd_set(n: i32, ufdset: u32, into: u32): Steps<i32> {
  const m = memory();
  m.write32(into, 0);
  if (ufdset === 0 || n === 0) return 0;
  if ((yield* get_user(into, ufdset)) !== 0) return -EFAULT;
  if (n < SET_BITS) m.write32(into, m.read32(into) & ((1 << n) - 1));
  for (let fd: i32 = 0; fd < n; fd++) if (m.read32(into) & (1 << fd) && fcheck(fd) === 0) return -EBADF;
  return 0;
}

/** Gives a set to the program, if it asked. 0 or -EFAULT. @context might_sleep */
function* set_fd_set(n: i32, ufdset: u32, set: u32): Steps<i32> {
  return ufdset === 0 || n === 0 ? 0 : yield* put_user(set, ufdset);
}

/**
 * What select and pselect have in common: the sets become those that are ready, the ticks at `timeout` what was left of
 * them. -ERESTARTNOHAND when a signal came first.
 * @context might_sleep
 */
const core_sys_select = kernel_function(
  "core_sys_select",
  [i32, u32, u32, u32, pointer("long")],
  i32,
  function* (nfds, inp, outp, exp, timeout) {
    const fds = local(fd_set_bits);
    if (nfds < 0) return -EINVAL;
    const n: i32 = Math.min(nfds, files_struct.at(current().files).max_fds);
    const error =
      (yield* get_fd_set(n, inp, fds.address + fd_set_bits.offset("in"))) ||
      (yield* get_fd_set(n, outp, fds.address + fd_set_bits.offset("out"))) ||
      (yield* get_fd_set(n, exp, fds.address + fd_set_bits.offset("ex")));
    if (error !== 0) return error;
    const ready = yield* wait_until_ready(timeout, true, fds.address, n);
    if (ready < 0) return ready;
    if (ready === 0 && signal_pending(current())) return -ERESTARTNOHAND;
    if ((yield* set_fd_set(n, inp, fds.res_in)) !== 0) return -EFAULT;
    if ((yield* set_fd_set(n, outp, fds.res_out)) !== 0) return -EFAULT;
    if ((yield* set_fd_set(n, exp, fds.res_ex)) !== 0) return -EFAULT;
    return ready;
  },
);

/** Ticks that a select waits which is given so many: one more, since the first is not a whole one. */
function select_ticks(ticks: number): number {
  return ticks === 0 ? 0 : Math.min(ticks + 1, MAX_SCHEDULE_TIMEOUT - 1);
}

/** select(2): the timeout becomes what was left of it. @context might_sleep */
export const sys_select = kernel_function(
  "sys_select",
  [i32, u32, u32, u32, u32],
  i32,
  function* (nfds, inp, outp, exp, tvp) {
    const tv = local(timeval);
    const timeout = local(i32);
    timeout.value = MAX_SCHEDULE_TIMEOUT;
    if (tvp !== 0) {
      if ((yield* copy_from_user(tv.address, tvp, timeval.size)) !== 0) return -EFAULT;
      if (tv.tv_sec < 0 || tv.tv_usec < 0) return -EINVAL;
      timeout.value = select_ticks(timeval_to_jiffies(tv));
    }
    const result = yield* core_sys_select(nfds, inp, outp, exp, timeout.address);
    if (tvp !== 0 && (result >= 0 || result === -ERESTARTNOHAND)) {
      jiffies_to_timeval(timeout.value, tv);
      if ((yield* copy_to_user(tvp, tv.address, timeval.size)) !== 0) return -EFAULT;
    }
    return result;
  },
);

/** The sixth argument of pselect: a mask, and its size. */
const sigset_argument = struct("sigset_argpack", { p: pointer("sigset_t"), size: u32 });

/**
 * pselect(2): with another mask of blocked signals meanwhile, which a handler that runs because of it sees, too.
 * @context might_sleep
 */
export const sys_pselect6 = kernel_function("sys_pselect6", [by_value(pt_regs)], i32, function* (regs) {
  const ts = local(timespec);
  const timeout = local(i32);
  const argument = local(sigset_argument);
  const mask = local(sigset);
  const saved = local(sigset);
  timeout.value = MAX_SCHEDULE_TIMEOUT;
  if (regs.edi !== 0) {
    if ((yield* copy_from_user(ts.address, regs.edi, timespec.size)) !== 0) return -EFAULT;
    if (!timespec_is_valid(ts)) return -EINVAL;
    timeout.value = select_ticks(timespec_to_jiffies(ts.tv_sec, ts.tv_nsec));
  }
  argument.p = 0;
  if (regs.ebp !== 0 && (yield* copy_from_user(argument.address, regs.ebp, sigset_argument.size)) !== 0) return -EFAULT;
  if (argument.p !== 0) {
    if (argument.size !== sigset.size) return -EINVAL;
    if ((yield* copy_from_user(mask.address, argument.p, sigset.size)) !== 0) return -EFAULT;
    yield* memcpy(saved.address, current().blocked.address, sigset.size);
    yield* spin_lock_irq(current().sigmask_lock.address);
    set_blocked(mask.sig.get(0), mask.sig.get(1));
    yield* spin_unlock_irq(current().sigmask_lock.address);
  }
  let result = yield* core_sys_select(regs.ebx, regs.ecx, regs.edx, regs.esi, timeout.address);
  if (regs.edi !== 0 && (result >= 0 || result === -ERESTARTNOHAND)) {
    jiffies_to_timespec(timeout.value, ts);
    if ((yield* copy_to_user(regs.edi, ts.address, timespec.size)) !== 0) result = -EFAULT;
  }
  if (argument.p === 0) return result;
  if (result === -ERESTARTNOHAND) {
    regs.eax = -EINTR;
    if ((yield* do_signal(regs.address, saved.address)) !== 0) return -EINTR;
  }
  yield* spin_lock_irq(current().sigmask_lock.address);
  set_blocked(saved.sig.get(0), saved.sig.get(1));
  yield* spin_unlock_irq(current().sigmask_lock.address);
  return result;
});

/** @context might_sleep */
const do_poll = kernel_function(
  "do_poll",
  [pointer("pollfd"), u32, u32, i32],
  i32,
  function* (fds, ufds, nfds, milliseconds) {
    const timeout = local(i32);
    timeout.value = poll_timeout(milliseconds);
    if ((yield* copy_from_user(fds, ufds, nfds * pollfd.size)) !== 0) return -EFAULT;
    const ready = yield* wait_until_ready(timeout.address, false, fds, nfds);
    if (ready < 0) return ready;
    for (let i: u32 = 0; i < nfds; i++) {
      const { revents } = pollfd.at(fds + i * pollfd.size);
      if ((yield* put_user(revents, ufds + i * pollfd.size + pollfd.offset("revents"), 2)) !== 0) return -EFAULT;
    }
    return ready === 0 && signal_pending(current()) ? -EINTR : ready;
  },
);

/** Ticks that a poll waits: none for 0, for ever below. */
function poll_timeout(milliseconds: number): number {
  if (milliseconds < 0) return MAX_SCHEDULE_TIMEOUT;
  if (milliseconds === 0) return 0;
  return timespec_to_jiffies(Math.floor(milliseconds / 1000), (milliseconds % 1000) * MILLISECOND) + 1;
}

/**
 * poll(2): up to as many entries as there can be descriptors; the timeout in milliseconds, below 0 for ever.
 * @context might_sleep
 */
export const sys_poll = kernel_function("sys_poll", [u32, u32, i32], i32, function* (ufds, nfds, milliseconds) {
  if (nfds > files_struct.at(current().files).max_fds || nfds * pollfd.size > PAGE_SIZE) return -EINVAL;
  const fds = yield* get_zeroed_page(GFP_KERNEL);
  if (fds === 0) return -ENOMEM;
  const result = yield* do_poll(fds, ufds, nfds, milliseconds);
  yield* free_pages(fds, 0);
  return result;
});
