# THREADS threads that take one spinlock, TIMES times each, as the kernel takes its own (arch/i386/lib/spinlock.S), and count
# while they have it. They begin together.

.set CLONE, 0x100 | 0x200 | 0x400 | 0x800	# VM, FS, FILES, SIGHAND
.set TIMES, 20000

.globl _start, begin, over
_start:
	movl $stacks, %ecx
	movl $THREADS-1, %edi
1:	testl %edi, %edi
	jz work
	addl $4096, %ecx
	movl $CLONE, %ebx
	movl $120, %eax				# clone
	int $0x80
	testl %eax, %eax
	jz work
	decl %edi
	jmp 1b

work:	lock; incl ready
1:	rep; nop
	cmpl $THREADS, ready
	jne 1b
begin:	movl $TIMES, %esi
take:	lock; decb free
	js 2f
	incl count
	movb $1, free
	decl %esi
	jnz take
over:	lock; incl done
1:	rep; nop
	cmpl $THREADS, done
	jne 1b
	xorl %ebx, %ebx				# exit_group(0), if nobody lost a count
	cmpl $THREADS*TIMES, count
	setne %bl
	movl $252, %eax
	int $0x80

2:	rep; nop
	cmpb $0, free
	jle 2b
	jmp take

.data
free:	.byte 1
.bss
.align 4
ready:	.skip 4
done:	.skip 4
count:	.skip 4
stacks:	.skip 4096 * THREADS
