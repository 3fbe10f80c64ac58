/** What the kernel's `.S` files know of the rest: struct offsets and sizes, and the named constants below. */
import { field_paths, type StructType } from "../../host/types.ts";
import { FIX_APIC_BASE, FIX_IO_APIC_BASE_0, fix_to_virt } from "../../include/asm/fixmap.ts";
import {
  CALL_FUNCTION_VECTOR,
  ERROR_APIC_VECTOR,
  INVALIDATE_TLB_VECTOR,
  LOCAL_TIMER_VECTOR,
  RESCHEDULE_VECTOR,
  SPURIOUS_APIC_VECTOR,
  STOP_VECTOR,
} from "../../include/asm/hw_irq.ts";
import { _PAGE_TABLE, PAGE_KERNEL, PAGE_OFFSET, PAGE_SIZE, TASK_SIZE } from "../../include/asm/page.ts";
import { THREAD_SIZE } from "../../include/asm/processor.ts";
import { APIC_BIAS, NO_ENTRY, VM_MASK } from "../../include/asm/ptrace.ts";
import {
  __KERNEL_CS,
  __KERNEL_DS,
  __USER_CS,
  __USER_DS,
  GDT_ENTRIES,
  GDT_ENTRY_CPU_NUMBER,
} from "../../include/asm/segment.ts";
import { TRAMPOLINE_REACHED } from "../../include/asm/smpboot.ts";
import { RW_LOCK_BIAS } from "../../include/asm/spinlock.ts";
import { __NR_clone, __NR_execve, __NR_exit, NR_syscalls } from "../../include/asm/unistd.ts";
import { EFAULT, ENAMETOOLONG, ENOSYS } from "../../include/linux/errno.ts";
import { FIRST_EXTERNAL_VECTOR } from "../../include/linux/interrupt.ts";
import { RWSEM_ACTIVE_READ_BIAS, RWSEM_ACTIVE_WRITE_BIAS, RWSEM_WAITING_BIAS } from "../../include/linux/rwsem.ts";
import { CLONE_VM } from "../../include/linux/sched.ts";
import { SIGSEGV } from "../../include/linux/signal.ts";
import { NR_CPUS } from "../../include/linux/threads.ts";

const constants = {
  NR_CPUS,
  THREAD_SIZE,
  THREAD_SHIFT: Math.log2(THREAD_SIZE),
  PAGE_SIZE,
  __PAGE_OFFSET: PAGE_OFFSET,
  TASK_SIZE,
  _PAGE_KERNEL_EARLY: PAGE_KERNEL,
  _PAGE_TABLE_EARLY: _PAGE_TABLE,
  CR0_PE: 0x00000001,
  CR0_PG: 0x80000000,
  CR0_WP: 0x00010000,
  CR0_MP: 0x00000002,
  CR0_NE: 0x00000020,
  CR0_TS: 0x00000008,
  VM_MASK,
  NO_ENTRY,
  APIC_BIAS,
  LOCAL_TIMER_VECTOR,
  STOP_VECTOR,
  CALL_FUNCTION_VECTOR,
  RESCHEDULE_VECTOR,
  INVALIDATE_TLB_VECTOR,
  ERROR_APIC_VECTOR,
  SPURIOUS_APIC_VECTOR,
  APIC_VIRT: fix_to_virt(FIX_APIC_BASE),
  IO_APIC_VIRT: fix_to_virt(FIX_IO_APIC_BASE_0),
  TRAMPOLINE_REACHED,
  FIRST_EXTERNAL_VECTOR,
  __KERNEL_CS,
  __KERNEL_DS,
  __USER_CS,
  __USER_DS,
  GDT_ENTRIES,
  GDT_ENTRY_CPU_NUMBER,
  EFAULT,
  ENOSYS,
  ENAMETOOLONG,
  SIGSEGV,
  CLONE_VM,
  RW_LOCK_BIAS,
  RWSEM_ACTIVE_READ_BIAS,
  RWSEM_ACTIVE_WRITE_BIAS,
  RWSEM_WAITING_BIAS,
  NR_syscalls,
  __NR_clone,
  __NR_execve,
  __NR_exit,
};

/** Absolute symbols for the assembler: the constants, `STRUCT_FIELD` offsets and `sizeof_STRUCT`, all in bytes. */
export function asm_offsets(structs: readonly StructType[]): Record<string, number> {
  const defines: Record<string, number> = { ...constants };
  for (const type of structs) {
    defines[`sizeof_${type.name}`] = type.size;
    for (const path of field_paths(type)) defines[`${type.name}_${path.replaceAll(".", "_")}`] = type.offset(path);
  }
  return defines;
}
