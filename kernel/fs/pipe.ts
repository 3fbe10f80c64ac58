/** Pipes (fs/pipe.c): a page of bytes between those who write and those who read, who wait for each other. */
import { kernel_function, kernel_table, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { atomic_dec_and_test, atomic_inc } from "../include/asm/atomic.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { down, down_interruptible, up } from "../include/asm/semaphore.ts";
import { memset } from "../include/asm/string.ts";
import { copy_from_user, copy_to_user, put_user } from "../include/asm/uaccess.ts";
import { EAGAIN, EFAULT, EINVAL, ENFILE, ENOMEM, ENOTTY, EPIPE, ERESTARTSYS } from "../include/linux/errno.ts";
import {
  FMODE_READ,
  FMODE_WRITE,
  file,
  file_operations,
  inode,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFIFO,
} from "../include/linux/fs.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, poll_wait } from "../include/linux/poll.ts";
import { current, get_current, TASK_INTERRUPTIBLE, TASK_RUNNING } from "../include/linux/sched.ts";
import { SIGPIPE } from "../include/linux/signal.ts";
import { FIONREAD } from "../include/linux/tty.ts";
import { init_waitqueue_entry, init_waitqueue_head, wait_queue_head_t, wait_queue_t } from "../include/linux/wait.ts";
import { schedule } from "../kernel/sched.ts";
import { send_sig, signal_pending } from "../kernel/signal.ts";
import { add_wait_queue, remove_wait_queue, wake_up_interruptible } from "../kernel/wait.ts";
import { free_pages, get_zeroed_page } from "../mm/page_alloc.ts";
import { kfree, kmalloc } from "../mm/slab.ts";
import {
  close_fd,
  fd_install,
  fput,
  get_empty_filp,
  get_unused_fd,
  put_unused_fd,
  set_close_on_exec,
} from "./file_table.ts";
import { destroy_inode, new_inode } from "./inode.ts";

const I_COUNT = inode.offset("i_count");

/** Bytes a pipe holds, and bytes that a write puts in as one piece. */
const PIPE_SIZE = PAGE_SIZE;
const PIPE_BUF = 4096;

/** What i_data of a pipe's inode points at. */
const pipe_inode_info = struct("pipe_inode_info", {
  wait: wait_queue_head_t,
  /** The page, where its bytes begin, and how many there are. */
  base: u32,
  start: u32,
  len: u32,
  /** Files open for reading and writing. */
  readers: u32,
  writers: u32,
});
type pipe_inode_info = ViewOf<typeof pipe_inode_info>;

function pipe_of(filp: number): pipe_inode_info {
  return pipe_inode_info.at(inode.at(file.at(filp).f_inode).i_data);
}

function is_nonblocking(filp: number): boolean {
  return (file.at(filp).f_flags & O_NONBLOCK) !== 0;
}

/** Address of the semaphore of a pipe (PIPE_SEM): held while its bytes, or the number of its ends, change. */
function semaphore_of(filp: number): u32 {
  return inode.at(file.at(filp).f_inode).i_sem.address;
}

/**
 * Sleeps until the other side wakes the pipe, or a signal comes. Gives the semaphore up meanwhile, when it is on the queue
 * already, so that nothing is lost between the look and the sleep.
 * @context might_sleep
 */
function* pipe_wait(sem: u32, pipe: pipe_inode_info): Steps<void> {
  const wait = local(wait_queue_t);
  init_waitqueue_entry(wait.address, get_current());
  current().state = TASK_INTERRUPTIBLE;
  yield* add_wait_queue(pipe.wait.address, wait.address);
  yield* up(sem);
  yield* schedule();
  yield* remove_wait_queue(pipe.wait.address, wait.address);
  current().state = TASK_RUNNING;
  yield* down(sem);
}

/** Waits for the other side: 0 or -errno. Needs the semaphore. @context might_sleep */
function* wait_for_other_side(filp: u32, pipe: pipe_inode_info): Steps<i32> {
  if (is_nonblocking(filp)) return -EAGAIN;
  if (signal_pending(current())) return -ERESTARTSYS;
  yield* pipe_wait(semaphore_of(filp), pipe);
  return 0;
}

/** What there is, at least a byte: waits for it. 0 when nobody is left to write. @context might_sleep */
export const pipe_read = kernel_function(
  "pipe_read",
  [pointer("file"), u32, u32],
  i32,
  function* (filp, buffer, count) {
    if (count === 0) return 0;
    if ((yield* down_interruptible(semaphore_of(filp))) !== 0) return -ERESTARTSYS;
    const result = yield* read_bytes(filp, pipe_of(filp), buffer, count);
    yield* up(semaphore_of(filp));
    return result;
  },
);

/** What a read does. Needs the semaphore. @inline */
function* read_bytes(filp: u32, pipe: pipe_inode_info, buffer: u32, count: u32): Steps<i32> {
  while (pipe.len === 0) {
    if (pipe.writers === 0) return 0;
    const error = yield* wait_for_other_side(filp, pipe);
    if (error !== 0) return error;
  }
  let done: i32 = 0;
  while (done < count && pipe.len > 0) {
    const { start } = pipe;
    const bytes: u32 = Math.min(count - done, pipe.len, PIPE_SIZE - start);
    if ((yield* copy_to_user(buffer + done, pipe.base + start, bytes)) !== 0) {
      if (done === 0) return -EFAULT;
      break;
    }
    pipe.start = (start + bytes) % PIPE_SIZE;
    pipe.len -= bytes;
    done += bytes;
  }
  yield* wake_up_interruptible(pipe.wait.address);
  return done;
}

/**
 * Everything, in pieces of at most the pipe's size; up to PIPE_BUF bytes are not torn. SIGPIPE when nobody can read.
 * @context might_sleep
 */
export const pipe_write = kernel_function(
  "pipe_write",
  [pointer("file"), u32, u32],
  i32,
  function* (filp, buffer, count) {
    if ((yield* down_interruptible(semaphore_of(filp))) !== 0) return -ERESTARTSYS;
    const result = yield* write_bytes(filp, pipe_of(filp), buffer, count);
    yield* up(semaphore_of(filp));
    return result;
  },
);

/** What a write does. Needs the semaphore. @inline */
function* write_bytes(filp: u32, pipe: pipe_inode_info, buffer: u32, count: u32): Steps<i32> {
  let done: i32 = 0;
  while (done < count) {
    if (pipe.readers === 0) {
      yield* send_sig(SIGPIPE, current().address, 0);
      return done || -EPIPE;
    }
    const room: u32 = PIPE_SIZE - pipe.len;
    if (room < (count <= PIPE_BUF ? count : 1)) {
      const error = yield* wait_for_other_side(filp, pipe);
      if (error !== 0) return done || error;
      continue;
    }
    const end = (pipe.start + pipe.len) % PIPE_SIZE;
    const bytes: u32 = Math.min(count - done, room, PIPE_SIZE - end);
    if ((yield* copy_from_user(pipe.base + end, buffer + done, bytes)) !== 0) return done || -EFAULT;
    pipe.len += bytes;
    done += bytes;
    yield* wake_up_interruptible(pipe.wait.address);
  }
  return done;
}

/** FIONREAD: how many bytes could be read. @context might_sleep */
export const pipe_ioctl = kernel_function(
  "pipe_ioctl",
  [pointer("file"), u32, u32],
  i32,
  function* (filp, command, argument) {
    return command === FIONREAD ? yield* put_user(pipe_of(filp).len, argument) : -ENOTTY;
  },
);

export const pipe_poll = kernel_function("pipe_poll", [pointer("file"), u32], u32, function* (filp, table) {
  const pipe = pipe_of(filp);
  yield* poll_wait(pipe.wait.address, table);
  if (file.at(filp).f_mode & FMODE_READ) {
    return (pipe.len > 0 ? POLLIN | POLLRDNORM : 0) | (pipe.writers === 0 ? POLLHUP : 0);
  }
  return (pipe.len < PIPE_SIZE ? POLLOUT | POLLWRNORM : 0) | (pipe.readers === 0 ? POLLERR : 0);
});

/** Drops one of a pipe's users, which are its ends; the last one frees it. */
function* put_pipe(node: u32): Steps<void> {
  if ((yield* atomic_dec_and_test(node + I_COUNT)) === 0) return;
  const { i_data } = inode.at(node);
  yield* free_pages(pipe_inode_info.at(i_data).base, 0);
  yield* kfree(i_data);
  yield* destroy_inode(node);
}

/** One end is closed for good: tells the other, and frees the pipe with the second. */
export const pipe_release = kernel_function(
  "pipe_release",
  [pointer("inode"), pointer("file")],
  undefined,
  function* (node, filp) {
    const pipe = pipe_inode_info.at(inode.at(node).i_data);
    yield* down(semaphore_of(filp));
    if (file.at(filp).f_mode & FMODE_READ) pipe.readers--;
    else pipe.writers--;
    yield* wake_up_interruptible(pipe.wait.address);
    yield* up(semaphore_of(filp));
    yield* put_pipe(node);
  },
);

const read_pipe_fops = kernel_table(
  "read_pipe_fops",
  ["pipe_read", 0, 0, 0, "pipe_release", "pipe_ioctl", "pipe_poll"],
  file_operations,
);
const write_pipe_fops = kernel_table(
  "write_pipe_fops",
  [0, "pipe_write", 0, 0, "pipe_release", "pipe_ioctl", "pipe_poll"],
  file_operations,
);

/** The inode of a new pipe, without ends, which has its caller for a user; 0 when out of memory. @context might_sleep */
function* get_pipe_inode(): Steps<u32> {
  const node = yield* new_inode();
  if (node === undefined) return 0;
  node.i_mode = S_IFIFO | 0o600;
  node.i_nlink = 1;
  const info: u32 = yield* kmalloc(pipe_inode_info.size, GFP_KERNEL);
  const base: u32 = info === 0 ? 0 : yield* get_zeroed_page(GFP_KERNEL);
  if (base === 0) {
    if (info !== 0) yield* kfree(info);
    yield* destroy_inode(node.address);
    return 0;
  }
  yield* memset(info, 0, pipe_inode_info.size);
  const pipe = pipe_inode_info.at(info);
  init_waitqueue_head(pipe.wait.address);
  pipe.base = base;
  node.i_data = info;
  return node.address;
}

/** Opens one end of a pipe: a file with one reference, or 0. @context might_sleep */
function* open_end(node: u32, fops: u32, flags: u32): Steps<u32> {
  const at = yield* get_empty_filp();
  if (at === 0) return 0;
  const filp = file.at(at);
  const reads = (flags & O_WRONLY) === 0;
  filp.f_inode = node;
  filp.f_op = fops;
  filp.f_flags = flags;
  filp.f_mode = reads ? FMODE_READ : FMODE_WRITE;
  const pipe = pipe_inode_info.at(inode.at(node).i_data);
  if (reads) pipe.readers++;
  else pipe.writers++;
  yield* atomic_inc(node + I_COUNT);
  return at;
}

/** A descriptor for an end of a pipe: that, or -EMFILE. */
function* take_descriptor(flags: u32): Steps<i32> {
  const fd = yield* get_unused_fd();
  if (fd >= 0 && flags & O_CLOEXEC) yield* set_close_on_exec(fd, true);
  return fd;
}

/**
 * Two open ends on two descriptors, written to a pair of kernel words. 0 or -errno, with everything undone.
 * @context might_sleep
 */
function* do_pipe(pair: u32, flags: u32): Steps<i32> {
  const node = yield* get_pipe_inode();
  if (node === 0) return -ENOMEM;
  const reader = yield* open_end(node, read_pipe_fops.address, O_RDONLY | (flags & O_NONBLOCK));
  const writer = reader === 0 ? 0 : yield* open_end(node, write_pipe_fops.address, O_WRONLY | (flags & O_NONBLOCK));
  yield* put_pipe(node); // it is its ends' now
  let error: i32 = writer === 0 ? -ENFILE : 0;
  let read_fd: i32 = error;
  let write_fd: i32 = error;
  if (error === 0) error = read_fd = yield* take_descriptor(flags);
  if (error >= 0) error = write_fd = yield* take_descriptor(flags);
  if (error < 0) {
    if (read_fd >= 0) yield* put_unused_fd(read_fd);
    if (writer !== 0) yield* fput(writer);
    if (reader !== 0) yield* fput(reader);
    return error;
  }
  memory().write32(pair, read_fd);
  memory().write32(pair + 4, write_fd);
  // Last: from here on another thread can use and close them.
  yield* fd_install(read_fd, reader);
  yield* fd_install(write_fd, writer);
  return 0;
}

/** pipe2(2): flags O_CLOEXEC and O_NONBLOCK. @context might_sleep */
export const sys_pipe2 = kernel_function("sys_pipe2", [u32, u32], i32, function* (fildes, flags) {
  const pair = local(array(i32, 2));
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  const error = yield* do_pipe(pair.address, flags);
  if (error !== 0) return error;
  if ((yield* copy_to_user(fildes, pair.address, 8)) === 0) return 0;
  yield* close_fd(pair.value.get(0));
  yield* close_fd(pair.value.get(1));
  return -EFAULT;
});
