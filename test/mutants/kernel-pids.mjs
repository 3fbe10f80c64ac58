// Pids and pid namespaces.

const NAMESPACES = ["test/kernel/scenarios/pid-namespace.test.ts"];
const PID_TS = "kernel/kernel/pid.ts";
const NAMESPACE_TS = "kernel/kernel/pid_namespace.ts";
const EXIT_TS = "kernel/kernel/exit.ts";
const SIGNAL_TS = "kernel/kernel/signal.ts";

export default [
  {
    name: "a task is not chained to those of its bucket",
    file: PID_TS,
    old: "  p.pidhash_next = first;\n",
    new: "  p.pidhash_next = 0;\n",
    tests: NAMESPACES,
  },
  {
    name: "numbers in use are given out again in a namespace",
    file: NAMESPACE_TS,
    old: "    if (holder !== undefined) continue;\n",
    new: "",
    tests: NAMESPACES,
  },
  {
    name: "a namespace's process finds others by global numbers",
    file: NAMESPACE_TS,
    old: "  if (ns === init_pid_ns.address) return yield* find_task_by_pid(vnr);",
    new: "  if (ns !== 0) return yield* find_task_by_pid(vnr);",
    tests: NAMESPACES,
  },
  {
    name: "a pid goes with its task, whoever's group it is",
    file: NAMESPACE_TS,
    old: "  if (--pid.count !== 0) return;\n",
    new: "  if (pid.task !== 0) return;\n",
    tests: NAMESPACES,
  },
  {
    name: "a namespace outlives its last process",
    file: NAMESPACE_TS,
    old: "  yield* kfree(address);\n  yield* put_pid_ns(ns);\n}",
    new: "  yield* kfree(address);\n}",
    tests: NAMESPACES,
  },
  {
    name: "orphans of a namespace go to the machine's init",
    file: EXIT_TS,
    old: "  if (ns === init_pid_ns.address) return yield* find_task_by_pid(1);",
    new: "  if (ns !== 0) return yield* find_task_by_pid(1);",
    tests: NAMESPACES,
  },
  {
    name: "a namespace's init ends, and nobody else",
    file: EXIT_TS,
    old: "(yield* ends_namespace(tsk))) yield*",
    new: "false) yield*",
    tests: NAMESPACES,
  },
  {
    name: "the leader's end is that of a namespace's init",
    file: EXIT_TS,
    old: "  const ends = other === undefined && is_init;",
    new: "  const ends = is_init;",
    tests: NAMESPACES,
  },
  {
    name: "kill(-1) leaves its namespace",
    file: SIGNAL_TS,
    old: "    if (task_pid_vnr(p) > 1 &&",
    new: "    if (p.pid > 1 &&",
    tests: NAMESPACES,
  },
  {
    name: "a namespace's init is killed from within",
    file: SIGNAL_TS,
    old: "  return !sig_kernel_only(sig) || !(from_kernel || is_outside_of(p));",
    new: "  return !sig_kernel_only(sig);",
    tests: NAMESPACES,
  },
  {
    name: "si_pid is the sender's own number",
    file: SIGNAL_TS,
    old: "  return task_tgid_nr_ns(current(), task_active_pid_ns(p));",
    new: "  return current().tgid;",
    tests: NAMESPACES,
  },
];
