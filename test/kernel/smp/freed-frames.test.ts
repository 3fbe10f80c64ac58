/** Frames that one thread unmaps, while another writes to them on its CPU and a process on a third gets frames for itself. */
import { expect, it } from "vitest";
import { cpu_curr } from "../../../kernel/include/linux/sched_class.ts";
import { boot_smp } from "./run.ts";

const PAGES = 16;

/** Status 0: the pages of the process had nothing in them but what the process wrote there. */
const UNMAPPING = `
.set THREAD, 0x100 | 0x200 | 0x400 | 0x800	# CLONE_VM, FS, FILES, SIGHAND
.set SHARED, 0x50000000
.set SHARED_END, SHARED + 0x1000 * ${PAGES}
.set OWN, 0x60000000
.set READY, 0x70000000		# a word of the thread, a word of the process
.macro MOVE_TO cpu
	movl $1 << \\cpu, %eax
	pushl %eax
	SYSCALL sched_setaffinity, $0, $4, %esp
	popl %eax
.endm
.globl _start
_start:
	SYSCALL old_mmap, $ready
	SYSCALL fork
	testl %eax, %eax
	jz process
	SYSCALL old_mmap, $shared
	SYSCALL clone, $THREAD, $stack
	testl %eax, %eax
	jz thread
	MOVE_TO 0
1:	SYSCALL sched_yield
	cmpl $0, READY
	je 1b
	cmpl $0, READY + 4
	je 1b
	SYSCALL old_mmap, $shared	# unmaps what is there
	cmpl $SHARED, %eax
	jne bad
	SYSCALL wait4, $2, $status, $0, $0
	movzbl status+1, %ebx
	SYSCALL exit, %ebx
bad:	EXIT $2

thread:	MOVE_TO 2
write:	movl $SHARED, %edi
1:	movl $1, (%edi)
	addl $0x1000, %edi
	cmpl $SHARED_END, %edi
	jne 1b
	movl $1, READY
	jmp write

process:
	MOVE_TO 1
	movl $1, READY + 4
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
ready:	.long READY, 0x1000, 3, 0x31, -1, 0	# MAP_SHARED
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
  expect(kernel.inspect(() => [0, 1, 2].map((cpu) => cpu_curr(cpu).pid))).toEqual([1, 2, 3]);
  const alone = (pid: number, maxInstructions: number) => {
    machine.onlyCore = pid - 1;
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
