# What a switch costs while N tasks are runnable: yields.S N prints the instructions from a task's sched_yield to the end of the
# other's. Two real-time tasks yield to each other; the other N - 2 wait, as they would for ever. The time-stamp counter counts
# an instruction as one cycle.

.set SYS_write, 4
.set SYS_clone, 120
.set SYS_sched_setscheduler, 156
.set SYS_sched_yield, 158
.set SYS_exit_group, 252
.set THREAD, 0x10f00			# CLONE_VM, _FS, _FILES, _SIGHAND, _THREAD: all share one stack, and use none of it
.set SCHED_OTHER, 0
.set SCHED_FIFO, 1
.set ROUNDS, 10

.text
.globl _start
_start:
	movl 8(%esp), %esi		# argv[1]
	xorl %ebp, %ebp
	xorl %eax, %eax
1:	lodsb
	testb %al, %al
	jz 2f
	imull $10, %ebp
	leal -'0'(%ebp,%eax), %ebp
	jmp 1b
2:	xorl %ebx, %ebx
	movl $SCHED_FIFO, %ecx
	movl $one, %edx
	movl $SYS_sched_setscheduler, %eax
	int $0x80
	testl %eax, %eax
	jnz failed
	subl $2, %ebp
	jz 4f
3:	call make_task			# real-time at first, like its parent
	movl %eax, %ebx
	movl $SCHED_OTHER, %ecx
	movl $zero, %edx
	movl $SYS_sched_setscheduler, %eax
	int $0x80
	testl %eax, %eax
	jnz failed
	decl %ebp
	jnz 3b
4:	call make_task

	movl $ROUNDS, %edi
	call yield_times
	rdtsc
	movl %eax, %esi
	movl $ROUNDS, %edi
	call yield_times
	rdtsc
	subl %esi, %eax			# in that time each of the two has been switched to ROUNDS times
	xorl %edx, %edx
	movl $2 * ROUNDS, %ecx
	divl %ecx
	movl $text_end, %edi
	movl $10, %ecx
5:	xorl %edx, %edx
	divl %ecx
	addb $'0', %dl
	decl %edi
	movb %dl, (%edi)
	testl %eax, %eax
	jnz 5b
	movl $1, %ebx
	movl %edi, %ecx
	movl $text_end + 1, %edx
	subl %edi, %edx
	movl $SYS_write, %eax
	int $0x80
	xorl %ebx, %ebx
	movl $SYS_exit_group, %eax
	int $0x80
failed:	movl $1, %ebx
	movl $SYS_exit_group, %eax
	int $0x80

# A task that yields for ever; its number in EAX.
make_task:
	movl $THREAD, %ebx
	movl $stack, %ecx
	movl $SYS_clone, %eax
	int $0x80
	testl %eax, %eax
	js failed
	jz 1f
	ret
1:	movl $SYS_sched_yield, %eax
	int $0x80
	jmp 1b

# Yields EDI times.
yield_times:
	movl $SYS_sched_yield, %eax
	int $0x80
	decl %edi
	jnz yield_times
	ret

.data
.align 4
zero:	.long 0
one:	.long 1
	.skip 10
text_end:
	.ascii "\n"
.bss
	.skip 64
stack:
