// Several CPUs: how they start, and what they tell each other.

const BOOT = "test/kernel/smp/boot.test.ts";
const IPI = "test/kernel/smp/ipi.test.ts";
const SMP = "kernel/arch/i386/kernel/smp.ts";
const SMPBOOT = "kernel/arch/i386/kernel/smpboot.ts";
const MPPARSE = "kernel/arch/i386/kernel/mpparse.ts";
const TRAMPOLINE = "kernel/arch/i386/kernel/trampoline.S";

export default [
  {
    name: "a CPU that starts takes the first one's GDT",
    file: TRAMPOLINE,
    old: "\timull $GDT_ENTRIES*8, %eax\n",
    new: "\txorl %eax, %eax\n",
    tests: [BOOT],
  },
  {
    name: "a further CPU's timer is not started",
    file: SMPBOOT,
    old: "  yield* setup_APIC_timer();\n  yield* __flush_tlb();",
    new: "  yield* __flush_tlb();",
    tests: [BOOT],
  },
  {
    name: "the bottom of memory stays mapped",
    file: SMPBOOT,
    old: "  yield* zap_low_memory();\n",
    new: "",
    tests: [BOOT],
  },
  {
    name: "idle tasks stay among the tasks",
    file: SMPBOOT,
    old: "  remove_links(idle);\n",
    new: "",
    tests: [BOOT],
  },
  {
    name: "an MP table is believed whatever its checksum",
    file: MPPARSE,
    old: "  if ((yield* mpf_checksum(at, table.mpc_length)) !== 0) {\n",
    new: "  if ((yield* mpf_checksum(at, 0)) !== 0) {\n",
    tests: [BOOT],
  },
  {
    name: "the reschedule interrupt is not acknowledged",
    file: SMP,
    old: '  yield* ack_APIC_irq();\n  if (tracing()) trace({ event: "ipi_entry", vector: RESCHEDULE_VECTOR });\n',
    new: '  if (tracing()) trace({ event: "ipi_entry", vector: RESCHEDULE_VECTOR });\n',
    tests: [IPI],
  },
  {
    name: "smp_call_function does not wait",
    file: SMP,
    old: "    if (wait !== 0) while (data.finished !== cpus) cpu_relax();\n",
    new: "",
    tests: [IPI],
  },
  {
    name: "a CPU keeps page tables that it uses lazily",
    file: SMP,
    old: "      if (state !== TLBSTATE_OK) yield* leave_mm();\n      else if (flush_va",
    new: "      if (flush_va",
    tests: [IPI],
  },
  {
    name: "one address is flushed as all",
    file: SMP,
    old: "      else if (flush_va.value === FLUSH_ALL) yield* __flush_tlb();\n",
    new: "      else if (flush_va.value !== 0) yield* __flush_tlb();\n",
    tests: [IPI],
  },
  {
    name: "a CPU that is stopped goes on",
    file: SMP,
    old: "  yield* disable_local_APIC();\n  for (;;)",
    new: "  for (;;)",
    tests: [IPI],
  },
  {
    name: "turns are as long however many CPUs there are",
    file: "kernel/running/kernel.ts",
    old: "tick / ROUNDS_IN_A_TICK / cpus",
    new: "tick / ROUNDS_IN_A_TICK",
    tests: [BOOT],
  },
  {
    name: "device interrupts go to the boot CPU",
    file: "kernel/arch/i386/kernel/io_apic.ts",
    old: 'kernel_variable("io_apic_target_cpus", u32, 0xff)',
    new: 'kernel_variable("io_apic_target_cpus", u32, 1)',
    tests: ["test/kernel/smp/boot.test.ts"],
  },
  {
    name: "frames are freed while another CPU can still write to them",
    file: "kernel/include/asm/tlb.ts",
    old: "  return mm.mm_users > 1 && smp_num_cpus.value > 1;",
    new: "  return mm.mm_users > 9 && smp_num_cpus.value > 1;",
    tests: ["test/kernel/smp/freed-frames.test.ts"],
  },
  {
    name: "PAUSE: who waits for a shoot-down spins",
    file: SMP,
    old: "    while (flush_cpumask.value !== 0) cpu_relax();",
    new: "    while (flush_cpumask.value !== 0) yield;",
    tests: [IPI],
  },
  {
    name: "PAUSE: who waits for a called function spins",
    file: SMP,
    old: "    while (data.started !== cpus) cpu_relax();",
    new: "    while (data.started !== cpus) yield;",
    tests: [IPI],
  },
];
