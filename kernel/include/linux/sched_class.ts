/**
 * What schedulers are made of (sched_class and struct rq of Linux 2.6.23 and later): classes of tasks, each a table of functions
 * that kernel/sched.ts calls, and the run queues.
 */
import { configured, image } from "../../host/context.ts";
import { config_function, kernel_table, per_cpu } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import { i32, pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { SPIN_LOCK_UNLOCKED, spinlock_t } from "../asm/spinlock.ts";
import { completion } from "./completion.ts";
import { list_head } from "./list.ts";
import { smp_num_cpus, smp_processor_id, task_has_cpu, task_struct } from "./sched.ts";

/**
 * How tasks of some policies are scheduled: guest functions, 0 for what a class has no use for. Unless it says otherwise, a
 * function is called with interrupts masked and the lock of the run queue `rq` held.
 */
export const sched_class = struct("sched_class", {
  /** One bit a policy: SCHED_OTHER, SCHED_FIFO, SCHED_RR… */
  policies: u32,
  /**
   * void (rq, p, flags): `p` may be chosen from now on; calls add_nr_running(). Flags are ENQUEUE_WAKEUP,
   * ENQUEUE_NEW, ENQUEUE_MIGRATE, or 0 when it only changes place.
   */
  enqueue_task: pointer("function"),
  /** void (rq, p, sleep): it may not; calls sub_nr_running(). `sleep` is 0 when it only changes place. */
  dequeue_task: pointer("function"),
  /** void (rq, p): `p`, which runs, lets others run. */
  yield_task: pointer("function"),
  /** void (rq, p): `p` was enqueued. Has a CPU reschedule if it should run `p` now (resched_task, smp_send_reschedule). */
  check_preempt_curr: pointer("function"),
  /** struct task_struct *(rq, prev): what this CPU should run, 0 for none of this class. May give up the lock meanwhile. */
  pick_next_task: pointer("function"),
  /** void (rq, prev): `prev`, of this class, has run, and something is about to be chosen. */
  put_prev_task: pointer("function"),
  /** void (rq, p): `p`, which runs, is of this class now, or has another priority. */
  set_curr_task: pointer("function"),
  /** void (rq, p): a tick of the CPU that runs `p`. */
  task_tick: pointer("function"),
  /** void (child, parent): the parent, which runs, has made a child. No lock is held, interrupts are on. */
  task_fork: pointer("function"),
  /** void (p, parent): `p` is over, and off its CPU. No lock is held, interrupts are masked. */
  task_exit: pointer("function"),
  /** void (p): nice value, policy or priority of `p`, which is on no queue, are others now. */
  prio_changed: pointer("function"),
  /** int (p): ticks of a whole time slice, 0 for a task that has none. */
  get_rr_interval: pointer("function"),
  /**
   * void (prev): `prev` has left its stack, and has to be released for other CPUs (task_release_cpu). In kernels for several CPUs
   * only; 0 is a class whose tasks nobody waits for. No lock is held, interrupts are on.
   */
  post_schedule: pointer("function"),
  /** int (this_rq, busiest, most): moves up to `most` tasks with pull_task(); returns how many. Both locks are held. */
  load_balance: pointer("function"),
});
export type sched_class = ViewOf<typeof sched_class>;

/** The words of a table of type `sched_class`, by the names of its fields; those left out are 0. */
export function sched_class_words(
  fields: Readonly<Partial<Record<keyof typeof sched_class.fields, number | string>>>,
): (number | string)[] {
  const names = Object.keys(sched_class.fields) as (keyof typeof sched_class.fields)[];
  return names.map((name) => fields[name] ?? 0);
}

/** Asks the migration thread of a CPU to move a task, named by its pid (0: nothing is asked), to one that it is allowed on. */
export const migration_req = struct("migration_req", { list: list_head, pid: i32, done: completion });

export const ENQUEUE_WAKEUP = 1;
export const ENQUEUE_NEW = 2;
/** It comes from another CPU. */
export const ENQUEUE_MIGRATE = 4;

/**
 * What each CPU runs, and the tasks that wait for it. With Linux 2.4's scheduler all CPUs share the run queue of the first; what
 * is not about waiting is each one's own all the same.
 */
export const rq = struct("rq", {
  lock: spinlock_t,
  cpu: i32,
  /** Tasks on the queue, those that run included. */
  nr_running: u32,
  nr_switches: u32,
  curr: pointer("task_struct"),
  /** The tick at which this CPU chose last. */
  last_schedule: u32,
  /** Tasks on the queue as of late, in units of SCHED_LOAD_SCALE. */
  cpu_load: u32,
});
export type rq = ViewOf<typeof rq>;

export const runqueues = per_cpu("runqueues", rq);

/** Where all CPUs share a run queue: held while it changes, tasks become runnable or CPUs choose. Innermost of all locks. */
export const runqueue_lock = kernel_table("runqueue_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

export function cpu_rq(cpu: number): rq {
  return runqueues.of(cpu);
}

/** That of the CPU that executes the step. */
export function this_rq(): rq {
  return runqueues.value;
}

/** Where tasks that wait for a CPU are. */
export function cpu_queue(cpu: number): rq {
  return cpu_rq(configured("CONFIG_RUNQUEUE_PER_CPU") ? cpu : 0);
}

/** Where tasks wait for the CPU that executes the step. */
export function this_queue(): rq {
  return cpu_queue(smp_processor_id());
}

/** The queue that `p` is on, or will be. It stays so while its lock is held. */
export function task_rq(p: task_struct): rq {
  return cpu_queue(p.processor);
}

/** Address of the lock of a CPU's queue. */
export function queue_lock(cpu: number): u32 {
  return configured("CONFIG_RUNQUEUE_PER_CPU") ? cpu_rq(cpu).lock.address : runqueue_lock.address;
}

/** `p` is on its queue from now on. */
export function add_nr_running(p: task_struct): void {
  p.on_rq = 1;
  task_rq(p).nr_running++;
}

/** `p` is on no queue from now on. */
export function sub_nr_running(p: task_struct): void {
  p.on_rq = 0;
  task_rq(p).nr_running--;
}

/** The task that a CPU runs. */
export function cpu_curr(cpu: number): task_struct {
  return task_struct.at(cpu_rq(cpu).curr);
}

/** Tasks that run or could. @bounded by NR_CPUS */
export function nr_running(): number {
  let sum = 0;
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) sum += cpu_rq(cpu).nr_running;
  return sum;
}

/** The scheduler's classes, the highest first: an array of pointers that ends with 0, of whatever scheduler is linked. */
export function sched_classes(): u32 {
  return image().symbol("sched_classes");
}

export function class_at(entry: number): sched_class {
  return sched_class.at(memory().read32(entry));
}

export function is_last_class(entry: number): boolean {
  return memory().read32(entry + 4) === 0;
}

export function class_of(p: task_struct): sched_class {
  return sched_class.at(p.sched_class);
}

/** Address of the class for a policy, 0 when the scheduler has none for it. @bounded by the classes of a kernel */
export function class_for(policy: number): u32 {
  for (let entry = sched_classes(); memory().read32(entry) !== 0; entry += 4) {
    if (class_at(entry).policies & (1 << policy)) return class_at(entry).address;
  }
  return 0;
}

/** Whether a task may run on a CPU. */
export function is_allowed(p: task_struct, cpu: number): boolean {
  return (p.cpus_allowed & (1 << cpu)) !== 0;
}

/** Whether a task that waits on another CPU's queue can be moved to that of `cpu`. */
export function can_migrate_task(p: task_struct, cpu: number): boolean {
  return !task_has_cpu(p) && is_allowed(p, cpu);
}

/** Moves a task that can be moved to the queue `this_rq`. Both queues' locks are held. */
export const pull_task = config_function("pull_task", [pointer("task_struct"), pointer("rq")], "CONFIG_SCHED_BALANCE");
