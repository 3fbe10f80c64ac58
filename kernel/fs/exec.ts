/**
 * execve (fs/exec.c): a new program in the current process. Until `flush_old_exec` gives up the old address space any
 * error leaves the process as it was; from then on an error kills it.
 */
import { trace, tracing } from "../host/context.ts";
import { by_value, kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { PAGE_SIZE } from "../include/asm/page.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { memset } from "../include/asm/string.ts";
import { get_fs, KERNEL_DS, set_fs } from "../include/asm/uaccess.ts";
import { BINPRM_BUF_SIZE, linux_binprm, MAX_ARG_PAGES } from "../include/linux/binfmts.ts";
import { EACCES } from "../include/linux/errno.ts";
import { IS_ERR, inode, O_RDONLY, S_IFMT, S_IFREG } from "../include/linux/fs.ts";
import { current } from "../include/linux/sched.ts";
import { load_elf_binary } from "./binfmt_elf.ts";
import { copy_strings, count, free_arg_pages, kernel_read } from "./binprm.ts";
import { fput } from "./file_table.ts";
import { getname, path_lookup, putname, working_directory } from "./namei.ts";
import { dentry_open } from "./open.ts";

const S_IXUGO = 0o111;
const POINTER_SIZE = 4;
/** More pointers than the argument pages could hold strings for. */
const MAX_STRINGS = (MAX_ARG_PAGES * PAGE_SIZE) / POINTER_SIZE;

/**
 * Opens a program by a name in kernel memory: a file with one reference, or -errno as an unsigned number.
 * @context might_sleep
 */
const open_exec = kernel_function("open_exec", [pointer("char")], u32, function* (name) {
  const found = yield* path_lookup(name, working_directory(), true);
  if (IS_ERR(found)) return found;
  const { i_mode } = inode.at(found);
  if ((i_mode & S_IFMT) !== S_IFREG || (i_mode & S_IXUGO) === 0) return -EACCES;
  return yield* dentry_open(found, O_RDONLY);
});

/** Collects the strings, tells the format and loads the program. Returns 0 or -errno. @context might_sleep */
function* load_program(bprm: linux_binprm, argv: u32, envp: u32, regs: u32): Steps<i32> {
  bprm.argc = yield* count(argv, MAX_STRINGS);
  if (bprm.argc < 0) return bprm.argc;
  bprm.envc = yield* count(envp, MAX_STRINGS);
  if (bprm.envc < 0) return bprm.envc;
  yield* kernel_read(bprm.file, 0, bprm.buf.address, BINPRM_BUF_SIZE);
  const limit: u32 = get_fs();
  set_fs(KERNEL_DS);
  const error = yield* copy_strings(1, bprm.address + linux_binprm.offset("filename"), bprm.address);
  set_fs(limit);
  return (
    error ||
    (yield* copy_strings(bprm.envc, envp, bprm.address)) ||
    (yield* copy_strings(bprm.argc, argv, bprm.address)) ||
    (yield* load_elf_binary(bprm.address, regs))
  );
}

/**
 * Runs a program: its name in kernel memory, argv and envp in memory that the caller's addr_limit allows, the registers
 * that the return from the system call will load. Returns 0 or -errno.
 * @context might_sleep
 */
export const do_execve = kernel_function(
  "do_execve",
  [pointer("char"), u32, u32, pointer("pt_regs")],
  i32,
  function* (filename, argv, envp, regs) {
    const opened = yield* open_exec(filename);
    if (IS_ERR(opened)) return opened;
    const bprm = local(linux_binprm);
    yield* memset(bprm.address, 0, linux_binprm.size);
    bprm.p = PAGE_SIZE * MAX_ARG_PAGES - POINTER_SIZE;
    bprm.file = opened;
    bprm.filename = filename;
    const result = yield* load_program(bprm, argv, envp, regs);
    yield* free_arg_pages(bprm);
    yield* fput(opened);
    if (result !== 0) return result;
    if (tracing()) trace({ event: "exec", pid: current().pid, comm: current().comm });
    return result;
  },
);

/** execve(2): name in EBX, argv in ECX, envp in EDX. @context might_sleep */
export const sys_execve = kernel_function("sys_execve", [by_value(pt_regs)], i32, function* (regs) {
  const name = yield* getname(regs.ebx);
  if (IS_ERR(name)) return name;
  const result = yield* do_execve(name, regs.ecx, regs.edx, regs.address);
  yield* putname(name);
  return result;
});
