# Copy-on-write: parent and child write the same page, and each sees only its own value.
#
# After fork() both page tables name the same frame of .data, read-only. The child writes first: its write faults, the
# kernel copies the frame. Then the parent writes: it faults too, but is the frame's last user and gets it back
# writable. Two faults, one copy: `esp0 run --stats examples/cow.S` counts them.

.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_write, 4
.set SYS_wait4, 114
.set STDOUT, 1

.text
.globl _start
_start:
	movl $SYS_fork, %eax
	int $0x80
	testl %eax, %eax
	jnz parent

child:
	movb $'c', value			# faults: the page is shared
	movl $text_child, %ecx
	movl $text_child_end - text_child, %edx
	movl $1f, %ebp
	jmp print
1:
	xorl %ebx, %ebx
	jmp exit

parent:
	movl $-1, %ebx				# wait for the child, whatever its status
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $SYS_wait4, %eax
	int $0x80
	movl $text_before, %ecx
	movl $text_before_end - text_before, %edx
	movl $1f, %ebp
	jmp print
1:
	movb $'p', value			# faults: still read-only, but nobody shares it any more
	movl $text_parent, %ecx
	movl $text_parent_end - text_parent, %edx
	movl $1f, %ebp
	jmp print
1:
	xorl %ebx, %ebx

exit:
	movl $SYS_exit, %eax
	int $0x80

# Writes ECX (EDX bytes), then the value and a newline, and goes on at EBP. No call, no push: they would write to the
# stack's page, which fork() has made copy-on-write like every other, and the count would show it.
print:
	movl $STDOUT, %ebx
	movl $SYS_write, %eax
	int $0x80
	movl $value, %ecx
	movl $2, %edx
	movl $SYS_write, %eax
	int $0x80
	jmp *%ebp

.section .rodata
text_child:
	.ascii "child:  value is now "
text_child_end:
text_before:
	.ascii "parent: value is still "
text_before_end:
text_parent:
	.ascii "parent: value is now "
text_parent_end:

.data
value:	.ascii "?\n"
