// The scheduler, fork, exit and wait, wait queues, timers and bottom halves.

const SCENARIOS = "test/kernel/scenarios";
const INTERRUPT = "test/kernel/anywhere/interrupt.test.ts";
const FAIL = "test/kernel/anywhere/fail.test.ts";
const FORK = `${SCENARIOS}/fork.test.ts`;
const SCHEDULING = `${SCENARIOS}/scheduling.test.ts`;
const SWITCH = `${SCENARIOS}/switch.test.ts`;
const SYSCALLS = `${SCENARIOS}/syscalls.test.ts`;
const TIMER = "test/kernel/kernel/timer.test.ts";
const SCHED_TS = "kernel/kernel/sched.ts";
const GOODNESS_TS = "kernel/kernel/sched_goodness.ts";
const FORK_TS = "kernel/kernel/fork.ts";
const EXIT_TS = "kernel/kernel/exit.ts";

export default [
  {
    name: "a new epoch forgets what was left of the last",
    file: GOODNESS_TS,
    old: "(p.counter >> 1) + NICE_TO_TICKS(p.nice)",
    new: "NICE_TO_TICKS(p.nice)",
    tests: [SCHEDULING],
  },
  {
    name: "of equals the last is chosen",
    file: GOODNESS_TS,
    old: "        if (weight > best) {",
    new: "        if (weight >= best) {",
    tests: [SCHEDULING],
  },
  {
    name: "a task that yields is chosen at once again",
    file: GOODNESS_TS,
    old: "  if (p.policy & SCHED_YIELD) return -1;\n",
    new: "",
    tests: [SCHEDULING, SWITCH, "test/testing/example.test.ts"],
  },
  {
    name: "a kernel thread's borrowed address space is not counted",
    file: SCHED_TS,
    old: "    next.active_mm = oldmm;\n    yield* atomic_inc(oldmm + MM_COUNT);",
    new: "    next.active_mm = oldmm;",
    tests: [FORK],
  },
  {
    name: "waking with interrupts on",
    file: SCHED_TS,
    old: "    const flags = yield* task_rq_lock(p);\n    p.state = TASK_RUNNING;",
    new: "    const flags = 0x200;\n    p.state = TASK_RUNNING;",
    and: [
      {
        file: "kernel/kernel/wait.ts",
        old: "  const flags = yield* spin_lock_irqsave(head.lock.address);\n  yield* __wake_up_common(queue, mode, nr, sync, key);\n",
        new: "  const flags = 0x200;\n  yield* __wake_up_common(queue, mode, nr, sync, key);\n",
      },
    ],
    tests: [INTERRUPT],
  },
  {
    name: "fork does not flush the parent's TLB",
    file: "kernel/kernel/mm.ts",
    old: "  yield* __flush_tlb();\n",
    new: "",
    tests: [`${SCENARIOS}/fork-flush.test.ts`],
  },
  {
    name: "a child gets the whole of its parent's slice",
    file: GOODNESS_TS,
    old: "    task_struct.at(child).counter = (parent.counter + 1) >> 1;\n    parent.counter >>= 1;",
    new: "    task_struct.at(child).counter = parent.counter;",
    tests: [FORK],
  },
  {
    name: "a fork that fails late keeps the files",
    file: FORK_TS,
    old: "  yield* exit_files(p.address);\n  return error;\n}",
    new: "  return error;\n}",
    tests: [FAIL],
  },
  {
    name: "vfork does not wait",
    file: FORK_TS,
    old: "    if (clone_flags & CLONE_VFORK) yield* wait_for_completion(vfork.address);\n",
    new: "",
    tests: [SYSCALLS],
  },
  {
    name: "orphans stay their dead parent's",
    file: EXIT_TS,
    old: "    p.p_pptr = reaper.address;\n",
    new: "",
    tests: [FORK],
  },
  {
    name: "wait4 takes any child for the one it waits for",
    file: EXIT_TS,
    old: "  if (pid > 0 && task_pid_vnr(p) !== pid) return false;\n",
    new: "",
    tests: [SYSCALLS],
  },
  {
    name: "a timer that starts itself again for now is run at once",
    file: "kernel/kernel/timer.ts",
    old: "    timer_jiffies.value = now + 1;\n",
    new: "    timer_jiffies.value = now;\n",
    tests: [TIMER],
  },
  {
    name: "timers of a wide slot are spread one tick late",
    file: "kernel/kernel/timer.ts",
    old: "(now & (2 ** shift - 1)) === 0; vector++",
    new: "(now & (2 ** shift - 1)) === 1; vector++",
    tests: [TIMER],
  },
  {
    name: "a slice ends without a reschedule",
    file: GOODNESS_TS,
    old: "    p.counter = 0;\n    p.need_resched = 1;",
    new: "    p.counter = 0;",
    tests: [SCHEDULING],
  },
  {
    name: "a task that ends tells so with interrupts on",
    file: "kernel/kernel/exit.ts",
    old: "  yield* write_lock_irq(tasklist_lock.address);\n  yield* forget_original_parent(tsk);\n",
    new: "  yield* forget_original_parent(tsk);\n",
    tests: [`${SCENARIOS}/processes.test.ts`],
  },
  {
    name: "a zombie's pid is given out again",
    file: "kernel/kernel/pid.ts",
    old: "    if (p.pid === pid || p.pgrp",
    new: "    if (p.state === 4) continue;\n    if (p.pid === pid || p.pgrp",
    tests: [FORK],
  },
];
