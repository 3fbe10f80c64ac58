# Eight children wait for a token each, which their parent makes one after the other: calls 250 to 252 of herd.ts. With an argument
# they wait exclusively.

.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_wait4, 114
.set SYS_nanosleep, 162
.set SYS_herd_init, 250
.set SYS_herd_take, 251
.set SYS_herd_give, 252
.set CHILDREN, 8

.globl _start
_start:
	movl (%esp), %edi			# argc - 1: whether exclusively
	decl %edi
	movl $SYS_herd_init, %eax
	int $0x80
	movl $CHILDREN, %ebp
1:	movl $SYS_fork, %eax
	int $0x80
	testl %eax, %eax
	jz child
	decl %ebp
	jnz 1b
	call sleep
	movl $CHILDREN, %ebp
2:	movl $SYS_herd_give, %eax
	int $0x80
	call sleep
	decl %ebp
	jnz 2b
	movl $SYS_exit, %eax
	xorl %ebx, %ebx
	int $0x80

child:	movl $SYS_herd_take, %eax
	movl %edi, %ebx
	int $0x80
	movl $SYS_exit, %eax
	xorl %ebx, %ebx
	int $0x80

sleep:	movl $SYS_nanosleep, %eax
	movl $moment, %ebx
	xorl %ecx, %ecx
	int $0x80
	ret

.data
moment:	.long 0, 10000000
