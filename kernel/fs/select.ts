/** select(2) and poll(2) (fs/select.c). */
import { stack_local } from "../host/context.ts";
import { call_pointer, kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
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
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
} from "../include/linux/sched.ts";
import { schedule_timeout } from "../kernel/sched.ts";
import { signal_pending } from "../kernel/signal.ts";
import { jiffies_to_timeval, timespec_to_jiffies, timeval, timeval_to_jiffies } from "../kernel/time.ts";
import { remove_wait_queue } from "../kernel/wait.ts";
import { free_pages, get_zeroed_page } from "../mm/page_alloc.ts";
import { fcheck, fget, fput } from "./file_table.ts";

/** Descriptors are fewer than the bits of a word, so that each set of select is one. */
const SET_BITS = 32;
const POLLIN_SET = POLLRDNORM | POLLIN | POLLHUP | POLLERR;
const POLLOUT_SET = POLLWRNORM | POLLOUT | POLLERR;
const MILLISECOND = 1_000_000;

/** Asks a file what it is ready for, and with a table to wake the caller when that changes. POLLNVAL for no file. */
function* poll_file(fd: number, table: number): Steps<number> {
  const at = fget(fd);
  if (at === 0) return POLLNVAL;
  const { f_op } = file.at(at);
  const poll = f_op === 0 ? 0 : file_operations.at(f_op).poll;
  const mask = poll === 0 ? DEFAULT_POLLMASK : yield* call_pointer(poll, u32, at, table);
  yield* fput(at);
  return mask;
}

/** Leaves all queues of the table. */
function poll_freewait(table: number): void {
  for (let i = 0; i < poll_entries(table); i++) {
    const entry = poll_table_entry.at(poll_entry(table, i));
    remove_wait_queue(entry.wait_address, entry.wait.address);
  }
}

/** What a wait came to: how many are ready, and the ticks that were left. */
interface Waited {
  readonly ready: number;
  readonly left: number;
}

/** Looks, and sleeps until a look finds something, a signal comes or the time is up. Undefined when out of memory. */
function* wait_until_ready(timeout: number, look: (table: number) => Steps<number>): Steps<Waited | undefined> {
  const table = yield* get_zeroed_page(GFP_KERNEL);
  if (table === 0) return undefined;
  let left = timeout;
  let ready = 0;
  for (let first = true; ; first = false) {
    current().state = TASK_INTERRUPTIBLE;
    ready = yield* look(first && left !== 0 ? table : 0);
    if (ready !== 0 || left === 0 || signal_pending(current())) break;
    left = yield* schedule_timeout(left);
  }
  current().state = TASK_RUNNING;
  poll_freewait(table);
  yield* free_pages(table, 0);
  return { ready, left };
}

/** One look at the descriptors of a select: fills in the three result words and returns the number of bits in them. */
function* look_at_sets(sets: number, n: number, table: number): Steps<number> {
  const m = memory();
  const results = sets + 12;
  for (let i = 0; i < 3; i++) m.write32(results + 4 * i, 0);
  let ready = 0;
  for (let fd = 0; fd < n; fd++) {
    const bit = 1 << fd;
    const wanted = m.read32(sets) | m.read32(sets + 4) | m.read32(sets + 8);
    if ((wanted & bit) === 0) continue;
    const mask = yield* poll_file(fd, ready === 0 ? table : 0);
    const found = [mask & POLLIN_SET, mask & POLLOUT_SET, 0];
    for (let i = 0; i < 3; i++) {
      if (found[i] === 0 || (m.read32(sets + 4 * i) & bit) === 0) continue;
      m.write32(results + 4 * i, m.read32(results + 4 * i) | bit);
      ready++;
    }
  }
  return ready;
}

/** Copies the sets that the program gave to `sets`, without bits for descriptors that cannot be. 0 or -errno. */
function* get_fd_sets(pointers: readonly number[], sets: number, n: number): Steps<number> {
  const files = files_struct.at(current().files);
  for (const [i, at] of pointers.entries()) {
    memory().write32(sets + 4 * i, 0);
    if (at === 0 || n === 0) continue;
    if ((yield* get_user(sets + 4 * i, at)) !== 0) return -EFAULT;
    if (n < SET_BITS) memory().write32(sets + 4 * i, memory().read32(sets + 4 * i) & ((1 << n) - 1));
    for (let fd = 0; fd < Math.min(n, files.max_fds); fd++) {
      if (memory().read32(sets + 4 * i) & (1 << fd) && fcheck(fd) === 0) return -EBADF;
    }
  }
  return 0;
}

/** Three sets and three results, a timeval. */
const SELECT_LOCALS = 24 + timeval.size;

/** select(2): the sets become those that are ready, the timeout what was left of it. */
export const sys_select = kernel_function(
  "sys_select",
  [i32, u32, u32, u32, u32],
  i32,
  function* (nfds, inp, outp, exp, tvp) {
    if (nfds < 0) return -EINVAL;
    const local = stack_local(SELECT_LOCALS);
    const tv = timeval.at(local + 24);
    let timeout = MAX_SCHEDULE_TIMEOUT;
    if (tvp !== 0) {
      if ((yield* copy_from_user(tv.address, tvp, timeval.size)) !== 0) return -EFAULT;
      if (tv.tv_sec < 0 || tv.tv_usec < 0) return -EINVAL;
      timeout = timeval_to_jiffies(tv);
      if (timeout !== 0) timeout = Math.min(timeout + 1, MAX_SCHEDULE_TIMEOUT - 1);
    }
    const n = Math.min(nfds, files_struct.at(current().files).max_fds);
    const pointers = [inp, outp, exp];
    const error = yield* get_fd_sets(pointers, local, n);
    if (error !== 0) return error;
    const waited = yield* wait_until_ready(timeout, (table) => look_at_sets(local, n, table));
    if (waited === undefined) return -ENOMEM;
    if (tvp !== 0) {
      jiffies_to_timeval(waited.left, tv);
      if ((yield* copy_to_user(tvp, tv.address, timeval.size)) !== 0) return -EFAULT;
    }
    if (waited.ready === 0 && signal_pending(current())) return -ERESTARTNOHAND;
    for (const [i, at] of pointers.entries()) {
      if (at !== 0 && n > 0 && (yield* put_user(memory().read32(local + 12 + 4 * i), at)) !== 0) return -EFAULT;
    }
    return waited.ready;
  },
  { locals: SELECT_LOCALS },
);

/** One look at the pollfds in a kernel page: fills in revents and returns how many are not 0. */
function* look_at_pollfds(fds: number, nfds: number, table: number): Steps<number> {
  let ready = 0;
  for (let i = 0; i < nfds; i++) {
    const entry = pollfd.at(fds + i * pollfd.size);
    entry.revents = 0;
    if (entry.fd < 0) continue;
    entry.revents =
      (yield* poll_file(entry.fd, ready === 0 ? table : 0)) & (entry.events | POLLERR | POLLHUP | POLLNVAL);
    if (entry.revents !== 0) ready++;
  }
  return ready;
}

const poll_user_fds = kernel_function(
  "do_poll",
  [pointer("pollfd"), u32, u32, i32],
  i32,
  function* (fds, ufds, nfds, timeout) {
    if ((yield* copy_from_user(fds, ufds, nfds * pollfd.size)) !== 0) return -EFAULT;
    const waited = yield* wait_until_ready(timeout, (table) => look_at_pollfds(fds, nfds, table));
    if (waited === undefined) return -ENOMEM;
    for (let i = 0; i < nfds; i++) {
      const { revents } = pollfd.at(fds + i * pollfd.size);
      if ((yield* put_user(revents, ufds + i * pollfd.size + pollfd.offset("revents"), 2)) !== 0) return -EFAULT;
    }
    return waited.ready === 0 && signal_pending(current()) ? -EINTR : waited.ready;
  },
);

/** poll(2): up to as many entries as there can be descriptors; the timeout in milliseconds, below 0 for ever. */
export const sys_poll = kernel_function("sys_poll", [u32, u32, i32], i32, function* (ufds, nfds, milliseconds) {
  if (nfds > files_struct.at(current().files).max_fds || nfds * pollfd.size > PAGE_SIZE) return -EINVAL;
  const seconds = Math.floor(milliseconds / 1000);
  const timeout =
    milliseconds < 0
      ? MAX_SCHEDULE_TIMEOUT
      : milliseconds === 0
        ? 0
        : timespec_to_jiffies(seconds, (milliseconds % 1000) * MILLISECOND) + 1;
  const fds = yield* get_zeroed_page(GFP_KERNEL);
  if (fds === 0) return -ENOMEM;
  const result = yield* poll_user_fds(fds, ufds, nfds, timeout);
  yield* free_pages(fds, 0);
  return result;
});
