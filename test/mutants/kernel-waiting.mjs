// Kernel threads, wait queues, completions, waiting for bits and for the clock, devices of modules.

const KTHREADS = "test/kernel/kernel/kthread.test.ts";
const WAITS = "test/kernel/kernel/wait.test.ts";
const COMPLETIONS = "test/kernel/kernel/completion.test.ts";
const BITS = "test/kernel/kernel/wait-bit.test.ts";
const SLEEPS = "test/kernel/kernel/msleep.test.ts";
const RACES = "test/kernel/kernel/race.test.ts";
const DEVICES = "test/kernel/fs/devices.test.ts";
const KTHREAD = "kernel/kernel/kthread.ts";
const DAEMONIZE = "kernel/kernel/daemonize.ts";
const WAIT = "kernel/kernel/wait.ts";
const EVENT = "kernel/include/linux/wait-event.ts";
const COMPLETION = "kernel/kernel/completion.ts";
const BIT = "kernel/kernel/wait-bit.ts";

export default [
  {
    name: "a kernel thread runs as soon as it is made",
    file: KTHREAD,
    old: "  yield* complete(create.done.address);\n  yield* schedule();\n",
    new: "  yield* complete(create.done.address);\n  current().state = TASK_RUNNING;\n",
    tests: [KTHREADS],
  },
  {
    name: "a kernel thread that was stopped before it was woken runs all the same",
    file: KTHREAD,
    old: "  if (self.should_stop === 0) result = yield*",
    new: "  result = yield*",
    tests: [KTHREADS],
  },
  {
    name: "kthread_stop does not wake the thread",
    file: KTHREAD,
    old: "    yield* smp_mb();\n    yield* wake_up_process(k);\n",
    new: "    yield* smp_mb();\n",
    tests: [KTHREADS],
  },
  {
    name: "kthread_stop leaves what is left of the thread",
    file: KTHREAD,
    old: "  yield* release_task(k);\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "kthreadd keeps the priority of the one who made it",
    file: DAEMONIZE,
    old: "  yield* set_scheduling(self, SCHED_OTHER, 0, 0);\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "kthreadd keeps the files of the one who made it",
    file: DAEMONIZE,
    old: "  yield* exit_files(self.address);\n  self.files = init_task().files;\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "kthreadd does not ignore signals",
    file: KTHREAD,
    old: "  yield* ignore_signals(self);\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "kthreadd stays a child of the one who made it",
    file: KTHREAD,
    old: "  yield* reparent_to_idle();\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "nobody makes kthreadd after it could not be made once",
    file: KTHREAD,
    old: "    if (create === undefined) kthreadd_started.value = 0;\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "kthread_bind forgets the CPU",
    file: KTHREAD,
    old: "  p.cpus_allowed = 1 << cpu;\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "a kernel thread stays in the pid namespace of who asked for it",
    file: DAEMONIZE,
    old: "  if (has_pids(self)) yield* detach_pids(self);\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "a daemon takes signals",
    file: DAEMONIZE,
    old: "  self.blocked.sig.set(0, ALL_SIGNALS);\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "a disallowed signal still comes",
    file: DAEMONIZE,
    old: "  signal_struct.at(self.sig).action.get(sig - 1).sa_handler = SIG_IGN;\n",
    new: "",
    tests: [KTHREADS],
  },
  {
    name: "a task that waits does not say that it is about to sleep",
    file: WAIT,
    old: "      // The lock does not have the state seen before the condition is looked at: the barrier does.\n      yield* set_current_state(state);\n",
    new: "",
    tests: [WAITS],
  },
  {
    name: "wait_event looks at its condition before the task is on the queue",
    file: EVENT,
    old: "    result = yield* prepare_to_wait_event(queue, wait.address, state);\n    if (condition()) {\n",
    new: "    const holds = condition();\n    result = yield* prepare_to_wait_event(queue, wait.address, state);\n    if (holds) {\n",
    tests: [RACES],
  },
  {
    name: "a task that was woken stays on the queue",
    file: WAIT,
    old: "  if (woken !== 0) list_del_init(wait + TASK_LIST);\n",
    new: "",
    tests: [WAITS],
  },
  {
    name: "an exclusive waiter stands in front",
    file: WAIT,
    old: "  if (wait_queue_t.at(wait).flags & WQ_FLAG_EXCLUSIVE) list_add_tail(",
    new: "  if (wait_queue_t.at(wait).flags & 0) list_add_tail(",
    tests: [WAITS],
  },
  {
    name: "a wake-up wakes all exclusive waiters",
    file: WAIT,
    old: "      if (done !== 0 && flags & WQ_FLAG_EXCLUSIVE && --exclusive_left === 0) break;\n",
    new: "",
    tests: [WAITS],
  },
  {
    name: "SIGKILL does not wake who is killable",
    file: "kernel/include/linux/sched.ts",
    old: "(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) === 0",
    new: "(state & TASK_INTERRUPTIBLE) === 0",
    tests: [WAITS],
  },
  {
    name: "any signal wakes who is killable",
    file: "kernel/include/linux/sched.ts",
    old: "  return (state & TASK_INTERRUPTIBLE) !== 0 || fatal_signal_pending(p);\n",
    new: "  return true;\n",
    tests: [WAITS],
  },
  {
    name: "a condition that holds when the time is up counts as too late",
    file: EVENT,
    old: "      left = Math.max(left, 1);\n",
    new: "",
    tests: [WAITS],
  },
  {
    name: "wait_event_lock_irq sleeps with the lock",
    file: EVENT,
    old: "export function* wait_event_lock_irq(queue: u32, condition: () => boolean, lock: u32): Steps<void> {\n  if (condition()) return;\n  yield* ___wait_event(queue, TASK_UNINTERRUPTIBLE, 0, condition, function* () {\n    yield* spin_unlock_irq(lock);\n    yield* schedule();\n    yield* spin_lock_irq(lock);\n",
    new: "export function* wait_event_lock_irq(queue: u32, condition: () => boolean, lock: u32): Steps<void> {\n  if (condition()) return;\n  yield* ___wait_event(queue, TASK_UNINTERRUPTIBLE, 0, condition, function* () {\n    yield* spin_unlock_irq(lock);\n    yield* schedule();\n",
    tests: [WAITS],
  },
  {
    name: "a completion is not taken",
    file: COMPLETION,
    old: "      if (x.done !== ALL) x.done--;\n",
    new: "",
    tests: [COMPLETIONS],
  },
  {
    name: "complete_all completes once",
    file: COMPLETION,
    old: "  x.done = ALL;\n",
    new: "  x.done++;\n",
    tests: [COMPLETIONS],
  },
  {
    name: "one completion more undoes complete_all",
    file: COMPLETION,
    old: "  if (x.done !== ALL) x.done++;\n",
    new: "  x.done++;\n",
    tests: [COMPLETIONS],
  },
  {
    name: "a completion in time counts as too late",
    file: COMPLETION,
    old: "      left = Math.max(left, 1);\n",
    new: "",
    tests: [COMPLETIONS],
  },
  {
    name: "a wake-up for one bit wakes who waits for another",
    file: BIT,
    old: "own.flags === flags && own.bit_nr === bit_nr && !test_bit(bit_nr, flags)",
    new: "own.flags === flags",
    tests: [BITS],
  },
  {
    name: "waiting for a bit has no end",
    file: BIT,
    old: "      if (left === 0) result = -EAGAIN;\n",
    new: "",
    tests: [BITS],
  },
  {
    name: "msleep sleeps a tick less",
    file: "kernel/kernel/msleep.ts",
    old: 'export const msleep = kernel_function("msleep", [u32], undefined, function* (milliseconds) {\n  let left: i32 = msecs_to_jiffies(milliseconds) + 1;',
    new: 'export const msleep = kernel_function("msleep", [u32], undefined, function* (milliseconds) {\n  let left: i32 = msecs_to_jiffies(milliseconds) - 1;',
    tests: [SLEEPS],
  },
  {
    name: "a delay counts backwards over the end of a tick",
    file: "kernel/arch/i386/lib/delay.ts",
    old: "before - now : before + LATCH() - now;",
    new: "before - now : before - now;",
    tests: [SLEEPS],
  },
  {
    name: "a major number is given away twice",
    file: "kernel/fs/devices.ts",
    old: "    if (device.fops !== 0 && device.fops !== fops) return -EBUSY;\n",
    new: "",
    tests: [DEVICES],
  },
  {
    name: "mknod makes nodes in directories that there are not",
    file: "kernel/fs/namei.ts",
    old: "  if (parent === 0) return -ENOENT;\n  return is(parent, S_IFDIR) ? 0 : -ENOTDIR;\n",
    new: "  return 0;\n",
    tests: [DEVICES],
  },
  {
    name: "a waker that is about to sleep tells no CPU",
    file: "kernel/kernel/sched.ts",
    old: "  return task_rq(p).address === this_queue().address && is_allowed(p, smp_processor_id());\n",
    new: "  return true;\n",
    tests: [WAITS],
  },
  {
    name: "SIGKILL that came before does not keep a task from a killable sleep",
    file: "kernel/kernel/sched.ts",
    old: "    if (signal_pending_state(prev.state, prev)) prev.state = TASK_RUNNING;\n",
    new: "    if (prev.state === 1 && prev.sigpending !== 0) prev.state = TASK_RUNNING;\n",
    tests: [SLEEPS],
  },
];
