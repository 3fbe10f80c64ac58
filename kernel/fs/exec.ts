/**
 * execve (fs/exec.c): a new program in the current process. Until `flush_old_exec` gives up the old address space any
 * error leaves the process as it was; from then on an error kills it.
 */
import { image, kernel_host, stack_local } from "../host/context.ts";
import { asm_function, by_value, kernel_function, type Steps } from "../host/declarations.ts";
import { memcpy, memory, memset, read_bytes, read_cstring } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { __pa, PAGE_SHIFT, PAGE_SIZE, page_align_down, TASK_SIZE } from "../include/asm/page.ts";
import { pgd_offset, pte_mkdirty, pte_mkwrite } from "../include/asm/pgtable.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { __USER_CS, __USER_DS } from "../include/asm/segment.ts";
import { load_cr3 } from "../include/asm/system.ts";
import { get_user, set_fs, strnlen_user, USER_DS, __copy_from_user, access_ok } from "../include/asm/uaccess.ts";
import { BINPRM_BUF_SIZE, linux_binprm, MAX_ARG_PAGES } from "../include/linux/binfmts.ts";
import { E2BIG, EACCES, EFAULT, ENOEXEC, ENOMEM } from "../include/linux/errno.ts";
import { file, IS_ERR, inode, O_RDONLY, S_IFMT, S_IFREG } from "../include/linux/fs.ts";
import { GFP_HIGHUSER, GFP_KERNEL, mm_struct, VM_STACK_FLAGS } from "../include/linux/mm.ts";
import { current, k_sigaction, PF_FORKNOEXEC, signal_struct } from "../include/linux/sched.ts";
import { mm_release, sigact_cachep } from "../kernel/fork.ts";
import { mm_alloc, mmdrop, mmput } from "../kernel/mm.ts";
import { mk_pte, pte_alloc } from "../mm/memory.ts";
import { insert_anonymous_area } from "../mm/mmap.ts";
import { free_pages, get_zeroed_page, page_address, virt_to_page } from "../mm/page_alloc.ts";
import { kmem_cache_alloc, kmem_cache_free } from "../mm/slab.ts";
import { load_elf_binary } from "./binfmt_elf.ts";
import { flush_old_files } from "./fcntl.ts";
import { fput } from "./file_table.ts";
import { getname, path_lookup, putname } from "./namei.ts";
import { dentry_open } from "./open.ts";
