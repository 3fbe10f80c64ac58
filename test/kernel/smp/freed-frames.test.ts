/** Frames that one thread unmaps, while another writes to them on its CPU and a process on a third gets frames for itself. */
import { expect, it } from "vitest";
import { task_list, task_struct } from "../../../kernel/inspect.ts";
import { boot_smp } from "./run.ts";

const PAGES = 16;

/** Status 0: the pages of the process had nothing in them but what the process wrote there. */
const UNMAPPING = `
.set THREAD, 0x100 | 0x200 | 0x400 | 0x800	# CLONE_VM, FS, FILES, SIGHAND
.set SHARED, 0x50000000
.set SHARED_END, SHARED + 0x1000 * ${PAGES}
.set OWN, 0x60000000
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz process
	SYSCALL old_mmap, $shared
	SYSCALL clone, $THREAD, $stack
	testl %eax, %eax
	jz thread
	movl $20000, %ecx
1:	loop 1b
	SYSCALL old_mmap, $shared	# unmaps what is there
	cmpl $SHARED, %eax
	jne bad
	SYSCALL wait4, $2, $status, $0, $0
	movzbl status+1, %ebx
	SYSCALL exit, %ebx
bad:	EXIT $2

thread:	movl $SHARED, %edi
1:	movl $1, (%edi)
	addl $0x1000, %edi
	cmpl $SHARED_END, %edi
	jne 1b
	jmp thread

process:
	SYSCALL old_mmap, $own
	movl $OWN, %edi
1:	movl $0, 4(%edi)
	movl $1000, %ecx
2:	cmpl $0, (%edi)
	jne torn
	loop 2b
	addl $0x1000, %edi
	cmpl $OWN + 0x18000, %edi
	jne 1b
	EXIT
torn:	EXIT $1
.data
.align 4
# Address, length, protection, flags (MAP_PRIVATE, FIXED, ANONYMOUS), file, offset.
shared:	.long SHARED, SHARED_END - SHARED, 3, 0x32, -1, 0
own:	.long OWN, 0x18000, 3, 0x32, -1, 0
status:	.long 0
.bss
.skip 4096
stack:
`;

it("are nobody else's while a CPU has a translation for them, however far the unmapping has got", () => {
  const { kernel, go } = boot_smp(3, UNMAPPING);
  const { machine } = kernel;
  machine.setBreakpoints([kernel.image.symbol("zap_page_range")]);
  expect(go().kind).toBe("breakpoint");
  machine.setBreakpoints([]);
  const cpus = kernel.inspect(() =>
    task_list()
      .map((task) => task_struct.at(task))
      .map(({ pid, processor }) => [pid, processor]),
  );
  const cpu_of = new Map(cpus.map(([pid, cpu]) => [pid, cpu]));
  expect(new Set([1, 2, 3].map((pid) => cpu_of.get(pid))).size).toBe(3);
  const alone = (pid: number, maxInstructions: number) => {
    machine.onlyCore = cpu_of.get(pid) as number;
    kernel.run({ maxInstructions });
    machine.onlyCore = null;
  };
  const start = kernel.capture();
  for (let far = 100; far <= 2000; far += 100) {
    kernel.restore(start);
    alone(1, far);
    alone(2, 3000);
    alone(3, 100);
    expect(go(), `${far} instructions far`).toEqual({ kind: "exit", status: 0 });
  }
});
