/** The scheduler, and sleeping by the clock (kernel/sched.c, Linux 2.4). Wait queues are in wait.ts. */
import { trace, tracing } from "../host/context.ts";
import {
  asm_function,
  kernel_function,
  kernel_table,
  kernel_variable,
  local,
  type Steps,
  smp_function,
} from "../host/declarations.ts";
import { array, container_of, i32, pointer, struct, u32 } from "../host/types.ts";
import { atomic_inc } from "../include/asm/atomic.ts";
import { switch_mm } from "../include/asm/mmu_context.ts";
import { reacquire_kernel_lock, release_kernel_lock } from "../include/asm/smplock.ts";
import { read_lock, read_unlock, SPIN_LOCK_UNLOCKED, spin_lock, spinlock_t } from "../include/asm/spinlock.ts";
import { local_irq_disable } from "../include/asm/system.ts";
import { put_user } from "../include/asm/uaccess.ts";
import { INIT_LIST_HEAD, list_add, list_add_tail, list_del, list_head, list_next } from "../include/linux/list.ts";
import { mm_struct } from "../include/linux/mm.ts";
import { task_pid_vnr } from "../include/linux/pid.ts";
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
  smp_num_cpus,
  smp_processor_id,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_ZOMBIE,
  task_has_cpu,
  task_release_cpu,
  task_set_cpu,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { enter_lazy_tlb, smp_send_reschedule } from "../include/linux/smp.ts";
import {
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from "../include/linux/spinlock.ts";
import { NR_CPUS } from "../include/linux/threads.ts";
import { timer_list } from "../include/linux/timer.ts";
import { mmdrop } from "./mm.ts";
import { bh_active, bh_mask, do_bottom_half, in_interrupt } from "./softirq.ts";
import {
  add_timer,
  del_timer_sync,
  HZ,
  init_timer,
  init_timer_bh,
  init_timervecs,
  jiffies,
  nr_running,
} from "./timer.ts";

export const runqueue_head = kernel_variable("runqueue_head", list_head);
/** Held while the run queue changes, tasks become runnable or CPUs choose what to run. Innermost of all locks. */
export const runqueue_lock = kernel_table("runqueue_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

/** What each CPU runs, for those who decide whether to preempt it (aligned_data[cpu].schedule_data). */
const schedule_data = struct("schedule_data", { curr: pointer("task_struct"), last_schedule: u32 });
export const aligned_data = kernel_variable("aligned_data", array(schedule_data, NR_CPUS));

/** The task that a CPU runs. */
export function cpu_curr(cpu: number): task_struct {
  return task_struct.at(aligned_data.value.get(cpu).curr);
}

/** kernel/exit.ts, called by symbol because exiting needs the scheduler. */
const release_task = asm_function("release_task", [pointer("task_struct")], undefined);

const MM_COUNT = mm_struct.offset("mm_count");
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

/** What a task is worth more to the CPU that ran it last, whose caches know it. */
const PROC_CHANGE_PENALTY = 15;

/**
 * How much `p` deserves `this_cpu`: -1 while it yields, 0 when its slice is used up, 1000 and more for real-time tasks, else
 * what is left of its slice, better for a higher priority, for having run there last, and for sharing the address space that
 * is loaded.
 */
export function goodness(p: task_struct, this_cpu: number, this_mm: number): i32 {
  if (p.policy & SCHED_YIELD) return -1;
  if (p.policy !== SCHED_OTHER) return 1000 + p.rt_priority;
  const { counter } = p;
  if (counter === 0) return 0;
  const { mm } = p;
  const there = smp_num_cpus.value > 1 && p.processor === this_cpu ? PROC_CHANGE_PENALTY : 0;
  return counter + there + 20 - p.nice + (mm === this_mm || mm === 0 ? 1 : 0);
}

/** How much more `p` deserves the CPU than what runs there. */
function preemption_goodness(prev: task_struct, p: task_struct, cpu: number): i32 {
  return goodness(p, cpu, prev.active_mm) - goodness(prev, cpu, prev.active_mm);
}

function can_schedule(p: task_struct, cpu: number): boolean {
  return (p.cpus_runnable & p.cpus_allowed & (1 << cpu)) !== 0;
}

const NO_CPU = -1;

/** Has a CPU reschedule: returns it when it has to be told by an interrupt, else NO_CPU. */
function resched_task(tsk: task_struct): i32 {
  const known = tsk.need_resched !== 0;
  tsk.need_resched = 1;
  return known || tsk.processor === smp_processor_id() ? NO_CPU : tsk.processor;
}

/**
 * Finds a CPU for `p`, which has become runnable: the one it ran on last if that is idle, else the one that has been idle
 * longest, else the one whose task deserves it least in comparison, if any. Returns who has to be told (`resched_task`).
 * Needs runqueue_lock. @bounded by NR_CPUS
 */
function reschedule_idle(p: task_struct): i32 {
  const last = p.processor;
  if (smp_num_cpus.value === 1) {
    const tsk = cpu_curr(last);
    return preemption_goodness(tsk, p, last) > 0 ? resched_task(tsk) : NO_CPU;
  }
  if (can_schedule(p, last) && cpu_curr(last).address === idle_task(last)) return resched_task(cpu_curr(last));
  let target: i32 = NO_CPU;
  let oldest = -1;
  let best: i32 = 0;
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    if (!can_schedule(p, cpu)) continue;
    const tsk = cpu_curr(cpu);
    if (tsk.address === idle_task(cpu)) {
      const idle_for = (jiffies.value - aligned_data.value.get(cpu).last_schedule) >>> 0;
      if (idle_for > oldest) {
        oldest = idle_for;
        target = cpu;
      }
    } else if (oldest < 0) {
      const priority = preemption_goodness(tsk, p, cpu);
      if (priority > best) {
        best = priority;
        target = cpu;
      }
    }
  }
  return target === NO_CPU ? NO_CPU : resched_task(cpu_curr(target));
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
    const flags = yield* spin_lock_irqsave(runqueue_lock.address);
    p.state = TASK_RUNNING;
    const woken = !task_on_runqueue(p);
    if (woken) {
      add_to_runqueue(p);
      let told: i32 = NO_CPU;
      if (synchronous === 0) told = reschedule_idle(p);
      if (tracing()) {
        trace({ event: "sched_wakeup", pid: p.pid, by: current().pid, interrupt: in_interrupt() ? 1 : 0 });
      }
      yield* smp_send_reschedule(told);
    }
    yield* spin_unlock_irqrestore(runqueue_lock.address, flags);
    return woken ? 1 : 0;
  },
);

/**
 * Has the CPU that runs a task look at what is new for the task (signal_wake_up of Linux 2.4). The lock also has the task's next
 * schedule() see what was stored before.
 */
export const kick_process = smp_function("kick_process", [pointer("task_struct")]);
/** @context any */
kernel_function("kick_process", [pointer("task_struct")], undefined, function* (task) {
  const p = task_struct.at(task);
  const flags = yield* spin_lock_irqsave(runqueue_lock.address);
  if (task_has_cpu(p) && p.processor !== smp_processor_id()) yield* smp_send_reschedule(p.processor);
  yield* spin_unlock_irqrestore(runqueue_lock.address, flags);
});

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
  const is_over = prev.state === TASK_ZOMBIE && prev.exit_signal === NO_EXIT_SIGNAL;
  if (smp_num_cpus.value > 1) yield* let_others_run(prev);
  else release_prev(prev);
  if (is_over) yield* release_task(prev.address);
}

function release_prev(prev: task_struct): void {
  prev.policy &= ~SCHED_YIELD;
  task_release_cpu(prev);
}

/**
 * Another CPU may run `prev` now, and is told to if that has nothing better to do. Under the lock, since from then on `prev`
 * may run, end and be gone.
 * @context irqs_enabled
 */
function* let_others_run(prev: task_struct): Steps<void> {
  yield* spin_lock_irq(runqueue_lock.address);
  const wants_cpu = prev.state === TASK_RUNNING && (prev.policy & SCHED_YIELD) === 0 && !is_idle(prev);
  release_prev(prev);
  let told: i32 = NO_CPU;
  if (wants_cpu) told = reschedule_idle(prev);
  yield* smp_send_reschedule(told);
  yield* spin_unlock_irq(runqueue_lock.address);
}

function is_idle(p: task_struct): boolean {
  return p.address === idle_task(smp_processor_id());
}

/**
 * The first thing a new task does (called from ret_from_fork); CLONE_CHILD_SETTID: tells itself its id.
 * @context might_sleep
 */
export const schedule_tail = kernel_function("schedule_tail", [pointer("task_struct")], undefined, function* (prev) {
  yield* __schedule_tail(task_struct.at(prev));
  const { set_child_tid } = current();
  if (set_child_tid !== 0) yield* put_user(task_pid_vnr(current()), set_child_tid);
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
    yield* release_kernel_lock(prev.address);
    local_irq_disable();
    if (bh_active.value & bh_mask.value) yield* do_bottom_half();
    yield* spin_lock(runqueue_lock.address);

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
    yield* spin_unlock_irq(runqueue_lock.address);

    // Phase 3: switch.
    if (prev.address === next.address) {
      prev.policy &= ~SCHED_YIELD;
    } else {
      yield* context_switch(prev, next);
      // Everything above is as old as our last turn: refresh from the stack we are on.
      prev = current();
    }
    yield* reacquire_kernel_lock(prev.address);
    if (prev.need_resched === 0) return;
  }
});

/** This CPU runs `next` from now on. Needs runqueue_lock. */
function set_curr(next: task_struct): void {
  const this_cpu = smp_processor_id();
  const data = aligned_data.value.get(this_cpu);
  data.curr = next.address;
  data.last_schedule = jiffies.value;
  task_set_cpu(next, this_cpu);
}

/**
 * The best task on the run queue, after a new epoch when all of them have used up their slices; else the idle task. Needs
 * runqueue_lock, and gives it up for a new epoch.
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
      const weight = goodness(p, this_cpu, prev.active_mm);
      if (tracing()) trace({ event: "sched_goodness", pid: p.pid, goodness: weight });
      if (weight > best) {
        best = weight;
        next = p.address;
      }
    }
    if (best !== 0) return next;
    yield* spin_unlock_irq(runqueue_lock.address);
    if (tracing()) trace({ event: "sched_epoch", jiffies: jiffies.value });
    yield* read_lock(tasklist_lock.address);
    for (const p of for_each_task()) {
      p.counter = (p.counter >> 1) + NICE_TO_TICKS(p.nice);
    }
    yield* read_unlock(tasklist_lock.address);
    yield* spin_lock_irq(runqueue_lock.address);
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
    yield* atomic_inc(oldmm + MM_COUNT);
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
  yield* del_timer_sync(timer.address);
  return Math.max(0, (expire - jiffies.value) | 0);
});

/** Lets others run that have the same claim to the CPU. @context irqs_enabled */
export const sys_sched_yield = kernel_function("sys_sched_yield", [], i32, function* () {
  // Alone on the run queue there is nobody to yield to.
  if (nr_running.value <= 1) return 0;
  const p = current();
  if (p.policy === SCHED_OTHER) p.policy |= SCHED_YIELD;
  p.need_resched = 1;
  yield* spin_lock_irq(runqueue_lock.address);
  move_last_runqueue(p);
  yield* spin_unlock_irq(runqueue_lock.address);
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
