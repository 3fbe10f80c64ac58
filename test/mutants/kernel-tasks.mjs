// The scheduler, fork, exit and wait, wait queues, timers and bottom halves.

const SCENARIOS = "test/kernel/scenarios";
const INTERRUPT = "test/kernel/anywhere/interrupt.test.ts";
const FAIL = "test/kernel/anywhere/fail.test.ts";
const FORK = `${SCENARIOS}/fork.test.ts`;
const SCHEDULING = `${SCENARIOS}/scheduling.test.ts`;
const SWITCH = `${SCENARIOS}/switch.test.ts`;
const SYSCALLS = `${SCENARIOS}/syscalls.test.ts`;
const SIGNALS = `${SCENARIOS}/signals.test.ts`;
const THREADS = `${SCENARIOS}/threads.test.ts`;
const TLS = `${SCENARIOS}/tls.test.ts`;
const PIPES = `${SCENARIOS}/pipes.test.ts`;
const INTERRUPTS = `${SCENARIOS}/interrupts.test.ts`;
const WAIT = `${SCENARIOS}/wait-select.test.ts`;
const PROCESSES = `${SCENARIOS}/processes.test.ts`;
const TIMER = "test/kernel/kernel/timer.test.ts";
const SCHED_TS = "kernel/kernel/sched.ts";
const FORK_TS = "kernel/kernel/fork.ts";
const EXIT_TS = "kernel/kernel/exit.ts";

export default [
  {
    name: "a used-up slice makes a task as good as its nice value",
    file: SCHED_TS,
    old: "  if (counter === 0) return 0;\n",
    new: "",
    tests: [SCHEDULING],
  },
  {
    name: "a new epoch forgets what was left of the last",
    file: SCHED_TS,
    old: "(p.counter >> 1) + NICE_TO_TICKS(p.nice)",
    new: "NICE_TO_TICKS(p.nice)",
    tests: [SCHEDULING],
  },
  {
    name: "a nicer task gets more ticks",
    file: SCHED_TS,
    old: "  const scale = 20 - nice;",
    new: "  const scale = 20 + nice;",
    tests: [SCHEDULING],
  },
  {
    name: "nobody prefers the address space that is loaded",
    file: SCHED_TS,
    old: "(mm === this_mm || mm === 0 ? 1 : 0)",
    new: "0",
    tests: [SCHEDULING],
  },
  {
    name: "of equals the last is chosen",
    file: SCHED_TS,
    old: "      if (weight > best) {",
    new: "      if (weight >= best) {",
    tests: [SCHEDULING],
  },
  {
    name: "a task that yields is chosen at once again",
    file: SCHED_TS,
    old: "  if (p.policy & SCHED_YIELD) return -1;\n",
    new: "",
    tests: [SCHEDULING, SWITCH, "test/testing/example.test.ts"],
  },
  {
    name: "a task that has yielded never comes back",
    file: SCHED_TS,
    old: "  prev.policy &= ~SCHED_YIELD;\n  if (prev.state === TASK_ZOMBIE",
    new: "  if (prev.state === TASK_ZOMBIE",
    tests: [SCHEDULING, "test/testing/kernel.test.ts"],
  },
  {
    name: "a sleeper with a signal pending goes to sleep",
    file: SCHED_TS,
    old: "    if (prev.state === TASK_INTERRUPTIBLE && prev.sigpending !== 0) prev.state = TASK_RUNNING;\n",
    new: "",
    tests: [SIGNALS, INTERRUPT],
  },
  {
    name: "a sleeping task stays on the run queue",
    file: SCHED_TS,
    old: "    if (prev.state !== TASK_RUNNING && task_on_runqueue(prev)) del_from_runqueue(prev);\n",
    new: "",
    tests: [SCHEDULING],
  },
  {
    name: "need_resched is never taken back",
    file: SCHED_TS,
    old: "    prev.need_resched = 0;\n",
    new: "",
    tests: [SCHEDULING],
  },
  {
    name: "who is woken never preempts",
    file: SCHED_TS,
    old: "      if (synchronous === 0) reschedule_idle(p);\n",
    new: "",
    tests: [SCHEDULING],
  },
  {
    name: "a kernel thread's borrowed address space is not counted",
    file: SCHED_TS,
    old: "    next.active_mm = oldmm;\n    mm_struct.at(oldmm).mm_count++;",
    new: "    next.active_mm = oldmm;",
    tests: [FORK],
  },
  {
    name: "a kernel thread keeps the address space that it borrowed",
    file: SCHED_TS,
    old: "    prev.active_mm = 0;\n    yield* mmdrop(oldmm);",
    new: "    prev.active_mm = 0;",
    tests: [FORK],
  },
  {
    name: "a sleep that ends early leaves its timer",
    file: SCHED_TS,
    old: "  yield* schedule();\n  yield* del_timer(timer.address);",
    new: "  yield* schedule();",
    tests: [PIPES, WAIT, SCHEDULING],
  },
  {
    name: "waking with interrupts on",
    file: SCHED_TS,
    old: "    const flags = local_irq_save();\n    p.state = TASK_RUNNING;",
    new: "    const flags = 0x200;\n    p.state = TASK_RUNNING;",
    and: [
      {
        file: "kernel/kernel/wait.ts",
        old: "    const flags = local_irq_save();\n    let exclusive_left",
        new: "    const flags = 0x200;\n    let exclusive_left",
      },
    ],
    tests: [INTERRUPT],
  },
  {
    name: "fork does not flush the parent's TLB",
    file: FORK_TS,
    old: "  yield* __flush_tlb();\n",
    new: "",
    tests: [`${SCENARIOS}/fork-flush.test.ts`],
  },
  {
    name: "a forked file is not counted",
    file: FORK_TS,
    old: "    get_file(files.fd.get(fd));\n",
    new: "",
    tests: [PIPES],
  },
  {
    name: "a child gets the whole of its parent's slice",
    file: FORK_TS,
    old: "    p.counter = (parent.counter + 1) >> 1;\n    parent.counter >>= 1;",
    new: "    p.counter = parent.counter;",
    tests: [FORK],
  },
  {
    name: "a child takes its parent's pending signals over",
    file: FORK_TS,
    old: "    p.sigpending = 0;\n    yield* memset(p.pending.address, 0, 8);",
    new: "",
    tests: ["test/kernel/scenarios/signal-handlers.test.ts", SIGNALS],
  },
  {
    name: "a child takes its parent's alarm over",
    file: FORK_TS,
    old: "    p.it_real_incr = 0;\n    init_timer(p.real_timer.address);",
    new: "",
    tests: ["test/kernel/scenarios/signal-handlers.test.ts", SIGNALS],
  },
  {
    name: "a child's time begins with its parent's",
    file: FORK_TS,
    old: "    p.utime = p.stime = p.cutime = p.cstime = 0;\n",
    new: "",
    tests: [PROCESSES],
  },
  {
    name: "a fork that fails late keeps the files",
    file: FORK_TS,
    old: "  yield* exit_files(p.address);\n  return error;\n}",
    new: "  return error;\n}",
    tests: [FAIL],
  },
  {
    name: "a fork that fails late keeps its address space",
    file: FORK_TS,
    old: "  if (error !== 0) {\n    yield* mmput(mm);\n    return error;",
    new: "  if (error !== 0) {\n    return error;",
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
    name: "a thread's end wakes nobody who waits for its id",
    file: FORK_TS,
    old: "  yield* futex_wake(clear_child_tid, 1);\n",
    new: "",
    tests: [TLS],
  },
  {
    name: "orphans stay their dead parent's",
    file: EXIT_TS,
    old: "    p.p_pptr = reaper.address;\n",
    new: "",
    tests: [FORK],
  },
  {
    name: "orphans go to init though a thread of the parent's lives",
    file: EXIT_TS,
    old: "  if (thread !== undefined) return thread;\n  const init",
    new: "  const init",
    tests: [THREADS],
  },
  {
    name: "a zombie that is given away tells nobody",
    file: EXIT_TS,
    old: "    if (p.state === TASK_ZOMBIE && !(yield* has_live_threads(p))) yield* do_notify_parent(p.address, p.exit_signal);\n",
    new: "",
    tests: [FORK, THREADS],
  },
  {
    name: "a zombie's pid is not given back",
    file: EXIT_TS,
    old: "  unhash_pid(p);\n",
    new: "",
    tests: [FORK],
  },
  {
    name: "the time slice of a dead child is lost",
    file: EXIT_TS,
    old: "  parent.counter = Math.min(parent.counter + p.counter, MAX_COUNTER);\n",
    new: "",
    tests: [FORK],
  },
  {
    name: "an alarm outlives its task",
    file: EXIT_TS,
    old: "  yield* exit_itimers(tsk);\n",
    new: "",
    tests: ["test/kernel/scenarios/signal-handlers.test.ts", SIGNALS],
  },
  {
    name: "wait4 takes any child for the one it waits for",
    file: EXIT_TS,
    old: "  if (pid > 0 && p.pid !== pid) return false;\n",
    new: "",
    tests: [SYSCALLS],
  },
  {
    name: "wait4 reports a stop again and again",
    file: EXIT_TS,
    old: "0x7f, stat_addr)) !== 0) return -EFAULT;\n        p.exit_code = 0;",
    new: "0x7f, stat_addr)) !== 0) return -EFAULT;",
    tests: [SIGNALS, WAIT],
  },
  {
    name: "a wait looks first and is ready to sleep then",
    file: EXIT_TS,
    old: "      current().state = TASK_INTERRUPTIBLE;\n      result = yield* wait_once(pid, stat_addr, options, ru);",
    new: "      result = yield* wait_once(pid, stat_addr, options, ru);\n      current().state = TASK_INTERRUPTIBLE;",
    tests: [INTERRUPT, FORK],
  },
  {
    name: "a child's time is not added to its parent's",
    file: EXIT_TS,
    old: "        waiter.cutime += p.utime + p.cutime;\n        waiter.cstime += p.stime + p.cstime;\n",
    new: "",
    tests: [PROCESSES],
  },
  {
    name: "a wake-up wakes every exclusive waiter",
    file: "kernel/kernel/wait.ts",
    old: "if (woken !== 0 && wait.flags & WQ_FLAG_EXCLUSIVE && --exclusive_left === 0) break;",
    new: "if (woken !== 0 && exclusive_left < 0) break;",
    tests: [SYSCALLS, SCHEDULING],
  },
  {
    name: "a waker wakes whoever is on the queue, whatever it waits for",
    file: "kernel/kernel/wait.ts",
    old: "      if ((p.state & mode) === 0) continue;\n",
    new: "",
    tests: [PIPES, SCHEDULING],
  },
  {
    name: "a completion that came early is lost",
    file: "kernel/kernel/wait.ts",
    old: "  completion.at(x).done++;\n",
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
    name: "a slot's second timer is lost in the cascade",
    file: "kernel/kernel/timer.ts",
    old: "    const next = list_next(at);\n    internal_add_timer(at);",
    new: "    internal_add_timer(at);\n    const next = list_next(at);",
    tests: [TIMER],
  },
  {
    name: "a tick is charged to the kernel wherever it comes",
    file: "kernel/kernel/timer.ts",
    old: "  if (user_tick) p.utime++;\n  else p.stime++;",
    new: "  p.stime++;",
    tests: [PROCESSES],
  },
  {
    name: "a slice ends without a reschedule",
    file: "kernel/kernel/timer.ts",
    old: "    p.counter = 0;\n    p.need_resched = 1;",
    new: "    p.counter = 0;",
    tests: [SCHEDULING],
  },
  {
    name: "bottom halves run with interrupts off",
    file: "kernel/kernel/softirq.ts",
    old: "    bh_active.value &= ~active;\n    local_irq_enable();",
    new: "    bh_active.value &= ~active;",
    tests: [INTERRUPTS],
  },
  {
    name: "a bottom half is interrupted by another",
    file: "kernel/kernel/softirq.ts",
    old: "  if (in_interrupt()) return;\n  local_bh_disable();",
    new: "  local_bh_disable();",
    tests: [INTERRUPTS, INTERRUPT],
  },
  {
    name: "what is marked while bottom halves run waits for the next interrupt",
    file: "kernel/kernel/softirq.ts",
    old: "    local_irq_disable();\n  }\n  local_bh_enable();",
    new: "    local_irq_disable();\n    break;\n  }\n  local_bh_enable();",
    tests: [INTERRUPTS, INTERRUPT],
  },
];
