/** The scheduler, and sleeping by the clock (kernel/sched.c, Linux 2.4). Wait queues are in wait.ts. */
import { trace, tracing } from "../host/context.ts";
import {
  asm_function,
  call_pointer,
  config_function,
  kernel_function,
  local,
  type Steps,
  smp_function,
} from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { atomic_inc } from "../include/asm/atomic.ts";
import { switch_mm } from "../include/asm/mmu_context.ts";
import { reacquire_kernel_lock, release_kernel_lock } from "../include/asm/smplock.ts";
import { spin_lock, spin_lock_init, spin_unlock } from "../include/asm/spinlock.ts";
import { local_irq_disable, local_irq_save } from "../include/asm/system.ts";
import { put_user } from "../include/asm/uaccess.ts";
import { mm_struct } from "../include/linux/mm.ts";
import { task_pid_vnr } from "../include/linux/pid.ts";
import {
  current,
  get_current,
  idle_task,
  init_task,
  init_tasks,
  kstat,
  MAX_SCHEDULE_TIMEOUT,
  NO_EXIT_SIGNAL,
  PF_IDLE,
  SCHED_OTHER,
  SCHED_YIELD,
  signal_pending_state,
  smp_num_cpus,
  smp_processor_id,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_ZOMBIE,
  task_has_cpu,
  task_release_cpu,
  task_set_cpu,
  task_struct,
} from "../include/linux/sched.ts";
import {
  class_at,
  class_for,
  class_of,
  cpu_queue,
  cpu_rq,
  ENQUEUE_NEW,
  ENQUEUE_WAKEUP,
  is_allowed,
  is_last_class,
  queue_lock,
  sched_classes,
  task_rq,
  this_queue,
  this_rq,
} from "../include/linux/sched_class.ts";
import { enter_lazy_tlb, smp_send_reschedule } from "../include/linux/smp.ts";
import { spin_lock_irq, spin_unlock_irq, spin_unlock_irqrestore } from "../include/linux/spinlock.ts";
import { possible_cpus } from "../include/linux/threads.ts";
import { timer_list } from "../include/linux/timer.ts";
import { mmdrop } from "./mm.ts";
import { bh_active, bh_mask, bottom_half_routine, in_interrupt } from "./softirq.ts";
import { add_timer, del_timer_sync, init_timer, init_timer_bh, init_timervecs, jiffies } from "./timer.ts";

/** kernel/exit.ts, called by symbol because exiting needs the scheduler. */
const release_task = asm_function("release_task", [pointer("task_struct")], undefined);

const MM_COUNT = mm_struct.offset("mm_count");
/** Saves ESP and EIP of `prev`, continues `next`; returns in prev's context, later, the task switched from then. */
const switch_to = asm_function("switch_to", [pointer("task_struct"), pointer("task_struct")], u32);

/** Sets up the run queues of the scheduler that is linked, and what its classes have. */
const init_scheduler = asm_function("init_scheduler", [], undefined);

/**
 * With a run queue for each CPU: moves a task that is being woken, unless it is on a queue, to that of the CPU where it will run
 * soonest. The lock of its queue is held, and afterwards that of the queue it is then on.
 */
const select_task_rq = config_function("select_task_rq", [pointer("task_struct"), i32], "CONFIG_SCHED_BALANCE");
/** Gets this CPU, whose queue has run empty, a task of another's. Needs the queue's lock, which it may give up meanwhile. */
const idle_balance = config_function("idle_balance", [pointer("rq")], "CONFIG_SCHED_BALANCE");
/** Looks, now and then, whether other CPUs have more to do than this one. Interrupts are masked. */
const rebalance_tick = config_function("rebalance_tick", [pointer("rq")], "CONFIG_SCHED_BALANCE");

/** Starts the threads that move tasks which run. */
export const migration_init = config_function("migration_init", [], "CONFIG_SCHED_BALANCE");

/** What resched_task() says when nobody has to be told. */
export const NO_CPU = -1;

/** Has a CPU reschedule: returns it when it has to be told by an interrupt, else NO_CPU. */
export function resched_task(tsk: task_struct): i32 {
  const known = tsk.need_resched !== 0;
  tsk.need_resched = 1;
  return known || tsk.processor === smp_processor_id() ? NO_CPU : tsk.processor;
}

/** Whether `p` is an idle task; one that has yet to boot its CPU is not. */
export function is_idle(p: task_struct): boolean {
  return (p.flags & PF_IDLE) !== 0;
}

/** Takes the lock of the queue that a task is on, wherever it is by then. */
export const lock_task_rq = config_function("lock_task_rq", [pointer("task_struct")], "CONFIG_LOCKS");
/** @context irqs_disabled */
kernel_function("lock_task_rq", [pointer("task_struct")], undefined, function* (task) {
  const p = task_struct.at(task);
  for (;;) {
    const lock = queue_lock(p.processor);
    yield* spin_lock(lock);
    if (lock === queue_lock(p.processor)) return;
    yield* spin_unlock(lock);
  }
});

/**
 * Takes the lock of the queue that `p` is on, which is the same one while it is held. Returns the flags for task_rq_unlock().
 * @inline
 */
export function* task_rq_lock(p: task_struct): Steps<u32> {
  const flags = local_irq_save();
  yield* lock_task_rq(p.address);
  return flags;
}

/** @inline */
export function* task_rq_unlock(p: task_struct, flags: u32): Steps<void> {
  yield* spin_unlock_irqrestore(queue_lock(p.processor), flags);
}

/** Puts a task on its queue, whose lock is held. @inline */
export function* activate_task(p: task_struct, flags: i32): Steps<void> {
  yield* call_pointer(class_of(p).enqueue_task, undefined, task_rq(p).address, p.address, flags);
}

/** Takes a task off its queue, whose lock is held. @inline */
export function* deactivate_task(p: task_struct, sleep: i32): Steps<void> {
  yield* call_pointer(class_of(p).dequeue_task, undefined, task_rq(p).address, p.address, sleep);
}

/** Has a CPU run `p`, which is on its queue, if it should at once. @inline */
export function* check_preempt_curr(p: task_struct): Steps<void> {
  yield* call_pointer(class_of(p).check_preempt_curr, undefined, task_rq(p).address, p.address);
}

/** How try_to_wake_up wakes: the waker is about to sleep, so that its CPU will choose again anyhow; the task is new. */
export const WF_SYNC = 1;
export const WF_NEW = 2;

/**
 * Makes a task runnable. Returns whether it was not yet. A synchronous waker is about to sleep: no preemption.
 * @context any
 */
export const try_to_wake_up = kernel_function(
  "try_to_wake_up",
  [pointer("task_struct"), i32],
  i32,
  function* (task, wake_flags) {
    const p = task_struct.at(task);
    const flags = yield* task_rq_lock(p);
    p.state = TASK_RUNNING;
    yield* select_task_rq(task, wake_flags);
    const woken = p.on_rq === 0;
    if (woken) {
      yield* activate_task(p, wake_flags & WF_NEW ? ENQUEUE_NEW : ENQUEUE_WAKEUP);
      if (tracing()) trace_wakeup(p);
      if ((wake_flags & WF_SYNC) === 0 || !waits_for_this_cpu(p)) yield* check_preempt_curr(p);
    }
    yield* task_rq_unlock(p, flags);
    return woken ? 1 : 0;
  },
);

/** Whether a task on a queue is among those that this CPU chooses from. */
function waits_for_this_cpu(p: task_struct): boolean {
  return task_rq(p).address === this_queue().address && is_allowed(p, smp_processor_id());
}

function trace_wakeup(p: task_struct): void {
  const { cpu: queue, nr_running } = task_rq(p);
  const interrupt = in_interrupt() ? 1 : 0;
  trace({ event: "sched_wakeup", pid: p.pid, by: current().pid, interrupt, queue, nr_running });
}

/**
 * Has the CPU that runs a task look at what is new for the task (signal_wake_up of Linux 2.4). The lock also has the task's next
 * schedule() see what was stored before.
 */
export const kick_process = smp_function("kick_process", [pointer("task_struct")]);
/** @context any */
kernel_function("kick_process", [pointer("task_struct")], undefined, function* (task) {
  const p = task_struct.at(task);
  const flags = yield* task_rq_lock(p);
  if (task_has_cpu(p) && p.processor !== smp_processor_id()) yield* smp_send_reschedule(p.processor);
  yield* task_rq_unlock(p, flags);
});

/** @context any */
export const wake_up_process = kernel_function("wake_up_process", [pointer("task_struct")], i32, function* (task) {
  return yield* try_to_wake_up(task, 0);
});

/** A new task's share of its parent's time. The child is on no queue yet. @inline */
export function* sched_fork(p: task_struct, parent: task_struct): Steps<void> {
  p.on_rq = 0;
  if (class_of(p).task_fork !== 0) yield* call_pointer(class_of(p).task_fork, undefined, p.address, parent.address);
}

/** What its parent gets of a task that is over. @inline */
export function* sched_exit(p: task_struct, parent: task_struct): Steps<void> {
  if (class_of(parent).task_exit !== 0)
    yield* call_pointer(class_of(parent).task_exit, undefined, p.address, parent.address);
}

/** A tick of this CPU, which p runs or is about to leave. @context in_irq irqs_disabled */
export const scheduler_tick = kernel_function("scheduler_tick", [pointer("task_struct")], undefined, function* (task) {
  const cpu = smp_processor_id();
  yield* spin_lock(queue_lock(cpu));
  if (task === cpu_rq(cpu).curr && task !== idle_task(cpu))
    yield* call_pointer(class_of(task_struct.at(task)).task_tick, undefined, cpu_queue(cpu).address, task);
  yield* spin_unlock(queue_lock(cpu));
  yield* rebalance_tick(cpu_rq(cpu).address);
});

/**
 * What is left to do for the task switched from: other CPUs may run it from now on, a dead thread that nobody waits for is
 * freed, now that its stack is no longer in use.
 * @context irqs_enabled
 */
function* __schedule_tail(prev: task_struct): Steps<void> {
  const is_over = prev.state === TASK_ZOMBIE && prev.exit_signal === NO_EXIT_SIGNAL;
  if (smp_num_cpus.value > 1 && class_of(prev).post_schedule !== 0)
    yield* call_pointer(class_of(prev).post_schedule, undefined, prev.address);
  else release_prev(prev);
  if (is_over) yield* release_task(prev.address);
}

function release_prev(prev: task_struct): void {
  prev.policy &= ~SCHED_YIELD;
  task_release_cpu(prev);
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
    if (bh_active.value & bh_mask.value) yield* call_pointer(bottom_half_routine(), undefined);
    yield* spin_lock(queue_lock(smp_processor_id()));

    // Phase 1: may the current task go on?
    if (signal_pending_state(prev.state, prev)) prev.state = TASK_RUNNING;
    if (prev.state !== TASK_RUNNING && prev.on_rq !== 0) yield* deactivate_task(prev, 1);

    // Phase 2: who deserves the CPU most?
    yield* idle_balance(this_rq().address);
    const next = task_struct.at(yield* pick_next_task(prev));
    prev.need_resched = 0;
    set_curr(next);
    yield* spin_unlock_irq(queue_lock(smp_processor_id()));

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

/** This CPU runs `next` from now on. Needs its queue's lock. */
function set_curr(next: task_struct): void {
  const rq = this_rq();
  rq.curr = next.address;
  rq.last_schedule = jiffies.value;
  if (next.processor !== rq.cpu) trace_migrate(next, rq.cpu, "chosen");
  task_set_cpu(next, rq.cpu);
}

/** Tells that `p` is about to be another CPU's. */
export function trace_migrate(p: task_struct, to: number, why: string): void {
  if (tracing()) trace({ event: "sched_migrate", pid: p.pid, from: p.processor, to, why });
}

/**
 * The task to run: what the first class has that has one, else the idle task. Needs the queue's lock, which a class may give up
 * meanwhile. @inline
 */
function* pick_next_task(prev: task_struct): Steps<u32> {
  if (class_of(prev).put_prev_task !== 0)
    yield* call_pointer(class_of(prev).put_prev_task, undefined, this_queue().address, prev.address);
  let entry = sched_classes();
  let next: u32 = yield* call_pointer(class_at(entry).pick_next_task, u32, this_queue().address, prev.address);
  while (next === 0 && !is_last_class(entry)) {
    entry += 4;
    next = yield* call_pointer(class_at(entry).pick_next_task, u32, this_queue().address, prev.address);
  }
  return next === 0 ? idle_task(smp_processor_id()) : next;
}

/** Why a task gives up the CPU, for those who trace. */
function switch_reason(prev: task_struct): string {
  if (prev.pid === 0) return "idle";
  if (prev.state === TASK_ZOMBIE) return "exited";
  if (prev.state === TASK_STOPPED) return "stopped";
  if (prev.state !== TASK_RUNNING) return "slept";
  return prev.policy & SCHED_YIELD ? "yielded" : "preempted";
}

function trace_switch(prev: task_struct, next: task_struct): void {
  const { esp, eip } = next.thread;
  const { cpu: queue, nr_running } = this_queue();
  const { pid, state: prev_state } = prev;
  const reason = switch_reason(prev);
  trace({ event: "sched_switch", prev: pid, prev_state, reason, next: next.pid, esp, eip, queue, nr_running });
}

function count_switch(): void {
  kstat.value.context_swtch++;
  this_rq().nr_switches++;
}

/** @context in_task */
function* context_switch(prev: task_struct, next: task_struct): Steps<void> {
  count_switch();
  if (tracing()) trace_switch(prev, next);
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

/** What sys_sched_yield says of the caller: the next choice is without it, if it has no claim of its own (SCHED_OTHER). */
function mark_yielding(p: task_struct): void {
  if (p.policy === SCHED_OTHER) p.policy |= SCHED_YIELD;
  p.need_resched = 1;
}

/** Lets others run that have the same claim to the CPU. @context irqs_enabled */
export const sys_sched_yield = kernel_function("sys_sched_yield", [], i32, function* () {
  const p = current();
  // Alone on the run queue there is nobody to yield to.
  if (task_rq(p).nr_running <= 1) return 0;
  mark_yielding(p);
  yield* spin_lock_irq(queue_lock(p.processor));
  yield* call_pointer(class_of(p).yield_task, undefined, task_rq(p).address, p.address);
  yield* spin_unlock_irq(queue_lock(p.processor));
  return 0;
});

/** Makes the boot thread the idle task's PCB and starts the timers. */
export const sched_init = kernel_function("sched_init", [], undefined, function* () {
  init_runqueues();
  yield* init_scheduler();
  init_tasks.value.set(0, init_task().address);
  init_task().sched_class = class_for(SCHED_OTHER);
  set_curr(init_task());
  yield* init_timervecs();
  init_timer_bh();
});

/** @bounded by NR_CPUS */
function init_runqueues(): void {
  for (let cpu = 0; cpu < possible_cpus(); cpu++) {
    const rq = cpu_rq(cpu);
    rq.cpu = cpu;
    spin_lock_init(rq.lock.address);
  }
}

/**
 * Makes a task the idle task of a CPU: never on a queue, chosen when nothing else is.
 * @context irqs_enabled
 */
export function* init_idle(idle: task_struct, cpu: i32): Steps<void> {
  const flags = yield* task_rq_lock(idle);
  if (idle.on_rq !== 0) yield* deactivate_task(idle, 1);
  yield* task_rq_unlock(idle, flags);
  idle.state = TASK_RUNNING;
  init_tasks.value.set(cpu, idle.address);
  cpu_rq(cpu).curr = idle.address;
  task_set_cpu(idle, cpu);
}
