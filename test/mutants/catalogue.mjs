// Changes of the code, each with the tests that must fail because of it. `old` is in the file exactly once.

const INTERRUPT = "test/kernel/anywhere/interrupt.test.ts";
const CORRUPT = "test/kernel/anywhere/corrupt.test.ts";
const RETURN = "test/kernel/anywhere/return.test.ts";
const FORK = "test/kernel/scenarios/fork-flush.test.ts";
const DIRECTION = "test/kernel/scenarios/direction-flag.test.ts";
const EVENTS = "test/debug/trace/events.test.ts";
const ABI = "test/kernel/scenarios/signal-abi.test.ts";
const POISON = "test/kernel/poison.test.ts";
const ENTRY = "kernel/arch/i386/kernel/entry.S";

export const mutants = [
  {
    name: "SAVE_ALL without cld",
    file: ENTRY,
    old: ".macro SAVE_ALL\n\tcld\n",
    new: ".macro SAVE_ALL\n",
    tests: [DIRECTION],
  },
  {
    name: "error_code without cld",
    file: ENTRY,
    old: "\tcld\n\tmovl %es, %ecx\n",
    new: "\tmovl %es, %ecx\n",
    tests: [DIRECTION],
  },
  {
    name: "ret_from_sys_call without cli",
    file: ENTRY,
    old: "ret_from_sys_call:\n\tcli\n",
    new: "ret_from_sys_call:\n",
    tests: [RETURN],
  },
  {
    name: "switch_to does not restore ESI",
    file: "kernel/arch/i386/kernel/switch_to.S",
    old: "\tpopl %esi\n",
    new: "\taddl $4, %esp\n",
    tests: ["test/testing/matchers.test.ts"],
  },
  {
    name: "fork does not flush the parent's TLB",
    file: "kernel/kernel/mm.ts",
    old: "  yield* __flush_tlb();\n",
    new: "",
    tests: [FORK],
  },
  {
    name: "an exception does not leave its vector",
    file: ENTRY,
    old: "\tleal -FIRST_EXTERNAL_VECTOR(%edi), %eax\n",
    new: "\tmovl $-1, %eax\n",
    tests: [EVENTS],
  },
  {
    name: "the return to the kernel with interrupts on",
    file: ENTRY,
    old: "\tcli\t\t\t\t# nothing may be pushed over orig_eax between its pop and the iret\n",
    new: "",
    tests: [RETURN],
  },
  {
    name: "a page directory is loaded unseen",
    file: "kernel/include/asm/mmu_context.ts",
    old: "if (!maps_kernel(pgd))",
    new: "if (pgd === 3)",
    tests: [CORRUPT],
  },
  {
    name: "kernel code can be written",
    file: "kernel/arch/i386/mm/init.ts",
    old: "(is_constant ? PAGE_KERNEL_RO : PAGE_KERNEL)",
    new: "(is_constant ? PAGE_KERNEL : PAGE_KERNEL)",
    tests: ["test/kernel/arch/i386/mm/init.test.ts"],
  },
  {
    name: "#GP tells an address",
    file: "kernel/arch/i386/kernel/traps.ts",
    old: "trapnr in fault_codes ? regs.eip : 0, 0",
    new: "regs.eip, 0",
    tests: [ABI],
  },
  {
    name: "a terminal's signals come from whoever runs",
    file: "kernel/drivers/char/n_tty.ts",
    old: "kill_pg(tty.pgrp, sig, 1)",
    new: "kill_pg(tty.pgrp, sig, 0)",
    tests: [ABI],
  },
  {
    name: "signal 64 is none",
    file: "kernel/kernel/sigaction.ts",
    old: "sig > _NSIG ||",
    new: "sig >= _NSIG ||",
    tests: [ABI],
  },
  {
    name: "a timer that starts itself again for now is run at once",
    file: "kernel/kernel/timer.ts",
    old: "    timer_jiffies.value = now + 1;\n",
    new: "    timer_jiffies.value = now;\n",
    tests: ["test/kernel/kernel/timer.test.ts"],
  },
  {
    name: "waking with interrupts on",
    file: "kernel/kernel/sched.ts",
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
    name: "a task that ends tells so with interrupts on",
    file: "kernel/kernel/exit.ts",
    old: "  local_irq_disable();\n  tsk.state = TASK_ZOMBIE;\n",
    new: "  tsk.state = TASK_ZOMBIE;\n",
    tests: ["test/kernel/scenarios/processes.test.ts"],
  },
  {
    name: "a task whose iret fails ends with interrupts off",
    file: ENTRY,
    old: "\tsti\t\t\t\t# as do_exit needs them; the iret came with interrupts off\n",
    new: "",
    tests: ["test/kernel/context.test.ts"],
  },
  {
    name: "the page of zeros is not cleared",
    file: "kernel/arch/i386/mm/init.ts",
    old: '  yield* clear_page(image().symbol("empty_zero_page"));\n',
    new: "",
    tests: [POISON],
  },
  {
    name: "the command line has no end",
    file: "boot/loader.ts",
    old: '[...commandLine, "\\0"]',
    new: "[...commandLine]",
    tests: [POISON],
  },
];
