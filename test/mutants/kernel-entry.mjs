// Ways into the kernel and out of it, context switches, copies to and from user memory, the host's bridge.

const SCENARIOS = "test/kernel/scenarios";
const CORRUPT = "test/kernel/anywhere/corrupt.test.ts";
const RETURN = "test/kernel/anywhere/return.test.ts";
const DIRECTION = `${SCENARIOS}/direction-flag.test.ts`;
const SEGMENTS = `${SCENARIOS}/segment-registers.test.ts`;
const EVENTS = "test/debug/trace/events.test.ts";
const ABI = `${SCENARIOS}/signal-abi.test.ts`;
const SWITCH = `${SCENARIOS}/switch.test.ts`;
const SYSCALLS = `${SCENARIOS}/syscalls.test.ts`;
const INTERRUPTS = `${SCENARIOS}/interrupts.test.ts`;
const SIGNALS = `${SCENARIOS}/signals.test.ts`;
const FPU = `${SCENARIOS}/fpu.test.ts`;
const TLS = `${SCENARIOS}/tls.test.ts`;
const HOSTED = "test/kernel/hosted.test.ts";
const ENTRY = "kernel/arch/i386/kernel/entry.S";
const SWITCH_TO = "kernel/arch/i386/kernel/switch_to.S";
const PROCESS = "kernel/arch/i386/kernel/process.ts";

export default [
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
    name: "SAVE_ALL leaves the program's ES",
    file: ENTRY,
    old: "\tmovl $__KERNEL_DS, %edx\n\tmovl %edx, %ds\n\tmovl %edx, %es\n.endm",
    new: "\tmovl $__KERNEL_DS, %edx\n\tmovl %edx, %ds\n.endm",
    tests: [SEGMENTS],
  },
  {
    name: "a system call's number may be as high as it likes",
    file: ENTRY,
    old: "\tjae badsys\n",
    new: "\tjg badsys\n",
    tests: [SYSCALLS],
  },
  {
    name: "a system call's result is lost",
    file: ENTRY,
    old: "\tcall *sys_call_table(,%eax,4)\n\tmovl %eax, pt_regs_eax(%esp)\n",
    new: "\tcall *sys_call_table(,%eax,4)\n",
    tests: [SYSCALLS],
  },
  {
    name: "the way back to a program does not look for signals",
    file: ENTRY,
    old: "\tjne signal_return\n",
    new: "",
    tests: [SIGNALS],
  },
  {
    name: "an interrupt leaves its bottom halves to the next",
    file: ENTRY,
    old: "\tjne handle_bottom_half_intr\n",
    new: "",
    and: [{ file: ENTRY, old: "\tjne handle_bottom_half_sys_call\n", new: "" }],
    tests: [INTERRUPTS],
  },
  {
    name: "an interrupt preempts the kernel",
    file: ENTRY,
    old: "\ttestl $VM_MASK|3, %eax\n\tjne ret_from_sys_call\n",
    new: "\ttestl $VM_MASK|3, %eax\n\tjmp ret_from_sys_call\n",
    tests: [INTERRUPTS],
  },
  {
    name: "a new task goes to its program without the rest of the switch",
    file: ENTRY,
    old: "\tpushl %ebx\n\t.cfi_adjust_cfa_offset 4\n\tcall schedule_tail\n\taddl $4, %esp\n",
    new: "\tpushl %ebx\n\t.cfi_adjust_cfa_offset 4\n\taddl $4, %esp\n",
    tests: [TLS, "test/kernel/scenarios/threads.test.ts"],
  },
  {
    name: "switch_to does not restore ESI",
    file: SWITCH_TO,
    old: "\tpopl %esi\n",
    new: "\taddl $4, %esp\n",
    tests: ["test/testing/matchers.test.ts"],
  },
  {
    name: "switch_to returns the task that was to be next",
    file: SWITCH_TO,
    old: "\tmovl %ebx, %eax\t\t\t# last\n",
    new: "\tmovl 16(%esp), %eax\n",
    tests: [SWITCH],
  },
  {
    name: "a switch leaves TSS.esp0",
    file: PROCESS,
    old: "    init_tss.value.esp0 = next.esp0;\n",
    new: "",
    tests: [SWITCH],
  },
  {
    name: "a switch leaves the last task's thread-local segments",
    file: PROCESS,
    old: "    yield* load_TLS(next.address);\n",
    new: "",
    tests: [TLS],
  },
  {
    name: "a child gets the x87 as it was at its parent's last switch",
    file: PROCESS,
    old: "    yield* unlazy_fpu(current());\n    yield* memcpy(thread.i387.address",
    new: "    yield* memcpy(thread.i387.address",
    tests: [FPU],
  },
  {
    name: "a child's EAX is its parent's",
    file: PROCESS,
    old: "    childregs.eax = 0;\n",
    new: "",
    tests: ["test/kernel/scenarios/fork.test.ts"],
  },
  {
    name: "a switch leaves the x87 to the next task",
    file: "kernel/arch/i386/kernel/i387.ts",
    old: "  set_used_fpu(tsk, false);\n  yield* stts();\n}\n\n/** The task is switched from",
    new: "  set_used_fpu(tsk, false);\n}\n\n/** The task is switched from",
    tests: [FPU],
  },
  {
    name: "exec keeps the x87 of the program before",
    file: "kernel/arch/i386/kernel/i387.ts",
    old: "  current().used_math = 0;\n}",
    new: "}",
    tests: [FPU],
  },
  {
    name: "switch_mm loads CR3 for threads of the same program",
    file: "kernel/include/asm/mmu_context.ts",
    old: "  if (prev === next) return;\n",
    new: "",
    tests: [SWITCH],
  },
  {
    name: "a page directory is loaded unseen",
    file: "kernel/include/asm/mmu_context.ts",
    old: "if (!maps_kernel(mm_struct.at(next).pgd))",
    new: "if (mm_struct.at(next).pgd === 3)",
    tests: [CORRUPT],
  },
  {
    name: "#GP tells an address",
    file: "kernel/arch/i386/kernel/traps.ts",
    old: "si_code === SI_KERNEL ? 0 : regs.eip);",
    new: "regs.eip);",
    tests: [ABI],
  },
  {
    name: "what a step has written stays when it faults",
    file: "kernel/host/bridge.ts",
    old: "      this.#memory.undo(core);\n",
    new: "",
    tests: [HOSTED],
  },
  {
    name: "a step may touch a user's memory",
    file: "kernel/host/hosted-memory.ts",
    old: "kind === READ_32) {\n      if (linear >>> 0 < this.lowest || ++this.#accesses",
    new: "kind === READ_32) {\n      if (++this.#accesses",
    tests: [HOSTED],
  },
  {
    name: "a statement may go on for ever",
    file: "kernel/host/hosted-memory.ts",
    old: "kind === READ_32) {\n      if (linear >>> 0 < this.lowest || ++this.#accesses > MOST_ACCESSES)",
    new: "kind === READ_32) {\n      if (linear >>> 0 < this.lowest || ++this.#accesses < 0)",
    tests: [HOSTED],
  },
  {
    name: "the turns of steps are counted together",
    file: "kernel/host/hosted-memory.ts",
    old: "    this.#turns = 0;\n",
    new: "",
    tests: [HOSTED],
  },
  {
    name: "the accesses of steps that follow each other are counted together",
    file: "kernel/host/hosted-memory.ts",
    old: "    this.begin();\n    return true;",
    new: "    return true;",
    tests: [HOSTED],
  },
  {
    name: "a step has its variables in the frame of the step before",
    file: "kernel/host/hosted-memory.ts",
    old: "core.r[EBP] !== frame || ",
    new: "",
    tests: [HOSTED],
  },
  {
    name: "hostcalls go on in a block that was rewritten",
    file: "emulator/cpu/hostcall.ts",
    old: "cpu.runStop <= runIndex || ",
    new: "",
    tests: ["test/emulator/cpu/core.test.ts"],
  },
  {
    name: "hostcalls go on by their place, not their number",
    file: "emulator/cpu/hostcall.ts",
    old: " || op.imm !== ops[runIndex].imm + distance",
    new: "",
    tests: ["test/emulator/cpu/core.test.ts"],
  },
  {
    name: "hostcalls go on when something waits to be attended to",
    file: "emulator/cpu/hostcall.ts",
    old: "cpu.attention !== 0 || cpu.runStop <=",
    new: "cpu.runStop <=",
    tests: ["test/emulator/cpu/core.test.ts"],
  },
  {
    name: "hostcalls branch past the budget",
    file: "emulator/cpu/hostcall.ts",
    old: "next >= left || ",
    new: "",
    tests: ["test/emulator/cpu/core.test.ts"],
  },
  {
    name: "a plain function may not go round a loop often",
    file: "kernel/host/hosted-memory.ts",
    old: "const MOST_TURNS = 100_000;",
    new: "const MOST_TURNS = 10_000;",
    tests: [HOSTED],
  },
  {
    name: "a task whose iret fails ends with interrupts off",
    file: ENTRY,
    old: "\tsti\t\t\t\t# as do_exit needs them; the iret came with interrupts off\n",
    new: "",
    tests: ["test/kernel/context.test.ts"],
  },
];
