import { describe, expect, it } from "vitest";
import { ESP } from "../../../emulator/index.ts";
import { task_struct } from "../../../kernel/include/linux/sched.ts";
import { rq } from "../../../kernel/include/linux/sched_class.ts";
import { asm } from "../../../testing/program.ts";
import { breath } from "../../breathing.ts";
import { Lab, LONG } from "./lab.ts";
import { MACROS } from "./paths.ts";

/** Two tasks that want the CPU, of which one makes system calls. */
const PROGRAM = asm`${MACROS}
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz 2f
begin:	SYSCALL getpid
end:	jmp begin
2:	jmp 2b
`;

const PERIOD = 400;

describe("on the way back to a program", () => {
  it("nothing that an interrupt asks for is overlooked, at whatever instruction it comes", {
    timeout: LONG,
  }, async () => {
    const lab = new Lab(PROGRAM);
    const { machine } = lab.kernel;
    const core = machine.cores[0];
    lab.must("begin");
    const state = lab.kernel.capture();
    const current = () => lab.peek(lab.symbol("runqueues") + rq.offset("curr"));
    const left = () => [
      ...["need_resched", "sigpending"].map((field) => lab.peek(current() + task_struct.offset(field))),
    ];
    let tried = 0;
    for (let at = 0; at < PERIOD; at++) {
      await breath();
      lab.restore(state);
      lab.kernel.run({ maxInstructions: at });
      if (core.cpl === 3) continue;
      // Its slice is over.
      lab.poke(current() + task_struct.offset("counter"), 1);
      machine.setIrq(0, false);
      machine.setIrq(0, true);
      // At the next instruction of a program the interrupt has been taken, or comes now.
      for (let i = 0; i < 5000 && core.cpl !== 3; i++) machine.step();
      expect(core.cpl).toBe(3);
      const eip = core.eip >>> 0;
      expect({ at, eip, left: left() }).toEqual({ at, eip, left: [0, 0] });
      tried++;
    }
    expect(tried).toBeGreaterThan(50);
  });
});

/** A system call in which the kernel's write to the program's memory faults. */
const FAULTS = asm`${MACROS}
.globl _start
_start:
begin:	SYSCALL time, $page
	EXIT
.bss
.align 4096
page:	.skip 4096
`;
const IRET = 0xcf;

describe("on the way back into the kernel", () => {
  it("an exception ends as what it began as, though an interrupt comes at the very last instruction", () => {
    const lab = new Lab(FAULTS);
    const { machine } = lab.kernel;
    const core = machine.cores[0];
    lab.must("begin");
    const events: string[] = [];
    lab.kernel.on_event(({ event, vector, nr }) => events.push(`${event} ${vector ?? nr}`));
    const is_return_to_kernel = () =>
      core.cpl === 0 &&
      machine.readLinear(core.eip >>> 0, 1)[0] === IRET &&
      (lab.peek((core.r[ESP] >>> 0) + 4) & 3) === 0;
    for (let i = 0; i < 5000 && !is_return_to_kernel(); i++) machine.step();
    expect(is_return_to_kernel()).toBe(true);
    machine.setIrq(0, false);
    machine.setIrq(0, true);
    for (let i = 0; i < 5000 && core.cpl !== 3; i++) machine.step();
    const told = events.filter((event) => /^(syscall|exception|interrupt)/.test(event));
    expect([...told].sort()).toEqual(
      [
        "syscall 13",
        "exception 14",
        "exception_exit 14",
        "interrupt 32",
        "interrupt_exit 32",
        "syscall_exit 13",
      ].sort(),
    );
  });
});
