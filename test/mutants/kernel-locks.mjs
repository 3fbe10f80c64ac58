// Locks, and what a scheduler for several CPUs has to mind.

const LOCKS = "test/kernel/arch/i386/lib/spinlock.test.ts";
const SMP_LOCKS = "test/kernel/smp/locks.test.ts";
const STRESS = "test/kernel/smp/stress.test.ts";
const SPINLOCK = "kernel/arch/i386/lib/spinlock.S";
const ENTRY = "kernel/arch/i386/kernel/entry.S";
const SCHED = "kernel/kernel/sched.ts";
const EXIT = "kernel/kernel/exit.ts";
const FAULT = "kernel/arch/i386/mm/fault.ts";

export default [
  {
    name: "a spinlock is taken without LOCK",
    file: SPINLOCK,
    old: "1:\tlock; decb \\word\n",
    new: "1:\tdecb \\word\n",
    tests: [LOCKS],
  },
  {
    name: "whoever finds a spinlock taken goes on",
    file: SPINLOCK,
    old: "2:\trep; nop\n\tcmpb $0, \\word\n\tjle 2b\n\tjmp 1b\n",
    new: "2:\tret\n",
    tests: [LOCKS],
  },
  {
    name: "a trylock takes a lock that is taken",
    file: SPINLOCK,
    old: "\tsetg %al\n",
    new: "\tmovb $1, %al\n",
    tests: [LOCKS],
  },
  {
    name: "a reader comes in while somebody writes",
    file: SPINLOCK,
    old: "1:\tlock; subl $1, (%eax)\n\tjs 2f\n\tret",
    new: "1:\tlock; subl $1, (%eax)\n\tret",
    tests: [LOCKS],
  },
  {
    name: "a writer comes in while somebody reads",
    file: SPINLOCK,
    old: "\tlock; subl $RW_LOCK_BIAS, (%eax)\n\tjnz 2f\n",
    new: "\tlock; subl $RW_LOCK_BIAS, (%eax)\n",
    tests: [LOCKS],
  },
  {
    name: "the big kernel lock is given up by the first unlock",
    file: SPINLOCK,
    old: "\tdecl task_struct_lock_depth(%ecx)\n\tjs 1f\n\tret\n",
    new: "\tdecl task_struct_lock_depth(%ecx)\n",
    tests: [LOCKS],
  },
  {
    name: "system calls do not take the big kernel lock",
    file: ENTRY,
    old: "\tcall lock_kernel\t\t# leaves EAX alone\n#endif\n\tcall *sys_call_table(,%eax,4)\n\tmovl %eax, pt_regs_eax(%esp)\n#ifdef CONFIG_SMP\n\tcall unlock_kernel\n",
    new: "#endif\n\tcall *sys_call_table(,%eax,4)\n\tmovl %eax, pt_regs_eax(%esp)\n#ifdef CONFIG_SMP\n",
    tests: [SMP_LOCKS],
  },
  {
    name: "schedule() keeps the big kernel lock",
    file: SCHED,
    old: "    yield* release_kernel_lock(prev.address);\n",
    new: "",
    tests: [STRESS],
  },
  {
    name: "who has slept goes on without the big kernel lock",
    file: SCHED,
    old: "    yield* reacquire_kernel_lock(prev.address);\n",
    new: "",
    tests: [SMP_LOCKS],
  },
  {
    name: "page faults do not take the big kernel lock",
    file: FAULT,
    old: "    yield* lock_kernel();\n    yield* resolve_fault(regs, mm, address, error_code);\n    yield* unlock_kernel();\n",
    new: "    yield* resolve_fault(regs, mm, address, error_code);\n",
    tests: [SMP_LOCKS],
  },
  {
    name: "schedule() chooses without runqueue_lock",
    file: SCHED,
    old: "    yield* spin_lock(runqueue_lock.address);\n\n",
    new: "\n",
    tests: [STRESS],
  },
  {
    name: "a CPU takes a task that another has yet to leave",
    file: SCHED,
    old: "  return (p.cpus_runnable & p.cpus_allowed & (1 << cpu)) !== 0;",
    new: "  return (p.cpus_allowed & (1 << cpu)) !== 0;",
    tests: [STRESS],
  },
  {
    name: "a zombie is freed while it is still on its stack",
    file: EXIT,
    old: "  while (task_has_cpu(p)); // it has yet to leave its stack\n",
    new: "",
    tests: [STRESS],
  },
  {
    name: "a woken task's CPU is not told",
    file: SCHED,
    old: "      yield* smp_send_reschedule(told);\n    }\n    yield* spin_unlock_irqrestore",
    new: "    }\n    yield* spin_unlock_irqrestore",
    tests: [SMP_LOCKS],
  },
];
