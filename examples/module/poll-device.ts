/**
 * A device with a buffer of 8 bytes: its reader sleeps while it is empty, its writer while it is full, unless they have
 * O_NONBLOCK; select and poll tell which of both would not; FIONREAD gives the number of bytes in it. sys_buf_init()
 * registers it and returns its major number.
 */
import {
  array,
  copy_from_user,
  copy_to_user,
  cstring,
  EAGAIN,
  EFAULT,
  ENOTTY,
  file,
  file_operations,
  i32,
  init_waitqueue_head,
  kernel_function,
  kernel_table,
  kernel_variable,
  lock_kernel,
  O_NONBLOCK,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  pointer,
  poll_wait,
  printk,
  put_user,
  register_chrdev,
  type Steps,
  u8,
  u32,
  unlock_kernel,
  wait_event_interruptible,
  wait_queue_head_t,
  wake_up_interruptible,
} from "esp0/kernel/module";

const SIZE = 8;
const FIONREAD = 0x541b;

export const buf = kernel_variable("buf", array(u8, SIZE));
export const buf_head = kernel_variable("buf_head", u32);
export const buf_length = kernel_variable("buf_length", u32);
/** Who waits for bytes, and who for room. */
export const buf_readers = kernel_variable("buf_readers", wait_queue_head_t);
export const buf_writers = kernel_variable("buf_writers", wait_queue_head_t);
/** How often the device is open. */
export const buf_users = kernel_variable("buf_users", u32);

/** Sleeps until there is a byte. With the big kernel lock nobody comes between the look and what follows it. */
function* wait_for_byte(flags: u32): Steps<i32> {
  if (buf_length.value === 0 && flags & O_NONBLOCK) return -EAGAIN;
  return yield* wait_event_interruptible(buf_readers.address, () => buf_length.value > 0);
}

function* wait_for_room(flags: u32): Steps<i32> {
  if (buf_length.value === SIZE && flags & O_NONBLOCK) return -EAGAIN;
  return yield* wait_event_interruptible(buf_writers.address, () => buf_length.value < SIZE);
}

/** As many bytes as there are, at least one. */
function* read_bytes(at: u32, buffer: u32, count: u32): Steps<i32> {
  if (count === 0) return 0;
  const error = yield* wait_for_byte(file.at(at).f_flags);
  if (error !== 0) return error;
  let done: u32 = 0;
  for (; done < count && buf_length.value > 0; done++) {
    const from = buf.value.address_of(buf_head.value);
    if ((yield* copy_to_user(buffer + done, from, 1)) !== 0) return done || -EFAULT;
    buf_head.value = (buf_head.value + 1) % SIZE;
    buf_length.value--;
  }
  yield* wake_up_interruptible(buf_writers.address);
  return done;
}

export const buf_read = kernel_function("buf_read", [pointer("file"), u32, u32], i32, function* (at, buffer, count) {
  yield* lock_kernel();
  const bytes = yield* read_bytes(at, buffer, count);
  yield* unlock_kernel();
  return bytes;
});

/** As many bytes as there is room for, at least one. */
function* write_bytes(at: u32, buffer: u32, count: u32): Steps<i32> {
  if (count === 0) return 0;
  const error = yield* wait_for_room(file.at(at).f_flags);
  if (error !== 0) return error;
  let done: u32 = 0;
  for (; done < count && buf_length.value < SIZE; done++) {
    const to = buf.value.address_of((buf_head.value + buf_length.value) % SIZE);
    if ((yield* copy_from_user(to, buffer + done, 1)) !== 0) return done || -EFAULT;
    buf_length.value++;
  }
  yield* wake_up_interruptible(buf_readers.address);
  return done;
}

export const buf_write = kernel_function("buf_write", [pointer("file"), u32, u32], i32, function* (at, buffer, count) {
  yield* lock_kernel();
  const bytes = yield* write_bytes(at, buffer, count);
  yield* unlock_kernel();
  return bytes;
});

/** What the device is ready for; with a table, the caller is woken when that may have changed. */
export const buf_poll = kernel_function("buf_poll", [pointer("file"), u32], u32, function* (_file, table) {
  yield* poll_wait(buf_readers.address, table);
  yield* poll_wait(buf_writers.address, table);
  const readable = buf_length.value > 0 ? POLLIN | POLLRDNORM : 0;
  const writable = buf_length.value < SIZE ? POLLOUT | POLLWRNORM : 0;
  return readable | writable;
});

export const buf_ioctl = kernel_function(
  "buf_ioctl",
  [pointer("file"), u32, u32],
  i32,
  function* (_file, command, arg) {
    if (command !== FIONREAD) return -ENOTTY;
    return (yield* put_user(buf_length.value, arg)) === 0 ? 0 : -EFAULT;
  },
);

export const buf_open = kernel_function(
  "buf_open",
  [pointer("inode"), pointer("file")],
  i32,
  function* (_inode, _file) {
    buf_users.value++;
    return 0;
  },
);

export const buf_release = kernel_function(
  "buf_release",
  [pointer("inode"), pointer("file")],
  i32,
  function* (_inode, _file) {
    buf_users.value--;
    printk(`buf: released, ${buf_users.value} users are left\n`);
    return 0;
  },
);

const buf_name = cstring("buf");
const buf_fops = kernel_table(
  "buf_fops",
  ["buf_read", "buf_write", 0, "buf_open", "buf_release", "buf_ioctl", "buf_poll"],
  file_operations,
);

export const sys_buf_init = kernel_function("sys_buf_init", [], i32, function* () {
  init_waitqueue_head(buf_readers.address);
  init_waitqueue_head(buf_writers.address);
  return yield* register_chrdev(0, buf_name.address, buf_fops.address);
});
