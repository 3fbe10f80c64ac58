// Layouts of kernel stacks, stacks of CPUs, and what comes of a stack that is full.

const STACKS = "test/kernel/scenarios/stacks.test.ts";
const VMALLOC = "test/kernel/mm/vmalloc.test.ts";
const REPL = "test/debug/repl/stacks.test.ts";
const GDB = "test/debug/gdb/real-gdb.test.ts";
const CURRENT = "kernel/include/asm/current.h";
const IRQ_STACKS = "kernel/include/asm/irq_stacks.h";
const TRAPS = "kernel/arch/i386/kernel/traps.ts";

export default [
  {
    name: "a CPU stack without the task of the one that was left",
    file: IRQ_STACKS,
    old: "\tmovl %ecx, thread_info_task(%eax)\n",
    new: "",
    tests: [STACKS],
  },
  {
    name: "an interrupt of a handler begins the hard IRQ stack anew",
    file: IRQ_STACKS,
    old: "\ttestl $-THREAD_SIZE, %ecx\n\tje \\stay\n",
    new: "",
    tests: [STACKS],
  },
  {
    name: "the ESP that was left is not noted on the CPU's stack",
    file: IRQ_STACKS,
    old: "\tmovl %ebx, (%eax)\n",
    new: "",
    tests: [STACKS],
  },
  {
    name: "call frame information that stays on the CPU's stack",
    file: IRQ_STACKS,
    old: "\t.cfi_def_cfa_register %ebx\n",
    new: "",
    tests: [REPL, GDB],
  },
  {
    name: "bottom halves on the stack that was interrupted",
    file: "kernel/arch/i386/kernel/irq.S",
    old: "\tGET_CPU_STACK softirq_stack\n\tCHANGE_STACK 1f\n",
    new: "",
    tests: [STACKS],
  },
  {
    name: "switch_to leaves current_task as it is",
    file: "kernel/arch/i386/kernel/switch_to.S",
    old: "\tSET_CURRENT %edx, %ecx",
    new: "\tnop",
    tests: [STACKS],
  },
  {
    name: "current_task of CPU 0 for all",
    file: CURRENT,
    old: "\tmovl current_task(,\\reg,4), \\reg\n",
    new: "\tmovl current_task, \\reg\n",
    tests: [STACKS],
  },
  {
    name: "a new task's thread_info names another task",
    file: "kernel/kernel/task_slab.ts",
    old: "  info.task = p.address;\n",
    new: "  info.task = p.p_pptr;\n",
    tests: [STACKS],
  },
  {
    name: "the double fault of a full stack is a panic",
    file: TRAPS,
    old: "below > 0 && below <= PAGE_SIZE",
    new: "below > PAGE_SIZE",
    tests: [STACKS],
  },
  {
    name: "CR3 of a TSS that was never written",
    file: TRAPS,
    old: "  stopped.__cr3 = __pa(mm_struct.at(tsk.active_mm).pgd);",
    new: "  stopped.__cr3 = 0;",
    tests: [STACKS],
  },
  {
    name: "a full stack ends the task in an interrupt, too",
    file: TRAPS,
    old: "if (is_interrupted(stopped.eip, stopped.ebp)) yield*",
    new: "if (is_interrupted(stopped.eip, stopped.ebp) && in_interrupt()) yield*",
    tests: [STACKS],
  },
  {
    name: "no page between two pieces of vmalloc's",
    file: "kernel/mm/vmalloc.ts",
    old: "addr = aligned(other.addr + other.size + PAGE_SIZE, alignment) >>> 0;",
    new: "addr = aligned(other.addr + other.size, alignment) >>> 0;",
    tests: [VMALLOC],
  },
  {
    name: "vfree keeps the page frames",
    file: "kernel/mm/vmalloc.ts",
    old: "if (pte !== 0) yield* put_page(",
    new: "if (pte === 0) yield* put_page(",
    tests: [VMALLOC, STACKS],
  },
];
