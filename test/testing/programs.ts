/** Programs that several tests of the kit run. */
import { asm } from "../../testing/index.ts";

/** Two tasks that give the CPU to each other, and end. */
export const TWO_TASKS = asm`
	SYSCALL fork
1:	SYSCALL sched_yield
	incl %edi
	cmpl $10, %edi
	jb 1b
	EXIT
`;

/** The child writes into a page that it shares with its parent. */
export const COPY_ON_WRITE = asm`
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL getppid
	EXIT $3
child:	SYSCALL getppid
	incl value
	SYSCALL getppid
	EXIT
.data
value:	.long 7
`;

/** Forks and waits, once to warm up and twice more, with getppid() between. */
export const FORKS = asm`
.macro FORK_AND_WAIT
	SYSCALL fork
	testl %eax, %eax
	jz quit
	SYSCALL wait4, $-1, $0, $0, $0
.endm
	FORK_AND_WAIT
	SYSCALL getppid
	FORK_AND_WAIT
	FORK_AND_WAIT
	SYSCALL getppid
	SYSCALL fork
	testl %eax, %eax
	jz pause
	SYSCALL getppid
quit:	EXIT
pause:	SYSCALL pause
`;

/** Prints, then counts in user mode for a while. */
export const BUSY = asm`
	SYSCALL fork
	movl $60000, %ecx
1:	decl %ecx
	jnz 1b
	PRINT "x"
	EXIT
`;
