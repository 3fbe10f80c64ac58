// Traces and reports: events of locks and of arrays, and what drawings make of them.

const LOCK_EVENTS = "test/kernel/smp/lock-events.test.ts";
const PLOTS = "test/debug/report/plots.test.ts";
const SUMMARY = "test/debug/report/summary.test.ts";
const DRAWINGS = "test/debug/report/drawings.test.ts";

export default [
  {
    name: "a try that fails is taken for a lock taken",
    file: "kernel/running/kernel-locks.ts",
    old: 'if (name !== "spin_trylock" || (core.r[EAX] & 1) !== 0)',
    new: 'if (name !== "" || (core.r[EAX] & 1) !== 0)',
    tests: [LOCK_EVENTS],
  },
  {
    name: "every try to take a lock begins a wait",
    file: "kernel/running/kernel-locks.ts",
    old: "    if (waits.includes(lock)) return;\n",
    new: "",
    tests: [LOCK_EVENTS],
  },
  {
    name: "a kernel that checks locks waits unseen",
    file: "kernel/running/kernel-locks.ts",
    old: 'const WAIT_FOR_LOCK = "wait_for_lock";',
    new: 'const WAIT_FOR_LOCK = "wait_for_no_lock";',
    tests: [LOCK_EVENTS],
  },
  {
    name: "the big kernel lock is given up unseen around schedule()",
    file: "kernel/running/kernel-locks.ts",
    old: '  release_kernel_lock: ["spin", undefined],\n',
    new: "",
    tests: [LOCK_EVENTS],
  },
  {
    name: "looking for an event forgets who wants locks",
    file: "kernel/running/kernel.ts",
    old: "this.on_event(look, wanted);",
    new: "this.on_event(look);",
    tests: [LOCK_EVENTS],
  },
  {
    name: "a lock in a PCB has no name where that is on the stack's block",
    file: "kernel/running/lock-names.ts",
    old: 'image.stacks?.kind === "task_union" && offset',
    new: 'image.stacks?.kind === "vmap" && offset',
    tests: [LOCK_EVENTS],
  },
  {
    name: "times of a lock are those of all CPUs together",
    file: "debug/report/lock-times.ts",
    old: '{event["lock"]}`;',
    new: '{event["name"]}`;',
    tests: [SUMMARY],
  },
  {
    name: "a task is enqueued in the other array, for those who trace",
    file: "kernel/kernel/sched_o1.ts",
    old: 'o1_rq_of(queue).active ? "active" : "expired"',
    new: 'o1_rq_of(queue).expired ? "active" : "expired"',
    tests: [PLOTS],
  },
  {
    name: "arrays change places on all CPUs",
    file: "debug/report/priority-arrays.ts",
    old: "      if (of !== queue) continue;\n",
    new: "",
    tests: [PLOTS],
  },
  {
    name: "a woken task that changes CPUs is taken off its old one's queue",
    file: "debug/report/run-queues.ts",
    old: 'if (event["why"] === "wakeup" || event["why"] === "chosen") break;',
    new: 'if (event["why"] === "chosen") break;',
    tests: [PLOTS],
  },
  {
    name: "registers of a system call are not told where entry code has the program's EBP",
    file: "debug/trace/interrupt-stacks.ts",
    old: "=== undefined) continue; // entry",
    new: "=== undefined) break; // entry",
    tests: [DRAWINGS],
  },
];
