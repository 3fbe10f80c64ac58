/** The run queues, as the scheduler that the kernel is configured with has them. */
import {
  cfs_rq_of,
  cpu_rq,
  fair_entity,
  goodness,
  list_for_each,
  o1_entity_of,
  o1_rq_of,
  runqueue_head,
  smp_num_cpus,
  task_list,
  task_struct,
} from "../../../kernel/inspect.ts";
import { hex, table } from "../../numbers.ts";
import type { Console } from "../console.ts";

type Task = ReturnType<typeof task_struct.at>;

/** What a scheduler tells of the tasks on its queues beside their policy. */
interface View {
  readonly columns: readonly string[];
  readonly row: (p: Task) => readonly string[];
  /** What it says of a CPU's queue. */
  readonly queue?: (cpu: number) => string;
}

const CLASSES = ["TS", "FF", "RR"];

/** The class of a task as `ps` abbreviates it: time-sharing, first in first out, round robin. */
export function policyName(policy: number): string {
  return CLASSES[policy & 0xf] ?? String(policy & 0xf);
}

/** Real-time priority, 1 to 99; a nice value for a task of no real-time policy. */
export function priorityOf({ policy, rt_priority, nice }: Task): string {
  return CLASSES[policy & 0xf] === "TS" ? String(nice) : String(rt_priority);
}

/** Needs to be called within a look at the kernel. */
function goodnessView(current: number | undefined): View {
  const self = current === undefined ? undefined : task_struct.at(current);
  return {
    columns: ["COUNTER", "GOODNESS"],
    row: (p) => [String(p.counter), String(goodness(p, self?.processor ?? 0, self?.active_mm ?? 0))],
  };
}

const o1View: View = {
  columns: ["SLICE", "LEVEL", "ARRAY"],
  row: (p) => {
    const { prio, array } = o1_entity_of(p);
    return [String(p.counter), String(prio), array === o1_rq_of(p.processor).expired ? "expired" : "active"];
  },
};

const fairView: View = {
  columns: ["AHEAD"],
  row: (p) => {
    if (policyName(p.policy) !== "TS") return ["-"];
    return [String((fair_entity(p).vruntime - cfs_rq_of(p.processor).min_vruntime) | 0)];
  },
  queue: (cpu) => `, min_vruntime ${cfs_rq_of(cpu).min_vruntime}`,
};

const plainView: View = { columns: [], row: () => [] };

function viewOf(symbols: ReadonlySet<string>, current: number | undefined): View {
  if (symbols.has("CONFIG_SCHED_GOODNESS")) return goodnessView(current);
  if (symbols.has("CONFIG_SCHED_O1")) return o1View;
  return symbols.has("CONFIG_SCHED_FAIR") ? fairView : plainView;
}

/** Tasks of a queue: in its order where all CPUs share one, else in that of the task list. */
function tasksOf(symbols: ReadonlySet<string>, cpu: number): number[] {
  if (symbols.has("CONFIG_SCHED_GOODNESS"))
    return [...list_for_each(runqueue_head.address)].map((entry) => entry - task_struct.offset("run_list"));
  return task_list().filter((task) => {
    const { on_rq, processor } = task_struct.at(task);
    return on_rq !== 0 && processor === cpu;
  });
}

/** Prints the queues. @throws CommandError on a bare machine, and when they are not set up yet */
export function runQueue(console: Console): void {
  console.guest.tasks();
  const kernel = console.guest.kernel("runqueue");
  const current = console.guest.currentTask()?.address;
  const { configured } = kernel.image;
  const shared = configured.has("CONFIG_SCHED_GOODNESS");
  const queues = kernel.inspect(() => {
    const view = viewOf(configured, current);
    return Array.from({ length: shared ? 1 : smp_num_cpus.value }, (_, cpu) => {
      const running = Array.from({ length: smp_num_cpus.value }, (_each, each) => cpu_rq(each).curr);
      const rows = tasksOf(configured, cpu).map((address) => {
        const p = task_struct.at(address);
        const mark = address === current ? "*" : running.includes(address) ? "+" : " ";
        const about = [mark, String(p.pid), p.comm, policyName(p.policy), priorityOf(p)];
        return [...about, ...view.row(p), hex(address)];
      });
      const { nr_switches } = cpu_rq(cpu);
      const title = `CPU ${cpu}: ${rows.length} to run, ${nr_switches} switches${view.queue?.(cpu) ?? ""}`;
      return { title, rows, columns: [" ", "PID", "COMM", "CLS", "PRI", ...view.columns, "task_struct"] };
    });
  });
  for (const { title, rows, columns } of queues) {
    if (!shared) console.print(title);
    else if (rows.length === 0) console.print("The run queue is empty: the idle task runs.");
    if (rows.length > 0) console.print(...table(rows, columns));
  }
}
