/** What CPUs tell each other: interrupts from one to others, by the local APICs (arch/i386/kernel/smp.c). */
import { image, trace, tracing } from "../../../host/context.ts";
import {
  asm_function,
  by_value,
  call_pointer,
  kernel_function,
  kernel_table,
  kernel_variable,
  local,
  per_cpu,
  type Steps,
} from "../../../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../../../host/types.ts";
import {
  APIC_DEST_ALLBUT,
  APIC_DEST_LOGICAL,
  APIC_DEST_SHIFT,
  APIC_ICR,
  APIC_ICR_BUSY,
  APIC_ICR2,
  apic_read,
  apic_write,
} from "../../../include/asm/apic.ts";
import { atomic_inc, atomic_set_mask } from "../../../include/asm/atomic.ts";
import { clear_bit, set_bit, test_and_set_bit } from "../../../include/asm/bitops.ts";
import {
  CALL_FUNCTION_VECTOR,
  INVALIDATE_TLB_VECTOR,
  RESCHEDULE_VECTOR,
  STOP_VECTOR,
} from "../../../include/asm/hw_irq.ts";
import { __pa, PAGE_SIZE } from "../../../include/asm/page.ts";
import { cpu_relax } from "../../../include/asm/processor.ts";
import { pt_regs } from "../../../include/asm/ptrace.ts";
import { SPIN_LOCK_UNLOCKED, spin_lock, spin_unlock, spinlock_t } from "../../../include/asm/spinlock.ts";
import {
  __flush_tlb,
  __flush_tlb_one,
  load_cr3,
  local_irq_disable,
  local_irq_restore,
  local_irq_save,
} from "../../../include/asm/system.ts";
import { mm_struct } from "../../../include/linux/mm.ts";
import { current, smp_num_cpus, smp_processor_id } from "../../../include/linux/sched.ts";
import { cpu_online_map, FLUSH_ALL } from "../../../include/linux/smp.ts";
import { irq_enter, irq_exit } from "../../../kernel/softirq.ts";
import { init_mm } from "../../../mm/init_mm.ts";
import { ack_APIC_irq, disable_local_APIC } from "./apic.ts";

/** All CPUs that run but this one, one bit each. */
function other_cpus(): u32 {
  return (cpu_online_map.value & ~(1 << smp_processor_id())) >>> 0;
}

function trace_raise(vector: number, target_cpus: number): void {
  if (tracing()) trace({ event: "ipi_raise", vector, target_cpus });
}

/** The last message has left: the ICR may be written. */
export function* apic_wait_icr_idle(): Steps<void> {
  while ((yield* apic_read(APIC_ICR)) & APIC_ICR_BUSY) cpu_relax();
}

/** Interrupts some CPUs, one bit each. @context any */
export const send_IPI_mask = kernel_function("send_IPI_mask", [u32, u32], undefined, function* (mask, vector) {
  const flags = local_irq_save(); // a handler that sends one, too, would change the ICR's high half
  trace_raise(vector, mask);
  yield* apic_wait_icr_idle();
  yield* apic_write(APIC_ICR2, mask << APIC_DEST_SHIFT);
  yield* apic_write(APIC_ICR, APIC_DEST_LOGICAL | vector);
  local_irq_restore(flags);
});

/** Interrupts all CPUs but this one. @context any */
export const send_IPI_allbutself = kernel_function("send_IPI_allbutself", [u32], undefined, function* (vector) {
  const others = other_cpus();
  if (others === 0) return;
  trace_raise(vector, others);
  yield* apic_wait_icr_idle();
  yield* apic_write(APIC_ICR, APIC_DEST_ALLBUT | vector);
});

// ---- Reschedule ----

export const smp_send_reschedule = kernel_function("smp_send_reschedule", [i32], undefined, function* (cpu) {
  if (cpu >= 0) yield* send_IPI_mask(1 << cpu, RESCHEDULE_VECTOR);
});

/** What it is for, need_resched, is looked at on the way out, and by the idle loop that it wakes. @context irqs_disabled */
kernel_function("smp_reschedule_interrupt", [by_value(pt_regs)], undefined, function* () {
  yield* ack_APIC_irq();
  if (tracing()) trace({ event: "ipi_entry", vector: RESCHEDULE_VECTOR });
});

// ---- Call function ----

const call_data_struct = struct("call_data_struct", {
  /** A guest function of one argument, and that. */
  func: pointer("function"),
  info: u32,
  /** CPUs that have read the above; that have done it. */
  started: i32,
  finished: i32,
  wait: i32,
});

/** One call at a time. */
const call_lock = kernel_table("call_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
const call_data = kernel_variable("call_data", pointer("call_data_struct"));

/**
 * Has every other CPU call `func(info)`, in an interrupt handler, and waits until all have begun; with `wait`, until they are
 * done. `nonatomic` is not looked at (nor is it in Linux). Interrupts are on, since two CPUs may want it at the same time.
 * Returns 0.
 * @context irqs_enabled
 */
export const smp_call_function = kernel_function(
  "smp_call_function",
  [pointer("function"), u32, i32, i32],
  i32,
  function* (func, info, _nonatomic, wait) {
    const cpus = smp_num_cpus.value - 1;
    if (cpus === 0) return 0;
    const data = local(call_data_struct);
    data.func = func;
    data.info = info;
    data.started = 0;
    data.finished = 0;
    data.wait = wait;
    yield* spin_lock(call_lock.address);
    call_data.value = data.address;
    yield* send_IPI_allbutself(CALL_FUNCTION_VECTOR);
    while (data.started !== cpus) cpu_relax();
    if (wait !== 0) while (data.finished !== cpus) cpu_relax();
    yield* spin_unlock(call_lock.address);
    return 0;
  },
);

const STARTED = call_data_struct.offset("started");
const FINISHED = call_data_struct.offset("finished");

/** @context irqs_disabled */
kernel_function("smp_call_function_interrupt", [by_value(pt_regs)], undefined, function* () {
  const at = call_data.value;
  const { func, info, wait } = call_data_struct.at(at);
  yield* ack_APIC_irq();
  if (tracing()) trace({ event: "ipi_entry", vector: CALL_FUNCTION_VECTOR });
  yield* atomic_inc(at + STARTED); // without `wait`, the data may be gone from here on
  irq_enter();
  yield* call_pointer(func, undefined, info);
  irq_exit();
  if (wait !== 0) yield* atomic_inc(at + FINISHED);
});

// ---- TLB shoot-down ----

/** Whether a CPU uses the page tables it has loaded, or has them only because nothing else was needed since. */
const TLBSTATE_OK = 1;
const TLBSTATE_LAZY = 2;
const tlb_state = struct("tlb_state", { active_mm: pointer("mm_struct"), state: u32 });
export const cpu_tlbstate = per_cpu("cpu_tlbstate", tlb_state);

/** One shoot-down at a time. */
const tlbstate_lock = kernel_table("tlbstate_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);
/** What is to be dropped, and which CPUs have yet to do so. */
const flush_mm = kernel_variable("flush_mm", pointer("mm_struct"));
const flush_va = kernel_variable("flush_va", u32);
const flush_cpumask = kernel_variable("flush_cpumask", u32);
const CPU_VM_MASK = mm_struct.offset("cpu_vm_mask");

/** This CPU starts with the page tables of init_mm. */
export function init_tlbstate(): void {
  const tlbstate = cpu_tlbstate.value;
  tlbstate.active_mm = init_mm.address;
  tlbstate.state = TLBSTATE_OK;
}

export const smp_switch_mm = kernel_function(
  "smp_switch_mm",
  [pointer("mm_struct"), pointer("mm_struct")],
  undefined,
  function* (prev, next) {
    const cpu = smp_processor_id();
    const tlbstate = cpu_tlbstate.value;
    if (prev === next) {
      tlbstate.state = TLBSTATE_OK;
      // Left while it was only lazily used: somebody shot it down, and this CPU is on swapper_pg_dir.
      if ((yield* test_and_set_bit(cpu, next + CPU_VM_MASK)) === 0) yield* load_cr3(__pa(mm_struct.at(next).pgd));
      return;
    }
    yield* clear_bit(cpu, prev + CPU_VM_MASK); // no more shoot-downs of what is about to be dropped anyway
    tlbstate.state = TLBSTATE_OK;
    tlbstate.active_mm = next;
    yield* set_bit(cpu, next + CPU_VM_MASK);
  },
);

export const enter_lazy_tlb = kernel_function("enter_lazy_tlb", [], undefined, function* () {
  const tlbstate = cpu_tlbstate.value;
  if (tlbstate.state === TLBSTATE_OK) tlbstate.state = TLBSTATE_LAZY;
});

/** This CPU has no use for the page tables it has loaded, and wants to hear no more of them. */
function* leave_mm(): Steps<void> {
  yield* clear_bit(smp_processor_id(), cpu_tlbstate.value.active_mm + CPU_VM_MASK);
  yield* load_cr3(__pa(image().symbol("swapper_pg_dir")));
}

/** Drops what another CPU wants dropped. @context irqs_disabled */
kernel_function("smp_invalidate_interrupt", [by_value(pt_regs)], undefined, function* () {
  const cpu = smp_processor_id();
  if ((flush_cpumask.value & (1 << cpu)) !== 0) {
    if (tracing()) trace({ event: "ipi_entry", vector: INVALIDATE_TLB_VECTOR });
    const { active_mm, state } = cpu_tlbstate.value;
    if (active_mm === flush_mm.value) {
      if (state !== TLBSTATE_OK) yield* leave_mm();
      else if (flush_va.value === FLUSH_ALL) yield* __flush_tlb();
      else yield* __flush_tlb_one(flush_va.value);
    }
    yield* ack_APIC_irq();
    yield* clear_bit(cpu, flush_cpumask.address);
  } else yield* ack_APIC_irq();
});

/** @context irqs_enabled */
export const flush_tlb_others = kernel_function(
  "flush_tlb_others",
  [pointer("mm_struct"), u32],
  undefined,
  function* (mm, address) {
    const mask: u32 = mm_struct.at(mm).cpu_vm_mask & other_cpus();
    if (mask === 0) return;
    yield* spin_lock(tlbstate_lock.address);
    flush_mm.value = mm;
    flush_va.value = address;
    yield* atomic_set_mask(mask, flush_cpumask.address);
    yield* send_IPI_mask(mask, INVALIDATE_TLB_VECTOR);
    while (flush_cpumask.value !== 0) cpu_relax();
    flush_mm.value = 0;
    flush_va.value = 0;
    yield* spin_unlock(tlbstate_lock.address);
  },
);

/** Each CPU's own part of flush_tlb_all. @context in_irq */
const flush_tlb_all_ipi = kernel_function("flush_tlb_all_ipi", [u32], undefined, function* (_info) {
  yield* __flush_tlb();
  if (cpu_tlbstate.value.state === TLBSTATE_LAZY) yield* leave_mm();
});

/** Drops all translations but those of global pages, on all CPUs. @context irqs_enabled */
export const flush_tlb_all = kernel_function("flush_tlb_all", [], undefined, function* () {
  yield* smp_call_function(flush_tlb_all_ipi.address, 0, 1, 1);
  yield* __flush_tlb();
  if (current().mm === 0) yield* enter_lazy_tlb();
});

const kernel_range = struct("kernel_range", { start: u32, end: u32 });

/** Each CPU's own part of flush_tlb_kernel_range. @context in_irq */
const flush_kernel_range_ipi = kernel_function(
  "flush_kernel_range_ipi",
  [pointer("kernel_range")],
  undefined,
  function* (info) {
    const { start, end } = kernel_range.at(info);
    for (let at: u32 = start; at < end; at += PAGE_SIZE) yield* __flush_tlb_one(at);
  },
);

/** Drops translations of kernel memory, global pages, on all CPUs but this one. @context irqs_enabled */
export const flush_tlb_kernel_range = kernel_function(
  "flush_tlb_kernel_range",
  [u32, u32],
  undefined,
  function* (start, end) {
    const range = local(kernel_range);
    range.start = start;
    range.end = end;
    yield* smp_call_function(flush_kernel_range_ipi.address, range.address, 1, 1);
  },
);

// ---- Stop ----

/** `hlt` */
const halt = asm_function("halt", [], undefined);

/**
 * How often smp_send_stop looks whether the others have stopped: one may be where it takes no interrupts, for good. Between two looks
 * is no cpu_relax(), behind which that one might have a whole turn each time.
 */
const STOP_PATIENCE = 10_000;

/**
 * Stops all other CPUs. It takes no lock and waits for a while only: a kernel that panics may hold any, and others may wait for
 * it with interrupts off.
 * @context any
 */
export const smp_send_stop = kernel_function("smp_send_stop", [], undefined, function* () {
  const others = other_cpus();
  if (others === 0) return;
  yield* send_IPI_allbutself(STOP_VECTOR);
  for (let tries: i32 = 0; tries < STOP_PATIENCE && (cpu_online_map.value & others) !== 0; tries++);
  smp_num_cpus.value = 1;
});

/** The end of this CPU. @context irqs_disabled */
kernel_function("smp_stop_interrupt", [by_value(pt_regs)], undefined, function* () {
  if (tracing()) trace({ event: "ipi_entry", vector: STOP_VECTOR });
  yield* clear_bit(smp_processor_id(), cpu_online_map.address);
  local_irq_disable();
  yield* disable_local_APIC();
  for (;;) yield* halt();
});
