# Three tasks, each of which makes 15 tasks and waits for each. With several CPUs they wait for each other's locks:
# esp0 run --cpus 2 --trace FILE --trace-locks examples/forks.S; esp0 report FILE

.globl _start
_start:	movl $3, %ebp
1:	movl $2, %eax			# fork()
	int $0x80
	testl %eax, %eax
	jz parent
	decl %ebp
	jnz 1b
2:	call wait
	testl %eax, %eax
	jg 2b
	jmp exit

parent:	movl $15, %ebp
3:	movl $2, %eax			# fork()
	int $0x80
	testl %eax, %eax
	jz exit
	call wait
	decl %ebp
	jnz 3b

exit:	movl $1, %eax			# exit(0)
	xorl %ebx, %ebx
	int $0x80

wait:	movl $114, %eax			# wait4(-1, NULL, 0, NULL)
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	int $0x80
	ret
