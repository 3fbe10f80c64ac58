/** Starting the other CPUs (arch/i386/kernel/smpboot.c, Linux 2.4). */
import { image } from "../../../host/context.ts";
import { config_function, kernel_function, kernel_variable, local, type Steps } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import { array, i32, pointer, u32 } from "../../../host/types.ts";
import {
  APIC_DEST_SHIFT,
  APIC_DM_INIT,
  APIC_DM_STARTUP,
  APIC_ESR,
  APIC_ICR,
  APIC_ICR2,
  APIC_INT_ASSERT,
  APIC_INT_LEVELTRIG,
  apic_read,
  apic_write,
} from "../../../include/asm/apic.ts";
import { set_bit } from "../../../include/asm/bitops.ts";
import {
  CALL_FUNCTION_VECTOR,
  ERROR_APIC_VECTOR,
  INVALIDATE_TLB_VECTOR,
  LOCAL_TIMER_VECTOR,
  RESCHEDULE_VECTOR,
  SPURIOUS_APIC_VECTOR,
  STOP_VECTOR,
} from "../../../include/asm/hw_irq.ts";
import { __pa, PAGE_SHIFT, USER_PTRS_PER_PGD } from "../../../include/asm/page.ts";
import { cpu_relax } from "../../../include/asm/processor.ts";
import { pt_regs } from "../../../include/asm/ptrace.ts";
import { TRAMPOLINE_REACHED } from "../../../include/asm/smpboot.ts";
import { memcpy, memset } from "../../../include/asm/string.ts";
import {
  __flush_tlb,
  local_irq_disable,
  local_irq_enable,
  safe_halt,
  set_in_cr4,
  X86_CR4_PGE,
} from "../../../include/asm/system.ts";
import {
  CLONE_PID,
  CLONE_VM,
  init_task,
  init_tasks,
  smp_num_cpus,
  smp_processor_id,
  task_struct,
  tasklist_lock,
} from "../../../include/linux/sched.ts";
import { cpu_online_map } from "../../../include/linux/smp.ts";
import { write_lock_irq, write_unlock_irq } from "../../../include/linux/spinlock.ts";
import { NR_CPUS } from "../../../include/linux/threads.ts";
import { do_fork, nr_threads } from "../../../kernel/fork.ts";
import { panic } from "../../../kernel/panic.ts";
import { remove_links, unhash_pid } from "../../../kernel/pid.ts";
import { hex8, KERN_ERR, KERN_INFO, printk } from "../../../kernel/printk.ts";
import { init_idle } from "../../../kernel/sched.ts";
import { HZ } from "../../../kernel/timer.ts";
import { init_mm } from "../../../mm/init_mm.ts";
import { udelay, wait_for_ticks } from "../lib/delay.ts";
import { connect_bsp_APIC, setup_APIC_timer, setup_boot_APIC_clock, setup_local_APIC } from "./apic.ts";
import { set_intr_gate } from "./gates.ts";
import { setup_IO_APIC } from "./io_apic.ts";
import { boot_cpu_physical_apicid, phys_cpu_present_map, smp_found_config, trampoline_base } from "./mpparse.ts";
import { cpu_idle, cpu_init } from "./process.ts";
import { set_cpu_number } from "./setup.ts";
import { apic_wait_icr_idle, init_tlbstate, send_IPI_allbutself } from "./smp.ts";
import { init_doublefault_task } from "./traps.ts";

/** One bit a CPU: it may go on; it has come so far. */
export const cpu_callout_map = kernel_variable("cpu_callout_map", u32);
export const cpu_callin_map = kernel_variable("cpu_callin_map", u32);
/** Whether CPUs that wait for it may start to work. */
const smp_commenced = kernel_variable("smp_commenced", u32);
/** IDs of the CPUs' local APICs. */
export const x86_cpu_to_apicid = kernel_variable("x86_cpu_to_apicid", array(i32, NR_CPUS));
/** Where the stack of the CPU that is being started begins: trampoline.S. */
export const secondary_stack = kernel_variable("secondary_stack", u32);

const set_cpu_current = config_function("set_cpu_current", [i32, pointer("task_struct")], "CONFIG_VMAP_STACK");

const gates = [
  [LOCAL_TIMER_VECTOR, "apic_timer_interrupt"],
  [STOP_VECTOR, "stop_interrupt"],
  [CALL_FUNCTION_VECTOR, "call_function_interrupt"],
  [RESCHEDULE_VECTOR, "reschedule_interrupt"],
  [INVALIDATE_TLB_VECTOR, "invalidate_interrupt"],
  [ERROR_APIC_VECTOR, "error_interrupt"],
  [SPURIOUS_APIC_VECTOR, "spurious_interrupt"],
] as const;

export const smp_intr_init = kernel_function("smp_intr_init", [], undefined, function* () {
  for (const [vector, entry] of gates) set_intr_gate(vector, image().symbol(entry));
});

// ---- On a CPU that starts ----

/** Waits until the boot CPU is ready to hear of this one, sets up its local APIC, and reports. @context irqs_disabled */
function* smp_callin(): Steps<void> {
  const cpu = smp_processor_id();
  while ((cpu_callout_map.value & (1 << cpu)) === 0) cpu_relax();
  yield* setup_local_APIC();
  yield* set_bit(cpu, cpu_online_map.address);
  yield* set_bit(cpu, cpu_callin_map.address);
}

/** Sleeps until smp_commence(), which wakes it. Only interrupts from other CPUs can come. */
function* wait_for_commence(): Steps<void> {
  for (;;) {
    local_irq_disable();
    if (smp_commenced.value !== 0) return;
    yield* safe_halt();
  }
}

/** What trampoline.S calls, on the idle task's stack. Never returns. @context irqs_disabled */
export const start_secondary = kernel_function("start_secondary", [], undefined, function* () {
  yield* set_in_cr4(X86_CR4_PGE);
  init_doublefault_task();
  yield* cpu_init();
  init_tlbstate();
  yield* smp_callin();
  yield* wait_for_commence();
  yield* setup_APIC_timer();
  yield* __flush_tlb(); // the mappings at the bottom of memory are gone
  local_irq_enable();
  yield* cpu_idle();
});

// ---- On the boot CPU ----

/**
 * An idle task for a CPU: a child of this one, which never is on the run queue, nor among the tasks. Its registers do not
 * matter: it starts in start_secondary().
 * @context might_sleep
 */
const fork_by_hand = kernel_function("fork_by_hand", [i32], u32, function* (cpu) {
  const regs = local(pt_regs);
  yield* memset(regs.address, 0, pt_regs.size);
  if ((yield* do_fork(CLONE_VM | CLONE_PID, 0, regs.address, 0, 0, 0)) < 0)
    yield* panic("failed fork for a CPU's idle task");
  const idle = task_struct.at(init_task().prev_task);
  yield* write_lock_irq(tasklist_lock.address);
  unhash_pid(idle);
  remove_links(idle);
  nr_threads.value--;
  yield* write_unlock_irq(tasklist_lock.address);
  yield* init_idle(idle, cpu);
  idle.active_mm = init_mm.address;
  init_mm.value.mm_count++;
  return idle.address;
});

function* send_ICR(apicid: u32, command: u32): Steps<void> {
  yield* apic_write(APIC_ICR2, apicid << APIC_DEST_SHIFT);
  yield* apic_write(APIC_ICR, command);
  yield* apic_wait_icr_idle();
}

/** Bits of the ESR that say that a message was not sent or not accepted. */
const ESR_ERRORS = 0xef;
/** Times of the specification (B.4): after INIT, and between and after the two startup messages. */
const INIT_MILLISECONDS = 10;
const STARTUP_MICROSECONDS = 200;

/** INIT, then startup twice, as the MP specification has it. Returns what went wrong, 0 for nothing. */
function* wakeup_secondary_via_INIT(apicid: u32): Steps<u32> {
  yield* send_ICR(apicid, APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT);
  yield* wait_for_ticks(Math.ceil((INIT_MILLISECONDS * HZ.value) / 1000) + 1);
  yield* send_ICR(apicid, APIC_INT_LEVELTRIG | APIC_DM_INIT);
  let errors: u32 = 0;
  for (let message = 0; message < 2 && errors === 0; message++) {
    yield* apic_write(APIC_ESR, 0);
    yield* send_ICR(apicid, APIC_DM_STARTUP | (__pa(trampoline_base.value) >>> PAGE_SHIFT));
    yield* udelay(STARTUP_MICROSECONDS);
    yield* apic_write(APIC_ESR, 0);
    errors = (yield* apic_read(APIC_ESR)) & ESR_ERRORS;
  }
  return errors;
}

const CALLIN_TRIES = 1000;
const CALLIN_MICROSECONDS = 100;

/** Starts the CPU of a local APIC, as the next one. Returns whether it runs. @context might_sleep */
const do_boot_cpu = kernel_function("do_boot_cpu", [i32], i32, function* (apicid) {
  const cpu = smp_num_cpus.value;
  const idle = yield* fork_by_hand(cpu);
  x86_cpu_to_apicid.value.set(cpu, apicid);
  set_cpu_number(cpu);
  yield* set_cpu_current(cpu, idle);
  secondary_stack.value = task_struct.at(idle).thread.esp0;
  const start = image().symbol("trampoline_data");
  yield* memcpy(trampoline_base.value, start, image().symbol("trampoline_end") - start);
  printk(`${KERN_INFO}Booting processor ${cpu}/${apicid} eip ${hex8(__pa(trampoline_base.value))}\n`);

  const errors = yield* wakeup_secondary_via_INIT(apicid);
  if (errors === 0) {
    yield* set_bit(cpu, cpu_callout_map.address);
    for (let tries = 0; tries < CALLIN_TRIES && (cpu_callin_map.value & (1 << cpu)) === 0; tries++)
      yield* udelay(CALLIN_MICROSECONDS);
  }
  if ((cpu_callin_map.value & (1 << cpu)) !== 0) {
    smp_num_cpus.value++;
    return 1;
  }
  const is_stuck = memory().read32(trampoline_base.value) >>> 0 === TRAMPOLINE_REACHED;
  printk(`${KERN_ERR}CPU #${cpu} ${is_stuck ? "is stuck" : `does not respond (APIC error ${hex8(errors)})`}.\n`);
  init_tasks.value.set(cpu, 0);
  return 0;
});

/** Page tables of head.S's first 8 MiB: what a CPU runs on until it has got to where the kernel is linked. */
const LOW_TABLES = 2;

function* map_low_memory(): Steps<void> {
  const directory = image().symbol("swapper_pg_dir");
  yield* memcpy(directory, directory + 4 * USER_PTRS_PER_PGD, 4 * LOW_TABLES);
}

function* zap_low_memory(): Steps<void> {
  yield* memset(image().symbol("swapper_pg_dir"), 0, 4 * LOW_TABLES);
  yield* __flush_tlb();
}

/** Starts all CPUs that there are. @context might_sleep */
const smp_boot_cpus = kernel_function("smp_boot_cpus", [], undefined, function* () {
  init_tlbstate();
  if (smp_found_config.value === 0) {
    printk(`${KERN_INFO}SMP motherboard not detected: one CPU, and the 8259A's interrupts.\n`);
    return;
  }
  x86_cpu_to_apicid.value.set(0, boot_cpu_physical_apicid.value);
  local_irq_disable();
  connect_bsp_APIC();
  yield* setup_local_APIC();
  local_irq_enable();
  yield* map_low_memory();
  for (let apicid = 0; apicid < 32; apicid++) {
    const is_present = (phys_cpu_present_map.value & (1 << apicid)) !== 0;
    if (is_present && apicid !== boot_cpu_physical_apicid.value) yield* do_boot_cpu(apicid);
  }
  yield* zap_low_memory();
  printk(`${KERN_INFO}Total of ${smp_num_cpus.value} processors activated.\n`);
  // It halts until the tick that it waits for: from setup_IO_APIC on that may be another CPU's.
  yield* setup_boot_APIC_clock();
  local_irq_disable();
  yield* setup_IO_APIC();
  local_irq_enable();
});

export const smp_init = kernel_function("smp_init", [], undefined, function* () {
  yield* smp_boot_cpus();
  smp_commenced.value = 1;
  yield* send_IPI_allbutself(RESCHEDULE_VECTOR);
});
