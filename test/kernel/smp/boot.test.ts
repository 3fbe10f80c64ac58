import { describe, expect, it } from "vitest";
import { apic_timer_irqs } from "../../../kernel/arch/i386/kernel/apic.ts";
import { init_tss } from "../../../kernel/arch/i386/kernel/process.ts";
import { gdt_table } from "../../../kernel/arch/i386/kernel/setup.ts";
import { cpu_callin_map, x86_cpu_to_apicid } from "../../../kernel/arch/i386/kernel/smpboot.ts";
import { init_tasks, kstat, smp_num_cpus, task_struct } from "../../../kernel/include/linux/sched.ts";
import { cpu_online_map } from "../../../kernel/include/linux/smp.ts";
import { Kernel, kernel_image } from "../../../kernel/index.ts";
import { jiffies } from "../../../kernel/kernel/timer.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot } from "../run.ts";
import { boot_smp, HELLO, image, physical, SPIN } from "./run.ts";

const cores = (cpus: number) => Array.from({ length: cpus }, (_, cpu) => cpu);

describe.each([2, 4, 8])("a kernel on %i CPUs", (cpus) => {
  it("has all of them in their idle loops, each with a stack, a TSS and a GDT of its own", () => {
    const { kernel } = boot_smp(cpus);
    kernel.run_to_user();
    const { machine } = kernel;
    const { online, callin, number, apic_ids, idle, tss, gdt } = kernel.inspect(() => ({
      online: cpu_online_map.value,
      callin: cpu_callin_map.value,
      number: smp_num_cpus.value,
      apic_ids: cores(cpus).map((cpu) => x86_cpu_to_apicid.value.get(cpu)),
      idle: cores(cpus).map((cpu) => {
        const { address, pid, processor, active_mm, mm } = task_struct.at(init_tasks.value.get(cpu));
        return { address, pid, processor, mm, has_active_mm: active_mm !== 0 };
      }),
      tss: cores(cpus).map((cpu) => init_tss.address_of(cpu)),
      gdt: cores(cpus).map((cpu) => gdt_table.address_of(cpu)),
    }));
    expect({ online, callin, number }).toEqual({ online: 2 ** cpus - 1, callin: 2 ** cpus - 2, number: cpus });
    expect(apic_ids).toEqual(cores(cpus));
    expect(idle).toEqual(
      cores(cpus).map((cpu) => ({
        address: idle[cpu].address,
        pid: 0,
        processor: cpu,
        mm: 0,
        has_active_mm: cpu > 0, // CPU 0 runs the program, and its idle task has nothing
      })),
    );
    expect(new Set(idle.map(({ address }) => address)).size).toBe(cpus);
    for (const cpu of cores(cpus)) {
      expect(machine.getRegister("gdtr_base", cpu)).toBe(gdt[cpu]);
      expect(machine.cores[cpu].segBase(7) >>> 0).toBe(tss[cpu]);
    }
    for (const cpu of cores(cpus).slice(1)) {
      const core = machine.cores[cpu];
      expect(core.halted).toBe(true);
      expect(image.symbolize(core.eip)).toMatch(/^safe_halt\+/);
      const stack = kernel.stack_at(machine.getRegister("esp", cpu));
      expect(stack).toMatchObject({ kind: "task", task: idle[cpu].address });
      expect(kernel.task_on(cpu)).toBe(idle[cpu].address);
      expect(kernel.inspect(() => init_tss.of(cpu).esp0)).toBe(stack?.end);
      expect(core.cr3).toBe(physical("swapper_pg_dir"));
    }
  });

  it("runs a program to its end", () => {
    const { output, go, log } = boot_smp(cpus);
    expect(go()).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("hello");
    expect(log()).toContain(`Total of ${cpus} processors activated.`);
    expect(log()).toContain("host bus clock speed is 10000 kHz");
    expect(log()).not.toMatch(/APIC error|spurious|Unknown interrupt/);
  });

  it("ticks on each CPU as often as the 8254 does", () => {
    const { kernel, go } = boot_smp(cpus, SPIN);
    kernel.run_to_user();
    const ticks = () =>
      kernel.inspect(() => ({
        jiffies: jiffies.value,
        ticks: cores(cpus).map((cpu) => apic_timer_irqs.of(cpu)),
        charged: cores(cpus).map((cpu) => task_struct.at(init_tasks.value.get(cpu)).stime),
      }));
    const before = ticks();
    expect(go()).toEqual({ kind: "exit", status: 0 });
    const after = ticks();
    const passed = after.jiffies - before.jiffies;
    expect(passed).toBeGreaterThan(4);
    for (const cpu of cores(cpus)) {
      expect(Math.abs(after.ticks[cpu] - before.ticks[cpu] - passed)).toBeLessThan(2);
      if (cpu > 0) expect(after.charged[cpu] - before.charged[cpu]).toBe(after.ticks[cpu] - before.ticks[cpu]);
    }
  });

  it("does the same, instruction for instruction, every time", () => {
    const whole = () => {
      const { kernel, go, events } = boot_smp(cpus, HELLO, { trace: true, fromReset: true });
      const stop = go();
      return { stop, events, instructions: kernel.machine.counters, memory: kernel.machine.readPhysical(0, 1 << 20) };
    };
    const first = whole();
    const second = whole();
    expect(first.stop).toEqual({ kind: "exit", status: 0 });
    expect(second.events.length).toBe(first.events.length);
    expect(second.events).toEqual(first.events);
    expect(second.instructions).toEqual(first.instructions);
    expect(Buffer.compare(second.memory, first.memory)).toBe(0);
  });
});

describe("turns", () => {
  it("are such that all CPUs have theirs twice in a tick, at least", () => {
    const turn = (cpus: number, hz: number, cpuHz?: number) =>
      new Kernel({ image: kernel_image({ smp: true, hz }), cpus, ...(cpuHz === undefined ? {} : { cpuHz }) }).machine
        .interleaver.quantum;
    expect([turn(2, 100), turn(4, 100), turn(8, 100)]).toEqual([12_500, 12_500, 6250]);
    expect([turn(8, 1000), turn(4, 100, 1_000_000)]).toEqual([625, 1250]);
    const { kernel } = boot_smp(8);
    expect(
      [kernel.fork(), Kernel.resume(kernel.save(), { image })].map(({ machine }) => machine.interleaver.quantum),
    ).toEqual([6250, 6250]);
  });

  it("make no CPU miss a tick, however short ticks are, when all compute", () => {
    const { kernel } = boot_smp(
      8,
      `
      .globl _start
      _start:
      	movl $7, %edi
      1:	SYSCALL fork
      	testl %eax, %eax
      	jz 2f
      	decl %edi
      	jnz 1b
      2:	incl %ecx
      	jmp 2b
      `,
      { image: kernel_image({ smp: true, hz: 1000 }) },
    );
    kernel.run_to_user();
    kernel.run({ maxInstructions: 200_000 });
    const before = kernel.inspect(() => jiffies.value);
    kernel.run({ maxInstructions: 1_000_000 });
    expect(Math.abs(kernel.inspect(() => jiffies.value) - before - 100)).toBeLessThan(2);
  });
});

describe("the start of CPUs", () => {
  it("leaves nothing mapped at the bottom of memory, and no idle task among the tasks", () => {
    const { kernel, tasks } = boot_smp(4);
    kernel.run_to_user();
    const directory = kernel.machine.readPhysical(physical("swapper_pg_dir"), 3072);
    expect(directory.every((byte) => byte === 0)).toBe(true);
    expect(tasks().map((line) => line.split(" ")[0])).toEqual(["0", "1"]);
  });

  it("goes on from a state that is kept, which is that of a boot from the reset", () => {
    const kept = boot_smp(4, SPIN);
    const whole = boot_smp(4, SPIN, { fromReset: true });
    expect(kept.kernel.machine.instructions).toBeGreaterThan(0);
    expect(kept.go()).toEqual(whole.go());
    expect(kept.kernel.machine.counters).toEqual(whole.kernel.machine.counters);
  });

  it("can be captured halfway, and goes on the same", () => {
    const { kernel } = boot_smp(4, SPIN, { fromReset: true });
    kernel.run({ maxInstructions: 45_000 });
    const other = kernel.fork();
    expect(other.run()).toEqual(kernel.run());
    expect(other.machine.counters).toEqual(kernel.machine.counters);
  });
});

describe("a kernel for several CPUs", () => {
  it("runs on one, with the 8259A's interrupts", () => {
    const { kernel, go, output, log } = boot_smp(1, SPIN);
    expect(go()).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("done");
    expect(log()).toContain("SMP motherboard not detected");
    expect(kernel.inspect(() => kstat.of(0).irqs.get(0))).toBeGreaterThan(4);
    expect(kernel.machine.ioApic.anyUnmasked).toBe(false);
  });

  it("is what several CPUs need, up to eight", () => {
    const for_one = link_kernel();
    expect(() => new Kernel({ image: for_one, cpus: 2 })).toThrow("2 CPUs: this kernel is linked for one");
    expect(() => new Kernel({ image, cpus: 9 })).toThrow("9 CPUs: a kernel runs on 1 to 8");
    expect(() => new Kernel({ image, cpus: 0 })).toThrow("0 CPUs: a kernel runs on 1 to 8");
  });
});

describe("device interrupts on several CPUs", () => {
  it("come by the I/O APIC: the timer's by pin 2, the terminal's by its own number", () => {
    const { kernel } = boot_smp(2);
    kernel.run_to_user();
    const { redirection } = kernel.machine.ioApic;
    const MASKED = 0x10000;
    const unmasked = redirection.flatMap(({ entry }, pin) => ((entry & MASKED) === 0 ? [[pin, entry & 0xff]] : []));
    expect(unmasked).toEqual([
      [2, 0x20],
      [4, 0x24],
    ]);
    expect(kernel.machine.pic.anyUnmasked).toBe(false);
  });

  it("bring input to a program", () => {
    const run = boot_smp(
      4,
      `
.globl _start
_start:
	SYSCALL read, $0, $buffer, $16
	movl %eax, %edx
	SYSCALL write, $1, $buffer, %edx
	EXIT
.bss
buffer:	.skip 16
`,
    );
    expect(run.go()).toEqual({ kind: "input" });
    run.kernel.input(new TextEncoder().encode("abc\n"));
    expect(run.go()).toEqual({ kind: "exit", status: 0 });
    expect(run.output()).toContain("abc");
  });
});

it("device interrupts go to all CPUs in turn", () => {
  const { kernel, go } = boot(
    `
.globl _start
_start: SYSCALL nanosleep, $second, $0
	EXIT
.data
second:	.long 1, 0
`,
    { cpus: 4 },
  );
  expect(go()).toEqual({ kind: "exit", status: 0 });
  const ticks = kernel.inspect(() => [0, 1, 2, 3].map((cpu) => kstat.of(cpu).irqs.get(0)));
  for (const count of ticks) expect(count).toBeGreaterThan(20);
  expect(ticks.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(100);
});

it("a kernel for one CPU has nothing of all that", () => {
  const { kernel } = boot(HELLO, { cpus: 1 });
  for (const name of ["smp_boot_cpus", "apic_read", "reschedule_interrupt"])
    expect(() => kernel.image.symbol(name)).toThrow("no symbol");
  expect(kernel.image.cpus).toBe(1);
});

describe("the MP configuration", () => {
  const FLOATING_POINTER = 0x9fc10;
  const EBDA_SEGMENT = 0x40e;

  /** A kernel on two cores at its reset, whose memory is changed before it looks. */
  function with_memory(change: (machine: Kernel["machine"]) => void) {
    const run = boot_smp(2, HELLO, { fromReset: true });
    change(run.kernel.machine);
    expect(run.go()).toEqual({ kind: "exit", status: 0 });
    return run;
  }

  it("is found in the extended BIOS data area, too", () => {
    const { log } = with_memory((machine) => {
      const found = machine.readPhysical(FLOATING_POINTER, 16);
      machine.writePhysical(FLOATING_POINTER, new Uint8Array(16));
      machine.writePhysical(0x80020, found);
      machine.writePhysical(EBDA_SEGMENT, Uint8Array.of(0x00, 0x80));
    });
    expect(log()).toContain("found SMP MP-table at 00080020");
    expect(log()).toContain("Total of 2 processors activated.");
  });

  it("is not what has a wrong checksum: the floating pointer structure, and the table", () => {
    const pointer = with_memory((machine) => machine.writePhysical(FLOATING_POINTER + 15, Uint8Array.of(1)));
    expect(pointer.log()).not.toContain("found SMP MP-table");
    expect(pointer.log()).not.toContain("Booting processor");
    const table = with_memory((machine) => machine.writePhysical(FLOATING_POINTER + 16 + 40, Uint8Array.of(1)));
    expect(table.log()).toContain("SMP mptable: checksum error!");
    expect(table.log()).not.toContain("Booting processor");
  });

  it("may name a CPU that does not come", () => {
    const PROCESSORS = FLOATING_POINTER + 16 + 44;
    const { log } = with_memory((machine) => {
      // The second processor's local APIC has another number than the table says; the checksum is made right again.
      machine.writePhysical(PROCESSORS + 20 + 1, Uint8Array.of(5));
      const [checksum] = machine.readPhysical(FLOATING_POINTER + 16 + 7, 1);
      machine.writePhysical(FLOATING_POINTER + 16 + 7, Uint8Array.of(checksum - 4));
    });
    expect(log()).toMatch(/CPU #1 does not respond \(APIC error 0000000[0-9a-f]\)/);
    expect(log()).toContain("Total of 1 processors activated.");
  });
});
