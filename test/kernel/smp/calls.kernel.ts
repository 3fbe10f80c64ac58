/** System calls that have CPUs tell each other something, for the tests of that. */
import {
  cpu_tlbstate,
  flush_tlb_all,
  flush_tlb_others,
  smp_call_function,
  smp_send_reschedule,
} from "../../../kernel/arch/i386/kernel/smp.ts";
import { kernel_function, kernel_variable, per_cpu } from "../../../kernel/host/declarations.ts";
import { array, i32, u32 } from "../../../kernel/host/types.ts";
import { mm_struct } from "../../../kernel/include/linux/mm.ts";
import { current, smp_processor_id } from "../../../kernel/include/linux/sched.ts";
import { NR_CPUS } from "../../../kernel/include/linux/threads.ts";
import { panic } from "../../../kernel/kernel/panic.ts";
import { schedule } from "../../../kernel/kernel/sched.ts";
import { sys_sched_setaffinity } from "../../../kernel/kernel/sched_sys.ts";
import { in_irq } from "../../../kernel/kernel/softirq.ts";

/** What each CPU was called with, how often, and whether in an interrupt handler. */
export const called_with = per_cpu("called_with", u32);
export const calls = per_cpu("calls", u32);
export const in_handler = kernel_variable("in_handler", array(u32, NR_CPUS));

const note_call = kernel_function("note_call", [u32], undefined, function* (info) {
  const cpu = smp_processor_id();
  for (let turn = 0; turn < 100; turn++) yield; // long enough for the caller to see that it has to wait
  called_with.value = info;
  calls.value++;
  in_handler.value.set(cpu, in_irq() ? 1 : 0);
});

/** Has all other CPUs note `info`; returns how many have done so by the time that it goes on. */
kernel_function("sys_call_others", [u32, i32], i32, function* (info, wait) {
  yield* smp_call_function(note_call.address, info, 1, wait);
  let done = 0;
  for (let cpu = 0; cpu < NR_CPUS; cpu++) done += calls.of(cpu);
  return done;
});

kernel_function("sys_kick", [i32], i32, function* (cpu) {
  yield* smp_send_reschedule(cpu);
  return 0;
});

kernel_function("sys_flush_all", [], i32, function* () {
  yield* flush_tlb_all();
  return 0;
});

kernel_function("sys_panic", [], i32, function* () {
  yield* panic("as asked for");
  return 0;
});

/** Who may have translations of the caller's address space after sys_shoot_down. */
export const mask_after = kernel_variable("mask_after", u32);

/** Has CPU 1 have the caller's page tables in the given state, and drops what it has of an address there. */
kernel_function("sys_shoot_down", [u32, u32], i32, function* (state, address) {
  const mm = mm_struct.at(current().mm);
  cpu_tlbstate.of(1).active_mm = mm.address;
  cpu_tlbstate.of(1).state = state;
  mm.cpu_vm_mask |= 1 << 1;
  yield* flush_tlb_others(mm.address, address);
  mask_after.value = mm.cpu_vm_mask;
  return 0;
});

/** Lets the caller run on the CPUs of a mask in its memory only. The CPU it was on in bits 8 and up, the one it goes on on below. */
kernel_function("sys_move", [u32], i32, function* (mask) {
  const before = smp_processor_id();
  yield* sys_sched_setaffinity(0, 4, mask);
  yield* schedule(); // goodness has only said that it should
  calls.value++;
  return (before << 8) | smp_processor_id();
});
