// Schedulers beside Linux 2.4's, and what moves tasks between CPUs.

const SCHEDULERS = "test/kernel/scenarios/schedulers.test.ts";
const RBTREE = "test/kernel/lib/rbtree.test.ts";
const O1 = "kernel/kernel/sched_o1.ts";
const O1_PRIO = "kernel/kernel/sched_o1_prio.ts";
const PRIO_ARRAY = "kernel/kernel/prio_array.ts";
const RT = "kernel/kernel/sched_rt.ts";
const FAIR = "kernel/kernel/sched_fair.ts";
const BALANCE = "kernel/kernel/sched_balance.ts";
const MIGRATION = "kernel/kernel/migration.ts";
const SYS = "kernel/kernel/sched_sys.ts";

export default [
  {
    name: "whose slice is over stays in the active array",
    file: O1,
    old: "  enqueue(p, own.expired);\n  own.best_expired_prio",
    new: "  enqueue(p, own.active);\n  own.best_expired_prio",
    tests: [SCHEDULERS],
  },
  {
    name: "an interactive task has to wait like any other",
    file: O1,
    old: "  if (is_interactive(p) && !expired_starving(own, queue)) {",
    new: "  if (p.pid === 0) {",
    tests: [SCHEDULERS],
  },
  {
    name: "expired tasks starve beside an interactive one",
    file: O1,
    old: "  if (is_interactive(p) && !expired_starving(own, queue)) {",
    new: "  if (is_interactive(p)) {",
    tests: [SCHEDULERS],
  },
  {
    name: "sleep is worth nothing",
    file: O1_PRIO,
    old: "  const prio = static_prio(p) - (current_bonus(p) - MAX_BONUS / 2);",
    new: "  const prio = static_prio(p);",
    tests: [SCHEDULERS],
  },
  {
    name: "a level keeps its bit when its last task has gone",
    file: PRIO_ARRAY,
    old: "  if (list_empty(a.queue.address_of(level))) clear_level(a, level);\n",
    new: "",
    tests: [SCHEDULERS],
  },
  {
    name: "SCHED_FIFO takes turns, too",
    file: RT,
    old: "    if (p.policy !== SCHED_RR || --p.counter > 0) return;",
    new: "    if (--p.counter > 0) return;",
    tests: [SCHEDULERS],
  },
  {
    name: "all tasks weigh the same",
    file: FAIR,
    old: "  return memory().read32(prio_to_weight.address + 4 * (p.nice + 20));",
    new: "  return p.nice < -20 ? 0 : NICE_0_LOAD;",
    tests: [SCHEDULERS],
  },
  {
    name: "an idle CPU looks for no tasks",
    file: BALANCE,
    old: "  if (!is_time_to_balance(this_rq)) return;\n",
    new: "  if (this_rq.cpu >= 0) return;\n",
    tests: [SCHEDULERS],
  },
  {
    name: "the migration thread is not woken",
    file: MIGRATION,
    old: "    if (!may_stay && !is_asleep) yield* wake_up_process(migration_queues.of(cpu).thread);\n",
    new: "",
    tests: [SCHEDULERS],
  },
  {
    name: "a real-time priority of 0 is allowed",
    file: SYS,
    old: "  return is_real_time(policy) ? 1 : 0;",
    new: "  return 0;",
    tests: [SCHEDULERS],
  },
  {
    name: "a red uncle is left red",
    file: "kernel/lib/rbtree.ts",
    old: "      set_color(uncle, RB_BLACK);\n",
    new: "",
    tests: [RBTREE],
  },
  {
    name: "a black node taken out of a tree is missing",
    file: "kernel/lib/rbtree.ts",
    old: "  if (was_black) yield* rb_erase_color(below, parent, root);\n",
    new: "",
    tests: [RBTREE],
  },
  {
    name: "a red sibling is not turned up first",
    file: "kernel/lib/rbtree.ts",
    old: "    if (is_red(other)) {",
    new: "    if (false) {",
    tests: [RBTREE],
  },
];
