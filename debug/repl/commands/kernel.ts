/** The kernel's lists and queues, read from the guest's memory. */
import {
  bh_active,
  bh_base,
  bh_mask,
  irq_desc,
  irq_stat,
  irqaction,
  jiffies,
  kstat,
  list_for_each,
  log_buf,
  log_end,
  memory,
  mm_struct,
  read_cstring,
  smp_num_cpus,
  task_struct,
  timer_jiffies,
  timer_list,
  timer_vectors,
  vm_area_struct,
} from "../../../kernel/inspect.ts";
import { bareHex, grouped, hex, table } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { describeEvent } from "../format/event.ts";
import { taskOrCurrent } from "../task-argument.ts";
import { runQueue } from "./runqueue.ts";
import { waiting } from "./waiting.ts";

/** Looks at the kernel's data. @throws CommandError on a bare machine, and when they are not set up yet */
function look<T>(console: Console, what: string, body: () => T): T {
  console.guest.tasks();
  return console.guest.kernel(what).inspect(body);
}

function timers(console: Console): void {
  const { session } = console;
  const found = look(console, "timers", () => {
    const slots = timer_vectors.value;
    const all: { expires: number; at: number; routine: number; data: number }[] = [];
    for (let i = 0; i < slots.length; i++) {
      const head = slots.address_of(i);
      if (memory().read32(head) === 0) continue;
      for (const at of list_for_each(head)) {
        const { expires, function: routine, data } = timer_list.at(at);
        all.push({ expires, at, routine, data });
      }
    }
    return { all, now: jiffies.value, next: timer_jiffies.value };
  });
  console.print(`jiffies ${grouped(found.now)}, timers done up to ${grouped(found.next)}`);
  const rows = found.all
    .sort((a, b) => a.expires - b.expires)
    .map(({ expires, at, routine, data }) => [
      `  at ${expires}`,
      `in ${expires - found.now} ticks`,
      `${session.symbols.format(routine)}(${hex(data)})`,
      `timer ${hex(at)}`,
    ]);
  console.print(...(rows.length === 0 ? ["  none pending"] : table(rows)));
}

const BOTTOM_HALVES: Readonly<Record<number, string>> = {
  0: "TIMER_BH",
  1: "TQUEUE_BH",
  8: "SERIAL_BH",
  10: "IMMEDIATE_BH",
};

function bottomHalves(console: Console): void {
  const { session } = console;
  const { irqs, halves, rows } = look(console, "softirqs", () => {
    const active = bh_active.value >>> 0;
    const mask = bh_mask.value >>> 0;
    const found: string[][] = [];
    for (let nr = 0; nr < 32; nr++) {
      if ((mask & (1 << nr)) === 0 && (active & (1 << nr)) === 0) continue;
      const state = (active & (1 << nr)) === 0 ? "-" : (mask & (1 << nr)) === 0 ? "marked, but masked" : "marked";
      found.push([`  ${nr}`, BOTTOM_HALVES[nr] ?? "", session.symbols.format(bh_base.value.get(nr)), state]);
    }
    const { local_irq_count, local_bh_count } = irq_stat.value;
    return { irqs: local_irq_count, halves: local_bh_count, rows: found };
  });
  console.print(`in interrupt handlers: ${irqs} deep; in bottom halves: ${halves} deep`);
  console.print(...(rows.length === 0 ? ["  no bottom half installed"] : table(rows)));
}

function interrupts(console: Console): void {
  const cpus = look(console, "interrupts", () => Array.from({ length: smp_num_cpus.value }, (_, cpu) => cpu));
  const rows = look(console, "interrupts", () => {
    const found: string[][] = [];
    for (let irq = 0; irq < irq_desc.value.length; irq++) {
      const names: string[] = [];
      for (let at = irq_desc.value.get(irq).action; at !== 0; at = irqaction.at(at).next) {
        const { name, handler } = irqaction.at(at);
        names.push(`${read_cstring(name, 64)} ${console.session.symbols.format(handler)}`);
      }
      const counts = cpus.map((cpu) => kstat.of(cpu).irqs.get(irq));
      if (names.length > 0 || counts.some((count) => count > 0))
        found.push([`  IRQ ${irq}`, ...counts.map(grouped), names.join(", ")]);
    }
    return found;
  });
  const headings = cpus.length === 1 ? undefined : ["", ...cpus.map((cpu) => `CPU${cpu}`), ""];
  console.print(...(rows.length === 0 ? ["No line has a handler yet."] : table(rows, headings)));
}

const VM_BITS: readonly (readonly [bit: number, letter: string])[] = [
  [1, "r"],
  [2, "w"],
  [4, "x"],
];
const VM_SHARED = 8;
const VM_GROWSDOWN = 0x100;

function maps(console: Console, argument: string): void {
  const task = taskOrCurrent(console, argument);
  const rows = look(console, "maps", () => {
    const { mm } = task_struct.at(task.address);
    if (mm === 0)
      throw new CommandError(`pid ${task.pid} (${task.comm}) is a kernel thread: it has no address space of its own`);
    const { brk, start_brk, start_code, end_code, start_data, end_data } = mm_struct.at(mm);
    const found: string[][] = [];
    for (let at = mm_struct.at(mm).mmap; at !== 0; at = vm_area_struct.at(at).vm_next) {
      const { vm_start, vm_end, vm_flags, vm_file, vm_pgoff } = vm_area_struct.at(at);
      const rights = VM_BITS.map(([bit, letter]) => ((vm_flags & bit) === 0 ? "-" : letter)).join("");
      const holds = (start: number, end: number) => start < vm_end && end > vm_start && end > start;
      const what = [
        ...(holds(start_code, end_code) ? ["code"] : []),
        ...(holds(start_data, end_data) ? ["data"] : []),
        ...(holds(start_brk, brk) ? ["heap"] : []),
        ...((vm_flags & VM_GROWSDOWN) === 0 ? [] : ["stack"]),
        ...(vm_file === 0 ? [] : [`file ${hex(vm_file)}, page ${vm_pgoff}`]),
      ];
      const shared = (vm_flags & VM_SHARED) === 0 ? "p" : "s";
      found.push([
        `${bareHex(vm_start)}-${bareHex(vm_end)}`,
        rights + shared,
        `${(vm_end - vm_start) / 1024} KiB`,
        `vma ${hex(at)}`,
        what.join(", "),
      ]);
    }
    return found;
  });
  console.print(`Areas of pid ${task.pid} (${task.comm}):`);
  console.print(...(rows.length === 0 ? ["  none"] : table(rows).map((line) => `  ${line.trimEnd()}`)));
}

function log(console: Console, argument: string): void {
  const text = console.guest.kernel("dmesg").inspect(() => {
    const end = log_end.value;
    const { length, address } = log_buf.value;
    const start = Math.max(0, end - length);
    let found = "";
    for (let i = start; i < end; i++) found += String.fromCharCode(memory().read8(address + (i % length)));
    return found;
  });
  const lines = text.split("\n").filter((line) => line !== "");
  const shown = argument === "" ? lines : lines.slice(-console.number(argument));
  console.print(...(lines.length === 0 ? ["The kernel has logged nothing yet."] : shown));
}

const EVENTS_SHOWN = 20;

function events(console: Console, argument: string): void {
  console.guest.kernel("events");
  const count = argument === "" ? EVENTS_SHOWN : console.number(argument);
  const shown = console.pastEvents().slice(-count);
  if (shown.length === 0) console.print("No event has been recorded yet.");
  for (const event of shown) {
    console.print(`#${grouped(event.instruction).padStart(11)}  ${describeEvent(event, console.session.symbols)}`);
  }
}

function queue(names: Command["names"], usage: string, summary: string, run: Command["run"], help?: string): Command {
  return { names, group: "Kernel", usage, summary, run, ...(help === undefined ? {} : { help }) };
}

export const kernel: readonly Command[] = [
  queue(
    ["runqueue", "rq"],
    "",
    "the run queues, with what the scheduler thinks of each task",
    (_argument, console) => runQueue(console),
    "CLS: TS time-sharing (SCHED_OTHER), FF SCHED_FIFO, RR SCHED_RR. PRI: the nice value, or the real-time priority. + runs on\n" +
      "another CPU. O(1): LEVEL is 0 (best) to 139; fair: AHEAD is what the vruntime is beyond min_vruntime.",
  ),
  ...waiting,
  queue(["timers"], "", "pending timers, the next first", (_argument, console) => timers(console)),
  queue(["softirqs", "bottom-halves", "bh"], "", "bottom halves, marked and installed", (_argument, console) =>
    bottomHalves(console),
  ),
  queue(["interrupts", "irq"], "", "interrupt lines with their handlers and counts", (_argument, console) =>
    interrupts(console),
  ),
  queue(["locks"], "", "locks that are held or waited for", (_argument, console) => {
    console.guest.kernel("locks");
    console.print("There are no locks: this kernel runs on one CPU, and masks interrupts where Linux would take one.");
  }),
  queue(["maps"], "[PID]", "the areas of an address space", (argument, console) => maps(console, argument)),
  queue(["dmesg"], "[N]", "the kernel's log, or its last N lines", (argument, console) => log(console, argument)),
  queue(
    ["events"],
    "[N]",
    "the last events: switches, system calls, faults",
    (argument, console) => events(console, argument),
    "What happened from the first stop on; 20 without N.",
  ),
];
