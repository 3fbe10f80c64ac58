/** What a trace says: every event, its fields and their meanings. The table in docs/running.md is tested against this. */

/** Name → meaning of each of an event's fields, in the order they are recorded in. */
type Fields = Readonly<Record<string, string>>;

export interface TraceEventDescription {
  readonly meaning: string;
  readonly fields: Fields;
  /** Fields that are text; all others are numbers. */
  readonly text?: readonly string[];
}

/** What every event begins with. */
export const COMMON_FIELDS: Fields = {
  instruction: "instructions executed since reset, by all CPUs",
  cycle: "virtual time: instructions and idle cycles since power-on",
  cpu: "number of the CPU",
  event: "its name",
};

const PID = "task";
const WHERE: Fields = {
  pid: "task whose kernel stack it is on",
  depth: "entries below it on that stack: 0 when it came from the program",
  cpl: "ring that the CPU comes from or, at an exit, goes to",
};
const LOCK: Fields = {
  pid: "task that the CPU runs",
  lock: "its address",
  name: "its variable, or the kind of object that it is in",
  mode: "spin, or read or write",
};
const TIMER: Fields = {
  timer: "address of its struct timer_list",
  expires: "tick at which it fires",
  jiffies: "the tick now",
  function: "what it calls",
};

/** Every event, by name. */
export const TRACE_EVENTS: Readonly<Record<string, TraceEventDescription>> = {
  trace: {
    meaning: "first line of a trace file",
    fields: { version: "of the format: 3", hz: "cycles in a second of virtual time", cpus: "CPUs" },
  },
  end: { meaning: "last line: the moment at which the trace ends", fields: {} },
  sched_switch: {
    meaning: "the scheduler has decided on another task",
    fields: {
      prev: "task that leaves",
      prev_state: "its state: 0 runnable, 1, 2 and 130 asleep, 4 zombie, 8 stopped",
      reason: "preempted, yielded, slept, exited, stopped, or idle for the idle task",
      next: "task that comes",
      esp: "its saved ESP",
      eip: "its saved EIP: where it goes on",
      queue: "number of this CPU's run queue: its own, 0 where all CPUs share one",
      nr_running: "tasks on it, those that run included",
    },
    text: ["reason"],
  },
  switch_to: {
    meaning: "ESP is exchanged: from here on `next` runs",
    fields: {
      prev: "task that left",
      prev_esp: "ESP saved for it",
      prev_eip: "EIP saved for it",
      next: "task that runs",
      esp: "ESP it had saved",
      eip: "EIP it had saved",
    },
  },
  sched_goodness: {
    meaning: "the scheduler looked at a candidate",
    fields: { pid: PID, goodness: "-1 yields, 0 slice used up, 1000 and more real-time" },
  },
  sched_epoch: { meaning: "all slices were used up and are recalculated", fields: { jiffies: "the tick" } },
  sched_array_switch: {
    meaning: "O(1): this CPU's active array is empty, and changes places with the expired one",
    fields: { tasks: "in what is the active array now" },
  },
  sched_enqueue: {
    meaning: "O(1): a task is put into an array, also one that runs",
    fields: { pid: PID, queue: "CPU whose array it is", array: "active or expired", prio: "its level there: 0 to 139" },
    text: ["array"],
  },
  sched_dequeue: {
    meaning: "O(1): a task is taken out of its array",
    fields: { pid: PID, queue: "CPU whose array it is" },
  },
  sched_migrate: {
    meaning: "a task is another CPU's from now on",
    fields: {
      pid: PID,
      from: "CPU",
      to: "CPU",
      why: "chosen (from the one queue), wakeup, balance, idle (balance of a CPU without a task), affinity",
    },
    text: ["why"],
  },
  sched_wakeup: {
    meaning: "a task became runnable",
    fields: {
      pid: "task woken",
      by: "task that ran then",
      interrupt: "1 when an interrupt or bottom half did it, on top of that task",
      queue: "number of its run queue",
      nr_running: "tasks on it from now on",
    },
  },
  fork: {
    meaning: "a task was made",
    fields: {
      parent: "task that called",
      child: "new task",
      clone_flags: "as of clone(2), the lowest byte the signal at its end",
      task: "address of the child's task_struct",
    },
  },
  exec: { meaning: "a task runs a new program", fields: { pid: PID, comm: "its name" }, text: ["comm"] },
  exit: { meaning: "a task ends", fields: { pid: PID, code: "wait status" } },
  syscall: { meaning: "int $0x80", fields: { nr: "number of the system call", ...WHERE } },
  syscall_exit: {
    meaning: "the return from it, also a new task's",
    fields: {
      nr: "number of the system call",
      result: "EAX: result or -errno, or the handler's if a signal came",
      ...WHERE,
    },
  },
  exception: { meaning: "exception", fields: { vector: "0 to 31", eip: "instruction that raised it", ...WHERE } },
  exception_exit: { meaning: "the return from it", fields: { vector: "0 to 31", ...WHERE } },
  interrupt: {
    meaning: "the CPU takes a device's interrupt or another CPU's",
    fields: { vector: "32 to 255", eip: "where the CPU was", ...WHERE },
  },
  interrupt_exit: { meaning: "the return from it", fields: { vector: "32 to 255", ...WHERE } },
  irq_entry: { meaning: "do_IRQ begins", fields: { irq: "line", depth: "interrupt handlers under way" } },
  irq_exit: { meaning: "do_IRQ ends", fields: { irq: "line", depth: "interrupt handlers under way" } },
  bh_entry: { meaning: "a bottom half begins", fields: { nr: "its number; 0 is the timer's" } },
  bh_exit: { meaning: "a bottom half ends", fields: { nr: "its number" } },
  timer_add: { meaning: "a timer was started", fields: TIMER, text: ["function"] },
  timer_del: { meaning: "a pending timer was stopped", fields: TIMER, text: ["function"] },
  timer_fire: { meaning: "a timer has expired", fields: TIMER, text: ["function"] },
  page_fault: {
    meaning: "the page-fault handler begins",
    fields: { pid: PID, address: "accessed", error_code: "bit 0 present, 1 write, 2 user", eip: "instruction" },
  },
  cow: {
    meaning: "a write to a copy-on-write page was served",
    fields: {
      pid: PID,
      address: "written",
      old_frame: "physical address of the shared page",
      new_frame: "of the writer's page from now on",
      count_before: "users of the old page before",
      count_after: "and after",
      copied: "1 copied, 0 the writer was the last user",
    },
  },
  signal: { meaning: "a signal was sent", fields: { pid: "task it was sent to", sig: "number" } },
  signal_deliver: {
    meaning: "a signal's handler will run",
    fields: { pid: PID, sig: "number", handler: "address of the handler" },
  },
  cr3_load: { meaning: "CR3 was loaded", fields: { cr3: "physical address of the page directory" } },
  idle_entry: { meaning: "the idle task is about to halt", fields: {} },
  idle_exit: { meaning: "it goes on, after the interrupt that woke the CPU", fields: {} },
  local_timer_entry: {
    meaning: "the handler of a CPU's own timer begins: a tick of that CPU",
    fields: { vector: "239" },
  },
  ipi_raise: {
    meaning: "a CPU interrupts others",
    fields: {
      vector: "248 stop, 251 call a function, 252 reschedule, 253 drop translations",
      target_cpus: "one bit a CPU",
    },
  },
  contention_begin: {
    meaning: "a CPU finds a lock taken, and waits for it",
    fields: LOCK,
    text: ["name", "mode"],
  },
  contention_end: { meaning: "it has got the lock", fields: LOCK, text: ["name", "mode"] },
  lock_acquired: {
    meaning: "with `--trace-locks`: a CPU has taken a lock, at once or after it waited",
    fields: LOCK,
    text: ["name", "mode"],
  },
  lock_release: { meaning: "with `--trace-locks`: it gives the lock", fields: LOCK, text: ["name", "mode"] },
  lock_report: {
    meaning: "a kernel that checks locks has found something wrong, and says so in its log",
    fields: { pid: PID, report: "what, as the log has it" },
    text: ["report"],
  },
  ipi_entry: { meaning: "the handler of such an interrupt begins", fields: { vector: "as for ipi_raise" } },
  page_tables: {
    meaning: "a snapshot of a task's pages: around a fork and after COW faults, the first 64 in a file",
    fields: {
      pid: PID,
      when: "fork_begin, fork_end or cow",
      ptes: "ADDRESS:ENTRY:AREA of each user page, at most 512: hexadecimal, and what the area allows, as rwx and g for a stack",
      left_off: "pages beyond these",
    },
    text: ["when", "ptes"],
  },
  kernel_stack: {
    meaning:
      "a snapshot of a stack after switch_to, that of the task that leaves and that of the one that comes: of the first 4 turns of each task, 256 turns in a file",
    fields: {
      pid: PID,
      which: "prev or next",
      esp: "saved ESP: address of the first word",
      eip: "where the task goes on",
      esp0: "the task's thread.esp0",
      tss_esp0: "TSS.esp0, which is prev's until __switch_to has run",
      words: "from ESP to the top, separated by semicolons: VALUE and, behind a space, what it is",
    },
    text: ["which", "words"],
  },
  interrupt_stack: {
    meaning:
      "a snapshot of a stack at irq_entry, when the interrupt came while a task was in the kernel: of the CPU's own stack, if the handler is on one, and of the task's; of 4 interrupts in a file",
    fields: {
      pid: "task that was interrupted",
      which: "task, or the kind of the CPU's stack",
      start: "its lowest address",
      low: "what is there: task_struct or thread_info, or none; not mapped, when it is right below",
      low_bytes: "how much that takes of it",
      esp: "address of the lowest word in use",
      words: "as for kernel_stack",
    },
    text: ["which", "low", "words"],
  },
};

/** The rows of docs/running.md's table: event, meaning, fields. */
export function traceEventTable(): string {
  const rows = Object.entries(TRACE_EVENTS).map(([name, { meaning, fields }]) => {
    const listed = Object.entries(fields).map(([field, what]) => `\`${field}\` ${what}`);
    return `| \`${name}\` | ${meaning} | ${listed.join("; ") || "–"} |`;
  });
  return ["| event | meaning | fields |", "| --- | --- | --- |", ...rows, ""].join("\n");
}
