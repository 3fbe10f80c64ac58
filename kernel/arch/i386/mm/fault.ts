/** Page faults (arch/i386/mm/fault.c): cured, turned into a signal, fixed up, or the end of the kernel's patience. */
import { cpu, trace, tracing } from "../../../host/context.ts";
import { cstring, kernel_function, type Steps } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import { type i32, pointer, u32 } from "../../../host/types.ts";
import { __va, PAGE_MASK, PAGE_SIZE, TASK_SIZE } from "../../../include/asm/page.ts";
import { pgd_index, pte_offset, pte_present } from "../../../include/asm/pgtable.ts";
import { EFLAGS_IF } from "../../../include/asm/processor-flags.ts";
import { pt_regs } from "../../../include/asm/ptrace.ts";
import { local_irq_enable, read_cr2 } from "../../../include/asm/system.ts";
import { mm_struct, VM_EXEC, VM_GROWSDOWN, VM_READ, VM_WRITE, vm_area_struct } from "../../../include/linux/mm.ts";
import { down_read, down_read_trylock, up_read } from "../../../include/linux/rwsem.ts";
import { current, kstat } from "../../../include/linux/sched.ts";
import { SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGKILL, SIGSEGV } from "../../../include/linux/signal.ts";
import { do_exit } from "../../../kernel/exit.ts";
import { hex8, KERN_EMERG, KERN_ERR, printk } from "../../../kernel/printk.ts";
import { force_sig_info } from "../../../kernel/signal.ts";
import { in_interrupt } from "../../../kernel/softirq.ts";
import { search_exception_table } from "../../../mm/extable.ts";
import { FAULT_MAJOR, FAULT_MINOR, FAULT_SIGBUS, handle_mm_fault } from "../../../mm/memory.ts";
import { expand_stack } from "../../../mm/mmap.ts";
import { find_vma, find_vma_intersection } from "../../../mm/vma.ts";
import { die } from "../kernel/traps.ts";

const MMAP_SEM = mm_struct.offset("mmap_sem");

const oops_name = cstring("Oops");
const PAGE_FAULT_VECTOR = 14;

/** Bits of the error code (Intel SDM vol. 3, 4.7). */
const PF_PROT = 1;
const PF_WRITE = 2;
const PF_USER = 4;

/** What `pushal` and `enter` may touch below ESP before they move it. */
const BELOW_ESP = 32;

/** The area that allows this access, grown to `address` if it is a stack; 0 when there is none. Needs mmap_sem. */
function* accessible_area(mm: u32, address: u32, error_code: u32, esp: u32): Steps<u32> {
  const found = yield* find_vma(mm, address);
  if (found === 0) return 0;
  const vma = vm_area_struct.at(found);
  if (vma.vm_start > address) {
    if ((vma.vm_flags & VM_GROWSDOWN) === 0) return 0;
    if (error_code & PF_USER && address + BELOW_ESP < esp) return 0;
    if ((yield* expand_stack(found, address)) !== 0) return 0;
  }
  if (error_code & PF_WRITE) return vma.vm_flags & VM_WRITE ? found : 0;
  if (error_code & PF_PROT) return 0;
  return vma.vm_flags & (VM_READ | VM_EXEC) ? found : 0;
}

/** si_code of SIGBUS: nothing there. */
const BUS_ADRERR = 2;

/** si_code of SIGSEGV: whether nothing is mapped at the address, or not for such an access. Needs mmap_sem. */
function* segv_code(mm: u32, address: u32): Steps<i32> {
  return (yield* find_vma_intersection(mm, address, address + 1)) === 0 ? SEGV_MAPERR : SEGV_ACCERR;
}

/** A program's own fault: it learns of it by a signal. */
function* signal_fault(sig: i32, address: u32, error_code: u32, si_code: i32): Steps<void> {
  const tsk = current();
  tsk.thread.cr2 = address;
  tsk.thread.error_code = address >= TASK_SIZE ? error_code | PF_PROT : error_code;
  tsk.thread.trap_no = PAGE_FAULT_VECTOR;
  yield* force_sig_info(sig, tsk.address, si_code, address);
}

function show_page_tables(address: number): void {
  const m = memory();
  const entry = __va((cpu().cr3 & PAGE_MASK) >>> 0) + 4 * pgd_index(address);
  const pde = m.read32(entry);
  printk(`${KERN_EMERG}*pde = ${hex8(pde)}\n`);
  if (pte_present(pde)) printk(`${KERN_EMERG}*pte = ${hex8(m.read32(pte_offset(entry, address)))}\n`);
}

/** A fault of the kernel: its fix-up if it has one, else an oops. @context any */
function* no_context(regs: pt_regs, address: u32, error_code: u32): Steps<void> {
  const fixup = yield* search_exception_table(regs.eip);
  if (fixup !== 0) {
    regs.eip = fixup;
    return;
  }
  const is_null = address < PAGE_SIZE;
  printk(
    `${KERN_EMERG}Unable to handle kernel ${is_null ? "NULL pointer dereference" : "paging request"} at virtual address ${hex8(address)}\n`,
  );
  printk(`${KERN_EMERG} printing eip:\n${hex8(regs.eip)}\n`);
  show_page_tables(address);
  yield* die(oops_name.address, regs.address, error_code);
}

/**
 * Takes mmap_sem for reading. False when somebody has it for writing, perhaps this very task, and it is the kernel's fault at
 * a place that has no fix-up: that is a mistake, and to be told instead of waited with. @inline
 */
function* down_read_mmap_sem(mm: u32, regs: pt_regs, error_code: u32): Steps<boolean> {
  if (error_code & PF_USER) yield* down_read(mm + MMAP_SEM);
  else if ((yield* down_read_trylock(mm + MMAP_SEM)) === 0) {
    if ((yield* search_exception_table(regs.eip)) === 0) return false;
    yield* down_read(mm + MMAP_SEM);
  }
  return true;
}

/** What a fault of a task with an address space comes to. @inline */
function* resolve_fault(regs: pt_regs, mm: u32, address: u32, error_code: u32): Steps<void> {
  const tsk = current();
  if (!(yield* down_read_mmap_sem(mm, regs, error_code))) {
    yield* no_context(regs, address, error_code);
    return;
  }
  const vma = yield* accessible_area(mm, address, error_code, regs.esp);
  if (vma === 0) {
    const si_code = yield* segv_code(mm, address);
    yield* up_read(mm + MMAP_SEM);
    if (error_code & PF_USER) yield* signal_fault(SIGSEGV, address, error_code, si_code);
    else yield* no_context(regs, address, error_code);
    return;
  }
  const result = yield* handle_mm_fault(mm, vma, address, error_code & PF_WRITE ? 1 : 0);
  yield* up_read(mm + MMAP_SEM);
  switch (result) {
    case FAULT_MINOR:
      tsk.min_flt++;
      return;
    case FAULT_MAJOR:
      tsk.maj_flt++;
      return;
    case FAULT_SIGBUS:
      yield* signal_fault(SIGBUS, address, error_code, BUS_ADRERR);
      if ((error_code & PF_USER) === 0) yield* no_context(regs, address, error_code);
      return;
    default:
      printk(`${KERN_ERR}VM: killing process ${tsk.comm}\n`);
      if (error_code & PF_USER) yield* do_exit(SIGKILL);
      yield* no_context(regs, address, error_code);
  }
}

/**
 * The handler of vector 14. Entered through an interrupt gate: CR2 is read before anything else can fault.
 * @context irqs_disabled
 */
export const do_page_fault = kernel_function(
  "do_page_fault",
  [pointer("pt_regs"), u32],
  undefined,
  function* (regs_address, error_code) {
    const address = read_cr2();
    const regs = pt_regs.at(regs_address);
    if (regs.eflags & EFLAGS_IF) local_irq_enable();
    kstat.value.pgfault++;
    const tsk = current();
    const { mm } = tsk;
    if (tracing()) trace({ event: "page_fault", pid: tsk.pid, address, error_code, eip: regs.eip });

    if (in_interrupt() || mm === 0) {
      yield* no_context(regs, address, error_code);
      return;
    }
    yield* resolve_fault(regs, mm, address, error_code);
  },
);
