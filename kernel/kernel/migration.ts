/**
 * A kernel thread for each CPU, of the highest real-time priority, that moves the tasks of its CPU which may not stay there
 * (kernel/sched.c, Linux 2.6): nobody else can move a task that runs, but once the thread runs, nothing else runs there.
 */

import { kernel_thread } from "../arch/i386/kernel/process.ts";
import { kernel_function, per_cpu, type Steps } from "../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../host/types.ts";
import { read_lock, read_unlock, spin_lock, spin_lock_init, spin_unlock, spinlock_t } from "../include/asm/spinlock.ts";
import { local_irq_disable, local_irq_enable } from "../include/asm/system.ts";
import { init_completion } from "../include/linux/completion.ts";
import { INIT_LIST_HEAD, list_add_tail, list_del, list_empty, list_head, list_next } from "../include/linux/list.ts";
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_PID,
  CLONE_SIGHAND,
  current,
  init_task,
  kstat,
  PID_MAX,
  SCHED_FIFO,
  smp_num_cpus,
  smp_processor_id,
  TASK_UNINTERRUPTIBLE,
  task_has_cpu,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { cpu_rq, is_allowed, migration_req } from "../include/linux/sched_class.ts";
import { spin_lock_irq, spin_unlock_irq, write_lock_irq, write_unlock_irq } from "../include/linux/spinlock.ts";
import { complete, wait_for_completion } from "./completion.ts";
import { nr_threads } from "./fork.ts";
import { find_task_by_pid, hash_pid, unhash_pid } from "./pid.ts";
import { schedule, task_rq_lock, task_rq_unlock, trace_migrate, wake_up_process } from "./sched.ts";
import { double_rq_lock, double_rq_unlock, move_task } from "./sched_balance.ts";
import { MAX_USER_RT_PRIO, set_scheduling } from "./sched_sys.ts";

/** What a CPU's migration thread has to do. */
const migration_queue = struct("migration_queue", {
  lock: spinlock_t,
  requests: list_head,
  thread: pointer("task_struct"),
});
export const migration_queues = per_cpu("migration_queues", migration_queue);

/** The first CPU that runs and that a task is allowed on. @bounded by NR_CPUS */
function allowed_cpu(p: task_struct): i32 {
  let cpu: i32 = 0;
  while (cpu < smp_num_cpus.value - 1 && !is_allowed(p, cpu)) cpu++;
  return cpu;
}

/** See sched_sys.ts. Needs tasklist_lock. @context irqs_enabled */
export const set_cpus_allowed = kernel_function(
  "set_cpus_allowed",
  [pointer("task_struct"), u32, pointer("migration_req")],
  undefined,
  function* (task, mask, request) {
    const p = task_struct.at(task);
    const flags = yield* task_rq_lock(p);
    const cpu = p.processor;
    p.cpus_allowed = mask;
    const may_stay = (mask & (1 << cpu)) !== 0;
    const is_asleep = p.on_rq === 0 && !task_has_cpu(p);
    if (!may_stay && !is_asleep) {
      migration_req.at(request).pid = p.pid;
      init_completion(migration_req.at(request).done.address);
      yield* spin_lock(migration_queues.of(cpu).lock.address);
      list_add_tail(request, migration_queues.of(cpu).requests.address);
      yield* spin_unlock(migration_queues.of(cpu).lock.address);
    } // who is asleep is moved when it is woken
    yield* task_rq_unlock(p, flags);
    if (!may_stay && !is_asleep) yield* wake_up_process(migration_queues.of(cpu).thread);
  },
);

/** @context might_sleep */
export const wait_for_migration = kernel_function(
  "wait_for_migration",
  [pointer("migration_req")],
  undefined,
  function* (request) {
    if (migration_req.at(request).pid !== 0) yield* wait_for_completion(migration_req.at(request).done.address);
  },
);

/** Moves a task from this CPU, if it is still there and alive. @context irqs_enabled */
function* migrate(pid: i32): Steps<void> {
  yield* read_lock(tasklist_lock.address);
  const p = yield* find_task_by_pid(pid);
  if (p !== undefined) {
    const here = cpu_rq(smp_processor_id());
    const there = cpu_rq(allowed_cpu(p));
    if (here.address !== there.address) {
      local_irq_disable();
      yield* double_rq_lock(here, there);
      // Who is asleep is moved when it is woken.
      if (p.processor === here.cpu && p.on_rq !== 0) {
        trace_migrate(p, there.cpu, "affinity");
        yield* move_task(p, there.cpu);
      }
      yield* double_rq_unlock(here, there);
      local_irq_enable();
    }
  }
  yield* read_unlock(tasklist_lock.address);
}

/** @context might_sleep */
const migration_thread = kernel_function("migration_thread", [i32], i32, function* (cpu) {
  const own = migration_queues.of(cpu);
  for (;;) {
    yield* spin_lock_irq(own.lock.address);
    const request = list_next(own.requests.address);
    const is_idle = list_empty(own.requests.address);
    if (is_idle) current().state = TASK_UNINTERRUPTIBLE;
    else list_del(request);
    yield* spin_unlock_irq(own.lock.address);
    if (is_idle) yield* schedule();
    else {
      yield* migrate(migration_req.at(request).pid);
      yield* complete(migration_req.at(request).done.address);
    }
  }
});

/** It is no program's, and does not count as one. */
function name_thread(p: task_struct, cpu: number): void {
  nr_threads.value--;
  kstat.value.forks--;
  p.comm = `migration/${cpu}`;
  // At the end of the numbers, so that those of programs begin with 2.
  p.pid = PID_MAX - 1 - cpu;
  p.tgid = p.pid;
}

/** Gives a thread its name, its number and its CPU. It may have run, and sleep. @context irqs_enabled */
function* bind_thread(p: task_struct, cpu: i32): Steps<void> {
  yield* write_lock_irq(tasklist_lock.address);
  unhash_pid(p);
  name_thread(p, cpu);
  hash_pid(p);
  yield* write_unlock_irq(tasklist_lock.address);
  p.cpus_allowed = 1 << cpu;
  yield* set_scheduling(p, SCHED_FIFO, MAX_USER_RT_PRIO - 1, 0);
  if (cpu === p.processor) return;
  const here = cpu_rq(p.processor);
  local_irq_disable();
  yield* double_rq_lock(here, cpu_rq(cpu));
  if (p.on_rq !== 0) yield* move_task(p, cpu);
  else p.processor = cpu;
  yield* double_rq_unlock(here, cpu_rq(cpu));
  local_irq_enable();
}

/** Starts the threads. For the boot CPU's idle task, whose number they share at first. @context might_sleep */
export const migration_init = kernel_function("migration_init", [], undefined, function* () {
  for (let cpu = 0; cpu < smp_num_cpus.value; cpu++) {
    const own = migration_queues.of(cpu);
    spin_lock_init(own.lock.address);
    INIT_LIST_HEAD(own.requests.address);
    yield* kernel_thread(migration_thread.address, cpu, CLONE_PID | CLONE_FS | CLONE_FILES | CLONE_SIGHAND);
    own.thread = init_task().prev_task;
    yield* bind_thread(task_struct.at(own.thread), cpu);
  }
});
