import { describe, expect, it } from "vitest";
import { flush_old_files, sys_dup, sys_dup2, sys_fcntl } from "../../../kernel/fs/fcntl.ts";
import {
  fcheck,
  fd_install,
  files_init,
  filp_close,
  fput,
  get_empty_filp,
  get_unused_fd,
} from "../../../kernel/fs/file_table.ts";
import { memset } from "../../../kernel/include/asm/string.ts";
import { EBADF, EINVAL, EMFILE } from "../../../kernel/include/linux/errno.ts";
import { file, O_APPEND, O_NONBLOCK } from "../../../kernel/include/linux/fs.ts";
import { GFP_KERNEL } from "../../../kernel/include/linux/mm.ts";
import { current, files_struct } from "../../../kernel/include/linux/sched.ts";
import { for_each_cache, kmalloc } from "../../../kernel/mm/slab.ts";
import { Harness } from "../harness.ts";

const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;

/** A task with an empty table of files, and a file on descriptor 0. */
function start(): { kernel: Harness; filp: number } {
  const kernel = Harness.with_slabs(512);
  kernel.run(() => files_init());
  const files = kernel.run(() => kmalloc(files_struct.size, GFP_KERNEL));
  kernel.run(() => memset(files, 0, files_struct.size));
  kernel.inspect(() => {
    files_struct.at(files).max_fds = 32;
    current().files = files;
  });
  const filp = kernel.run(() => get_empty_filp());
  const fd = kernel.run(() => get_unused_fd());
  kernel.run(() => fd_install(fd, filp));
  return { kernel, filp };
}

function open_files(kernel: Harness): number {
  return kernel.inspect(() => [...for_each_cache()].find(({ name }) => name === "filp")!.num_active);
}

describe("descriptors", () => {
  it("dup gives the lowest free one to the same file, as long as there is one", () => {
    const { kernel, filp } = start();
    for (let fd = 1; fd < 32; fd++) expect(kernel.run(() => sys_dup(0))).toBe(fd);
    expect(kernel.run(() => sys_dup(0))).toBe(-EMFILE);
    expect(kernel.inspect(() => file.at(filp).f_count)).toBe(32);
    expect(kernel.inspect(() => fcheck(31))).toBe(filp);
    expect(kernel.run(() => sys_dup(32))).toBe(-EBADF);
    expect(kernel.run(() => sys_dup(-1))).toBe(-EBADF);
  });

  it("dup2 closes what the descriptor was", () => {
    const { kernel, filp } = start();
    const other = kernel.run(() => get_empty_filp());
    expect(kernel.run(() => get_unused_fd(5))).toBe(5);
    kernel.run(() => fd_install(5, other));
    expect(kernel.run(() => sys_dup2(0, 5))).toBe(5);
    expect(kernel.inspect(() => fcheck(5))).toBe(filp);
    expect(open_files(kernel)).toBe(1);
    expect(kernel.run(() => sys_dup2(5, 5))).toBe(5);
    expect(kernel.run(() => sys_dup2(9, 1))).toBe(-EBADF);
    expect(kernel.run(() => sys_dup2(0, 32))).toBe(-EBADF);
    expect(kernel.inspect(() => file.at(filp).f_count)).toBe(2);
  });

  it("fcntl duplicates from a place on, and keeps the flags", () => {
    const { kernel, filp } = start();
    const fcntl = (fd: number, command: number, argument: number) => kernel.run(() => sys_fcntl(fd, command, argument));
    expect(fcntl(0, F_DUPFD, 10)).toBe(10);
    expect(fcntl(0, F_DUPFD, 32)).toBe(-EINVAL);
    expect(fcntl(0, F_DUPFD, -1)).toBe(-EINVAL);
    kernel.inspect(() => (file.at(filp).f_flags = 2));
    expect(fcntl(10, F_SETFL, O_NONBLOCK | O_APPEND | 1)).toBe(0);
    expect(fcntl(0, F_GETFL, 0)).toBe(O_NONBLOCK | O_APPEND | 2);
    expect(fcntl(10, F_GETFD, 0)).toBe(0);
    expect(fcntl(10, F_SETFD, 1)).toBe(0);
    expect(fcntl(10, F_GETFD, 0)).toBe(1);
    expect(fcntl(0, F_GETFD, 0)).toBe(0);
    expect(fcntl(0, 99, 0)).toBe(-EINVAL);
    expect(fcntl(7, F_GETFD, 0)).toBe(-EBADF);
  });

  it("marked close-on-exec are closed by exec, and their mark does not outlive them", () => {
    const { kernel } = start();
    kernel.run(() => sys_dup(0));
    kernel.run(() => sys_fcntl(0, F_SETFD, 1));
    kernel.run(() => flush_old_files());
    expect(kernel.inspect(() => [fcheck(0) === 0, fcheck(1) === 0])).toEqual([true, false]);
    expect(kernel.run(() => sys_dup(1))).toBe(0);
    expect(kernel.run(() => sys_fcntl(0, F_GETFD, 0))).toBe(0);
  });

  it("free the file when the last of them is closed; once more is a bug", () => {
    const { kernel, filp } = start();
    expect(kernel.run(() => filp_close(filp))).toBe(0);
    expect(open_files(kernel)).toBe(0);
    expect(() => kernel.run(() => fput(filp))).toThrow(/is free|freed twice/);
  });
});
