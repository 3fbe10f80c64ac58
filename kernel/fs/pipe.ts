/** Pipes (fs/pipe.c): a page of bytes between those who write and those who read, who wait for each other. */
import { kernel_function, kernel_table, local, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
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
import { current } from "../include/linux/sched.ts";
import { SIGPIPE } from "../include/linux/signal.ts";
import { FIONREAD } from "../include/linux/tty.ts";
import { init_waitqueue_head, wait_queue_head_t } from "../include/linux/wait.ts";
import { send_sig, signal_pending } from "../kernel/signal.ts";
import { interruptible_sleep_on, wake_up_interruptible } from "../kernel/wait.ts";
import { free_pages, get_zeroed_page } from "../mm/page_alloc.ts";
import { kfree, kmalloc } from "../mm/slab.ts";
import { fd_install, fput, get_empty_filp, get_unused_fd, set_close_on_exec } from "./file_table.ts";
import { new_inode, put_inode } from "./inode.ts";
import { sys_close } from "./open.ts";

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

/**
 * Waits for the other side; a waker is a task, so nothing is lost between the look and the sleep. 0 or -errno.
 * @context might_sleep
 */
function* wait_for_other_side(filp: u32, pipe: pipe_inode_info): Steps<i32> {
  if (is_nonblocking(filp)) return -EAGAIN;
  if (signal_pending(current())) return -ERESTARTSYS;
  yield* interruptible_sleep_on(pipe.wait.address);
  return 0;
}

/** What there is, at least a byte: waits for it. 0 when nobody is left to write. @context might_sleep */
export const pipe_read = kernel_function(
  "pipe_read",
  [pointer("file"), u32, u32],
  i32,
  function* (filp, buffer, count) {
    if (count === 0) return 0;
    const pipe = pipe_of(filp);
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
  },
);

/**
 * Everything, in pieces of at most the pipe's size; up to PIPE_BUF bytes are not torn. SIGPIPE when nobody can read.
 * @context might_sleep
 */
export const pipe_write = kernel_function(
  "pipe_write",
  [pointer("file"), u32, u32],
  i32,
  function* (filp, buffer, count) {
    const pipe = pipe_of(filp);
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
  },
);

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

function* free_pipe(node: u32): Steps<void> {
  const { i_data } = inode.at(node);
  yield* free_pages(pipe_inode_info.at(i_data).base, 0);
  yield* kfree(i_data);
  yield* put_inode(node);
}

/** One end is closed for good: tells the other, and frees the pipe with the second. */
export const pipe_release = kernel_function(
  "pipe_release",
  [pointer("inode"), pointer("file")],
  undefined,
  function* (node, filp) {
    const pipe = pipe_inode_info.at(inode.at(node).i_data);
    if (file.at(filp).f_mode & FMODE_READ) pipe.readers--;
    else pipe.writers--;
    if (pipe.readers + pipe.writers === 0) yield* free_pipe(node);
    else yield* wake_up_interruptible(pipe.wait.address);
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

/** The inode of a new pipe, without ends; 0 when out of memory. @context might_sleep */
function* get_pipe_inode(): Steps<u32> {
  const node = yield* new_inode();
  if (node === undefined) return 0;
  node.i_mode = S_IFIFO | 0o600;
  node.i_nlink = 1;
  const info: u32 = yield* kmalloc(pipe_inode_info.size, GFP_KERNEL);
  const base: u32 = info === 0 ? 0 : yield* get_zeroed_page(GFP_KERNEL);
  if (base === 0) {
    if (info !== 0) yield* kfree(info);
    yield* put_inode(node.address);
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
  return at;
}

/** Gives an end of a pipe to the lowest free descriptor: that, or -EMFILE. */
function install_end(end: number, flags: number): number {
  const fd = get_unused_fd();
  if (fd < 0) return fd;
  fd_install(fd, end);
  set_close_on_exec(fd, (flags & O_CLOEXEC) !== 0);
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
  if (reader === 0) {
    yield* free_pipe(node);
    return -ENFILE;
  }
  const writer = yield* open_end(node, write_pipe_fops.address, O_WRONLY | (flags & O_NONBLOCK));
  if (writer === 0) {
    yield* fput(reader);
    return -ENFILE;
  }
  const read_fd: i32 = install_end(reader, flags);
  if (read_fd < 0) {
    yield* fput(writer);
    yield* fput(reader);
    return read_fd;
  }
  const write_fd: i32 = install_end(writer, flags);
  if (write_fd < 0) {
    yield* fput(writer);
    yield* sys_close(read_fd);
    return write_fd;
  }
  memory().write32(pair, read_fd);
  memory().write32(pair + 4, write_fd);
  return 0;
}

/** pipe2(2): flags O_CLOEXEC and O_NONBLOCK. @context might_sleep */
export const sys_pipe2 = kernel_function("sys_pipe2", [u32, u32], i32, function* (fildes, flags) {
  const pair = local(array(i32, 2));
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  const error = yield* do_pipe(pair.address, flags);
  if (error !== 0) return error;
  if ((yield* copy_to_user(fildes, pair.address, 8)) === 0) return 0;
  yield* sys_close(pair.value.get(0));
  yield* sys_close(pair.value.get(1));
  return -EFAULT;
});
