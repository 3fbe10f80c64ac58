/** The scheduler, and sleeping by the clock (kernel/sched.c, Linux 2.4). Wait queues are in wait.ts. */
import { trace, tracing } from "../host/context.ts";
import { asm_function, kernel_function, kernel_variable, local, type Steps } from "../host/declarations.ts";
import { array, container_of, i32, pointer, struct, u32 } from "../host/types.ts";
import { switch_mm } from "../include/asm/mmu_context.ts";
import { local_irq_disable, local_irq_enable, local_irq_restore, local_irq_save } from "../include/asm/system.ts";
import { put_user } from "../include/asm/uaccess.ts";
import { INIT_LIST_HEAD, list_add, list_add_tail, list_del, list_head, list_next } from "../include/linux/list.ts";
import { mm_struct } from "../include/linux/mm.ts";
import {
  current,
  for_each_task,
  get_current,
  idle_task,
  init_task,
  init_task_union,
  init_tasks,
  kstat,
  MAX_SCHEDULE_TIMEOUT,
  NO_EXIT_SIGNAL,
  SCHED_OTHER,
  SCHED_RR,
  SCHED_YIELD,
  smp_processor_id,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_ZOMBIE,
  task_struct,
} from "../include/linux/sched.ts";
import { enter_lazy_tlb } from "../include/linux/smp.ts";
import { NR_CPUS } from "../include/linux/threads.ts";
import { timer_list } from "../include/linux/timer.ts";
import { mmdrop } from "./mm.ts";
import { bh_active, bh_mask, do_bottom_half, in_interrupt } from "./softirq.ts";
import { add_timer, del_timer, HZ, init_timer, init_timer_bh, init_timervecs, jiffies, nr_running } from "./timer.ts";

export const runqueue_head = kernel_variable("runqueue_head", list_head);

/** What each CPU runs, for those who decide whether to preempt it (aligned_data[cpu].schedule_data). */
const schedule_data = struct("schedule_data", { curr: pointer("task_struct"), last_schedule: u32 });
export const aligned_data = kernel_variable("aligned_data", array(schedule_data, NR_CPUS));

/** The task that a CPU runs. */
export function cpu_curr(cpu: number): task_struct {
  return task_struct.at(aligned_data.value.get(cpu).curr);
}

/** kernel/exit.ts, called by symbol because exiting needs the scheduler. */
const release_task = asm_function("release_task", [pointer("task_struct")], undefined);

const RUN_LIST = task_struct.offset("run_list");

/** Saves ESP and EIP of `prev`, continues `next`; returns in prev's context, later, the task switched from then. */
const switch_to = asm_function("switch_to", [pointer("task_struct"), pointer("task_struct")], u32);

/** Ticks of a new time slice: 6 at nice 0 and HZ 100, 1 to 11 over the range of nice. */
export function NICE_TO_TICKS(nice: number): number {
  const scale = 20 - nice;
  const ticks = HZ.value < 200 ? scale >> 2 : HZ.value < 400 ? scale >> 1 : HZ.value < 800 ? scale : scale << 1;
  return ticks + 1;
}

export function task_on_runqueue(p: task_struct): boolean {
  return p.run_list.next !== 0;
}

function add_to_runqueue(p: task_struct): void {
  list_add(p.address + RUN_LIST, runqueue_head.address);
  nr_running.value++;
}

export function del_from_runqueue(p: task_struct): void {
  nr_running.value--;
  p.sleep_time = jiffies.value;
  list_del(p.address + RUN_LIST);
  p.run_list.next = 0;
}

function move_last_runqueue(p: task_struct): void {
  list_del(p.address + RUN_LIST);
  list_add_tail(p.address + RUN_LIST, runqueue_head.address);
}

/**
 * How much `p` deserves the CPU: -1 while it yields, 0 when its slice is used up, 1000 and more for real-time tasks, else
 * what is left of its slice, better for a higher priority and for sharing the address space that is loaded.
 */
export function goodness(p: task_struct, this_mm: number): i32 {
  if (p.policy & SCHED_YIELD) return -1;
  if (p.policy !== SCHED_OTHER) return 1000 + p.rt_priority;
  const { counter } = p;
  if (counter === 0) return 0;
  const { mm } = p;
  return counter + 20 - p.nice + (mm === this_mm || mm === 0 ? 1 : 0);
}

function can_schedule(p: task_struct, cpu: number): boolean {
  return (p.cpus_runnable & p.cpus_allowed & (1 << cpu)) !== 0;
}

/** Asks the CPU to reschedule when `p` deserves it more than what runs there. */
function reschedule_idle(p: task_struct): void {
  const tsk = cpu_curr(smp_processor_id());
  if (goodness(p, tsk.active_mm) - goodness(tsk, tsk.active_mm) > 0) tsk.need_resched = 1;
}

/**
 * Makes a task runnable. Returns whether it was not yet. A synchronous waker is about to sleep: no preemption.
 * @context any
 */
export const try_to_wake_up = kernel_function(
  "try_to_wake_up",
  [pointer("task_struct"), i32],
  i32,
  function* (task, synchronous) {
    const p = task_struct.at(task);
    const flags = local_irq_save();
    p.state = TASK_RUNNING;
    const woken = !task_on_runqueue(p);
    if (woken) {
      add_to_runqueue(p);
      if (synchronous === 0) reschedule_idle(p);
      if (tracing()) {
        trace({ event: "sched_wakeup", pid: p.pid, by: current().pid, interrupt: in_interrupt() ? 1 : 0 });
      }
    }
    local_irq_restore(flags);
    return woken ? 1 : 0;
  },
);

/** @context any */
export const wake_up_process = kernel_function("wake_up_process", [pointer("task_struct")], i32, function* (task) {
  return yield* try_to_wake_up(task, 0);
});

/**
 * What is left to do for the task switched from: a task that yielded may be chosen again, a dead thread that nobody waits
 * for is freed, now that its stack is no longer in use.
 * @context irqs_enabled
 */
function* __schedule_tail(prev: task_struct): Steps<void> {
  prev.policy &= ~SCHED_YIELD;
  if (prev.state === TASK_ZOMBIE && prev.exit_signal === NO_EXIT_SIGNAL) yield* release_task(prev.address);
}

/**
 * The first thing a new task does (called from ret_from_fork); CLONE_CHILD_SETTID: tells itself its id.
 * @context might_sleep
 */
export const schedule_tail = kernel_function("schedule_tail", [pointer("task_struct")], undefined, function* (prev) {
  yield* __schedule_tail(task_struct.at(prev));
  const { pid, set_child_tid } = current();
  if (set_child_tid !== 0) yield* put_user(pid, set_child_tid);
});

/**
 * The scheduler: checks the task that leaves, picks the one that deserves the CPU most, switches to it.
 * @context in_task
 */
export const schedule = kernel_function("schedule", [], undefined, function* () {
  for (;;) {
    let prev = current();
    if (prev.active_mm === 0) throw new Error(`schedule: task ${prev.pid} has no active_mm`);
    if (in_interrupt()) throw new Error("Scheduling in interrupt");
    local_irq_disable();
    if (bh_active.value & bh_mask.value) yield* do_bottom_half();

    // Phase 1: may the current task go on?
    if (prev.policy === SCHED_RR && prev.counter === 0) {
      prev.counter = NICE_TO_TICKS(prev.nice);
      move_last_runqueue(prev);
    }
    if (prev.state === TASK_INTERRUPTIBLE && prev.sigpending !== 0) prev.state = TASK_RUNNING;
    if (prev.state !== TASK_RUNNING && task_on_runqueue(prev)) del_from_runqueue(prev);
    prev.need_resched = 0;

    // Phase 2: who deserves the CPU most?
    const next = task_struct.at(yield* pick_next_task(prev));
    set_curr(next);
    local_irq_enable();

    // Phase 3: switch.
    if (prev.address === next.address) {
      prev.policy &= ~SCHED_YIELD;
    } else {
      yield* context_switch(prev, next);
      // Everything above is as old as our last turn: refresh from the stack we are on.
      prev = current();
    }
    if (prev.need_resched === 0) return;
  }
});

/** This CPU runs `next` from now on. */
function set_curr(next: task_struct): void {
  const data = aligned_data.value.get(smp_processor_id());
  data.curr = next.address;
  data.last_schedule = jiffies.value;
}

/**
 * The best task on the run queue, after a new epoch when all of them have used up their slices; else the idle task.
 * @context irqs_disabled
 */
function* pick_next_task(prev: task_struct): Steps<u32> {
  const this_cpu = smp_processor_id();
  for (;;) {
    let best: i32 = -1000;
    let next: u32 = idle_task(this_cpu);
    for (let entry = list_next(runqueue_head.address); entry !== runqueue_head.address; entry = list_next(entry)) {
      const p = task_struct.at(container_of(entry, task_struct, "run_list"));
      if (!can_schedule(p, this_cpu)) continue;
      const weight = goodness(p, prev.active_mm);
      if (tracing()) trace({ event: "sched_goodness", pid: p.pid, goodness: weight });
      if (weight > best) {
        best = weight;
        next = p.address;
      }
    }
    if (best !== 0) return next;
    if (tracing()) trace({ event: "sched_epoch", jiffies: jiffies.value });
    for (const p of for_each_task()) {
      p.counter = (p.counter >> 1) + NICE_TO_TICKS(p.nice);
    }
  }
}

/** Why a task gives up the CPU, for those who trace. */
function switch_reason(prev: task_struct): string {
  if (prev.pid === 0) return "idle";
  if (prev.state === TASK_ZOMBIE) return "exited";
  if (prev.state === TASK_STOPPED) return "stopped";
  if (prev.state !== TASK_RUNNING) return "slept";
  return prev.policy & SCHED_YIELD ? "yielded" : "preempted";
}

/** @context in_task */
function* context_switch(prev: task_struct, next: task_struct): Steps<void> {
  kstat.value.context_swtch++;
  if (tracing()) {
    trace({
      event: "sched_switch",
      prev: prev.pid,
      prev_state: prev.state,
      reason: switch_reason(prev),
      next: next.pid,
      esp: next.thread.esp,
      eip: next.thread.eip,
    });
  }
  const oldmm = prev.active_mm;
  const { mm } = next;
  if (mm === 0) {
    // A kernel thread borrows the page tables that are loaded; no CR3 load.
    next.active_mm = oldmm;
    mm_struct.at(oldmm).mm_count++;
    yield* enter_lazy_tlb();
  } else {
    yield* switch_mm(oldmm, mm);
  }
  if (prev.mm === 0) {
    prev.active_mm = 0;
    yield* mmdrop(oldmm);
  }
  const last = yield* switch_to(prev.address, next.address);
  yield* __schedule_tail(task_struct.at(last));
}

/** A sleeping task's alarm clock. @context in_softirq irqs_enabled */
const process_timeout = kernel_function("process_timeout", [pointer("task_struct")], undefined, function* (task) {
  yield* wake_up_process(task);
});

/**
 * Gives up the CPU until woken or until `timeout` ticks have passed; the caller has set its state. Returns the ticks
 * left, 0 when the time is up. MAX_SCHEDULE_TIMEOUT sleeps without an alarm.
 * @context in_task
 */
export const schedule_timeout = kernel_function("schedule_timeout", [i32], i32, function* (timeout) {
  if (timeout === MAX_SCHEDULE_TIMEOUT) {
    yield* schedule();
    return timeout;
  }
  if (timeout < 0) throw new Error(`schedule_timeout: wrong timeout value ${timeout}`);
  const expire = (timeout + jiffies.value) >>> 0;
  const timer = local(timer_list);
  init_timer(timer.address);
  timer.expires = expire;
  timer.data = get_current();
  timer.function = process_timeout.address;
  yield* add_timer(timer.address);
  yield* schedule();
  yield* del_timer(timer.address);
  return Math.max(0, (expire - jiffies.value) | 0);
});

/** Lets others run that have the same claim to the CPU. @context irqs_enabled */
export const sys_sched_yield = kernel_function("sys_sched_yield", [], i32, function* () {
  // Alone on the run queue there is nobody to yield to.
  if (nr_running.value <= 1) return 0;
  const p = current();
  if (p.policy === SCHED_OTHER) p.policy |= SCHED_YIELD;
  p.need_resched = 1;
  local_irq_disable();
  move_last_runqueue(p);
  local_irq_enable();
  return 0;
});

/** Changes the caller's nice value; only downwards in priority is free, and this kernel has no privileges to refuse with. */
export const sys_nice = kernel_function("sys_nice", [i32], i32, function* (increment) {
  const step = Math.max(-40, Math.min(40, increment));
  const p = current();
  p.nice = Math.max(-20, Math.min(19, p.nice + step));
  return 0;
});

/** Makes the boot thread the idle task's PCB and starts the timers. */
export const sched_init = kernel_function("sched_init", [], undefined, function* () {
  INIT_LIST_HEAD(runqueue_head.address);
  init_tasks.value.set(0, init_task_union.address);
  set_curr(init_task());
  yield* init_timervecs();
  init_timer_bh();
});

/** Whether any task could run: the idle loop's question. */
export function runqueue_is_empty(): boolean {
  return list_next(runqueue_head.address) === runqueue_head.address;
}

/** Marks the boot thread as the idle task of its CPU: never on the run queue, chosen when nothing else is. */
export function init_idle(): void {
  const idle = current();
  if (task_on_runqueue(idle)) del_from_runqueue(idle);
  set_curr(idle);
  idle.state = TASK_RUNNING;
}
