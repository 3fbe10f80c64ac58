# The demo: pid 1 of `esp0 run` without a file. Starts children that compute and children that sleep, shows that a page
# written after fork() becomes the writer's own, waits for all of them and reports.

.include "start.S"

.set SPINNERS, 2
.set SLEEPERS, 2

.text
.globl _start
_start:
	PRINT "init: pid "
	SYSCALL getpid
	call print_number
	PRINT ", starting two CPU-bound and two sleeping children\n"

	movl $spin_path, %ebp
	movl $spin_argv, %edi
	movl $SPINNERS, %esi
1:	call spawn
	decl %esi
	jnz 1b
	movl $sleep_path, %ebp
	movl $sleep_argv, %edi
	movl $SLEEPERS, %esi
1:	call spawn
	decl %esi
	jnz 1b

	call copy_on_write

	# Wait for everybody; count who left with which status.
reap:	movl $-1, %ebx
	movl $status, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	SYSCALL wait4
	testl %eax, %eax
	jle report
	incl reaped
	PRINT "init: child "
	call print_number
	PRINT " exited with status "
	movzbl status+1, %eax
	call print_number
	PRINT "\n"
	jmp reap

report:
	PRINT "init: "
	movl reaped, %eax
	call print_number
	PRINT " children waited for; this page still reads '"
	movl $shared, %ecx
	call print_string
	PRINT "'\n"
	xorl %ebx, %ebx
	SYSCALL exit

# Forks and runs the program at EBP with arguments at EDI.
spawn:	SYSCALL fork
	testl %eax, %eax
	jz 1f
	ret
1:	movl %ebp, %ebx
	movl %edi, %ecx
	movl $environment, %edx
	SYSCALL execve
	PRINT "init: execve failed\n"
	movl $127, %ebx
	SYSCALL exit

# Two more children write to one page that they share with us and with each other until they do.
copy_on_write:
	movl $2, %esi
1:	SYSCALL fork
	testl %eax, %eax
	jz 2f
	decl %esi
	jnz 1b
	ret
2:	SYSCALL getpid
	movl %eax, %edi
	movl $0x6c696863, shared	# "chil"
	movl $0x00002064, shared+4	# "d "
	leal '0'(%esi), %eax
	movb %al, shared+6
	PRINT "child "
	movl %edi, %eax
	call print_number
	PRINT ": wrote '"
	movl $shared, %ecx
	call print_string
	PRINT "' into a page shared copy-on-write\n"
	xorl %ebx, %ebx
	SYSCALL exit

.section .rodata
spin_path:	.asciz "/bin/spin"
sleep_path:	.asciz "/bin/sleep"

.data
.align 4
spin_argv:	.long spin_path, 0
sleep_argv:	.long sleep_path, 0
environment:	.long 0

.section .data.page,"aw"
.align 4096
shared:		.asciz "untouched"
.align 4096

.bss
status:	.skip 4
reaped:	.skip 4
